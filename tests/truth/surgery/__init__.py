"""Operations on an ONNX file through modlint's network that leave its function as it is.

A unit is all that belongs to one neuron: rows, columns, biases and elements of norms, by the
places in their tensors that the network names. Units that stand alike may be exchanged, a unit
behind a ReLU scaled, and a dead one taken out; where onnxruntime then gives another output, the
network is wrong, or lacks a reader.
"""

from truth.surgery.dead import dead
from truth.surgery.file import File, opened
from truth.surgery.operating import exchanged, killed, removed
from truth.surgery.running import difference, feeds
from truth.surgery.scaling import scaled
from truth.surgery.units import Unit, units

__all__ = [
    "File",
    "Unit",
    "dead",
    "difference",
    "exchanged",
    "feeds",
    "killed",
    "opened",
    "removed",
    "scaled",
    "units",
]
