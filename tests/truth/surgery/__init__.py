"""Operations on an ONNX file through a claimed graph that leave its function as it is.

A neuron is what the edges join: output channels of weights and input columns of others. Neurons of
one pattern may be exchanged, a ReLU unit scaled, and a dead unit cut; where onnxruntime then gives
another output, the graph is wrong or lacks a reader.
"""

from truth.surgery.neurons import Neuron, neurons
from truth.surgery.operating import Editable, cut, permute, scale
from truth.surgery.running import difference, feeds

__all__ = ["Editable", "Neuron", "cut", "difference", "feeds", "neurons", "permute", "scale"]
