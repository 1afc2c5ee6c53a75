"""What a pickle of TorchScript's makes torch call: bytecode, and classes of C++.

`bytecode.pkl` is code for mobile devices, and needs no source beside it: `torch.jit.mobile` runs
its instructions as they stand. Of what they call, the names are texts of the pickle: operators
as "aten::add", classes of C++ below `__torch__.torch.classes`. An object of such a class that a
pickle names is built by the class itself. Sources: torch/csrc/jit/mobile/import.cpp;
serialization/unpickler.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint.pickles import PickleTrace
from modlint_plugins.code.operators import UNCHECKED_OPERATOR
from modlint_plugins.code.sparse_indices import may_write
from modlint_plugins.code.torchscript import CLASS, judge
from modlint_plugins.code.type_names import MAX_NESTED, nesting

_MEMBER = "bytecode.pkl"
_OPERATOR = re.compile(r"\w{1,200}::\w{1,200}")
_CLASS = re.compile(r"__torch__\.torch\.classes\.(\w{1,200}\.\w{1,200})")
_SETTER = ".__setstate__"
_UNEXAMINED = "unexamined-code"
_HELP = "do not load this file; ask for its weights as safetensors"


def is_bytecode(name: str) -> bool:
    """Whether a member is where torch looks for bytecode, which it finds in any case."""
    return name.lower().rpartition("/")[2] == _MEMBER


def examine_scripted(trace: PickleTrace, name: str) -> Iterator[Remark]:
    """Remarks on what a pickle makes torch call.

    Args:
        trace: the pickle.
        name: path of the member that it lies in.
    """
    classes = (f"{use.module}.{use.name}" for use in trace.uses)
    called = [f"{CLASS}{match[1]}" for name in classes if (match := _CLASS.match(name))]
    what = "a pickle"
    if is_bytecode(name):
        what = "bytecode"
        called += _in_texts(trace)
        if any(text.endswith(_SETTER) for text in trace.texts):
            message = "bytecode that runs when the file is loaded, and was not followed"
            yield Remark(_UNEXAMINED, message, offset=trace.offset, help=_HELP)
        if any(nesting(text) > MAX_NESTED for text in trace.texts):
            message = f"bytecode with a type nested more than {MAX_NESTED} deep"
            yield Remark("bad-state", message, offset=trace.offset, help=_HELP)
        if trace.texts_cut:
            yield Remark(_UNEXAMINED, "bytecode whose texts go past a limit", help=_HELP)
    if may_write(called):
        message = f"{what} may change the indices of a sparse tensor"
        yield Remark(UNCHECKED_OPERATOR, message, offset=trace.offset, help=_HELP)
    for each in dict.fromkeys(called):
        judgement = judge(each)
        if judgement is not None:
            yield Remark(
                judgement.kind, f"{what} {judgement.message}", offset=trace.offset, help=_HELP
            )


def _in_texts(trace: PickleTrace) -> Iterator[str]:
    for text in trace.texts:
        if _OPERATOR.fullmatch(text):
            yield text
        yield from (f"{CLASS}{match[1]}" for match in _CLASS.finditer(text))
