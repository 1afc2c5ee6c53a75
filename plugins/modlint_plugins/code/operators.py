"""torch's operators, by namespace and name: those that only compute, and the others."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from msgspec import Struct

from modlint_plugins.code.words import words

FILE_OPERATOR = "file-operator"
ACTING_OPERATOR = "acting-operator"
UNKNOWN_OPERATOR = "unknown-operator"
UNCHECKED_OPERATOR = "unchecked-operator"

_ACTS = re.compile(
    r"(?:image|torchvision|torchaudio|torio|sox_io|ffmpeg)\w*::\w*"
    r"(?:file|read|write|save|load|stream|sox_io)\w*|\w+::rpc_\w+|\w+::(?:load|read|write|save)_\w*file\w*"
)
_WRITES = re.compile(r"aten::(?:save|load|from_file)")
"""torch's own; `from_file` with `shared` makes the file."""
_UNCHECKED = re.compile(
    r"aten::(?:_sparse_\w+_unsafe|_sparse_coo_tensor_with_dims_and_tensors|_nested_view_from_\w+)"
)
"""torch's constructors that believe the indices and sizes they are given."""
_BELIEVING = re.compile(
    r"aten::(?:sparse_(?:coo|csr|csc|bsr|bsc|compressed)_tensor"
    r"|_sparse_compressed_tensor_with_dims"
    r"|_embedding_bag_(?:dense|sparse|per_sample_weights)_backward|_embedding_bag_backward"
    r"|(?:adaptive_)?max_pool[23]d(?:_with_indices)?_backward|_segment_reduce_backward"
    r"|nll_loss(?:2d)?_backward|_ctc_loss(?:_backward)?)"
)
"""torch's constructors that check the indices where a program asks for it, which a script cannot,
and steps of training that leave the check of indices to the step before them."""
_INNER = re.compile(r"(?:inductor|static_runtime|symm_mem)::\w+")
"""torch's own passes write these, behind checks of their own; no model does."""
_WHOLE = re.compile(r"(?:torch|ops|classes)::\*")
_OTHERS = words("torchvision torchaudio torchtext torchao torch_sparse torch_scatter torch_cluster")
"""Namespaces of libraries whose operators compute, but for those that `_ACTS` names."""
_CLASSES = words(
    "quantized sparse rnn mkldnn xnnpack metal vulkan nnapi _nnapi profiling cuda aten _test"
    " backendutils torchvision torchaudio torchtext torio"
)
"""Namespaces of classes that hold weights, or compute."""
_ACTING_CLASS = re.compile(
    r"(?:dist_\w+|c10d)\.\w+"
    r"|(?:torchvision|torchaudio|torio)\.\w*(?:Video|Audio|Stream|Reader|Writer|Decoder|Encoder)\w*"
)
_NATIVE_CLASS = re.compile(r"(?:\w*tensorrt\w*|\w*aoti\w*|\w*inductor\w*|neuron\w*)\.\w+")


class Judgement(Struct, frozen=True):
    """What is said of an operator: the remark's kind, and what the code does with it."""

    kind: str
    message: str


def judge_operator(name: str) -> Judgement | None:
    """What is said of an operator, None where it only computes.

    Args:
        name: namespace and name, without the overload: "aten::add".
    """
    if _WRITES.fullmatch(name):
        return Judgement(ACTING_OPERATOR, f"uses {name}, which reads, makes or changes files")
    if _ACTS.fullmatch(name):
        return Judgement(FILE_OPERATOR, f"uses {name}, which reads or writes files or the network")
    if _UNCHECKED.fullmatch(name):
        return Judgement(ACTING_OPERATOR, f"uses {name}, which believes any indices")
    if _BELIEVING.fullmatch(name):
        return Judgement(UNCHECKED_OPERATOR, f"uses {name}, which checks no index")
    if _INNER.fullmatch(name):
        return Judgement(UNCHECKED_OPERATOR, f"uses {name}, which believes what it is given")
    if _WHOLE.fullmatch(name):
        return Judgement(
            FILE_OPERATOR, f"takes {name[:-3]} itself as a value: any operator may follow"
        )
    if name in _listed() or name.partition("::")[0] in _OTHERS:
        return None
    return Judgement(UNKNOWN_OPERATOR, f"uses {name}, an operator that modlint does not know")


def judge_class(name: str) -> Judgement | None:
    """What is said of a class of C++, None where it only holds weights or computes.

    Args:
        name: namespace and name, as below `__torch__.torch.classes`: "rnn.CellParamsBase".
    """
    if _ACTING_CLASS.fullmatch(name):
        return Judgement(
            FILE_OPERATOR, f"uses the class {name}, which reaches files or the network"
        )
    if _NATIVE_CLASS.fullmatch(name):
        return Judgement(FILE_OPERATOR, f"uses the class {name}, which loads native code")
    if name.partition(".")[0] in _CLASSES:
        return None
    return Judgement(UNKNOWN_OPERATOR, f"uses {name}, a class that modlint does not know")


@cache
def _listed() -> frozenset[str]:
    text = resources.files(__package__).joinpath("torch_operators.txt").read_text(encoding="ascii")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
