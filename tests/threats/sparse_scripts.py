"""Lines 34 and 36 of the list: TorchScript that gives sparse tensors indices outside of them."""

from __future__ import annotations

import json

from threats.boxes import program, torch_archive
from threats.build import ANYWHERE, STATE, Entry, Finding, Threat, alone
from threats.carried import scripted
from threats.pickled import text

_WARNING = Finding("SEC003", "warning", ANYWHERE, None)
_ERROR = Finding("SEC003", "error", ANYWHERE, None)

_WRITES = {
    "filled": "torch.fill_(torch._indices(x), 1000000000000)",
    "filled through a variable": "torch._indices(x)\n    u = torch.fill_(t, 1000000000000)",
    "filled before they are taken, by the order of lines": (
        "x\n    for i in range(2):\n      u = torch.fill_(t, 7)\n      t = torch._indices(x)"
    ),
    "filled through views": (
        "torch.select(torch.detach(torch.col_indices(x)), 0, 0)\n    u = torch.copy_(t, x)"
    ),
    "filled through a list": "[torch.indices(x)]\n    u = torch.add_(t[0], 9)",
    "filled in a comprehension": "[torch.fill_(i, 9) for i in [torch.ccol_indices(x)]]",
    "filled through a type": "annotate(Tensor, torch.row_indices(x))\n    u = torch.zero_(t)",
    "added to": "torch.crow_indices(x)\n    t += 1000000000000",
    "set by an element": "torch._indices(x)\n    t[0] = 1000000000000",
    "written as an output": "torch.add(x, 9, out=torch._indices(x))",
    "written as one of several outputs": "torch.max(x, 0, max=x, max_values=torch._indices(x))",
    "written by an operator of another name": "torch._cummax_helper(x, x, torch._indices(x), 0)",
    "filled by a method": "x._indices().fill_(9)",
    "filled by a method of another name": 'getattr(x, "_indices")().fill_(9)',
    "taken by another name": 'torch.fill_(getattr(x, "_indices")(), 9)',
    "given to another method": "(self.m).forward(torch._indices(x), )",
    "given to a method that is called as an operator": "(self.m).add(torch._indices(x), )",
    "given to a function": "__torch__.f(torch._indices(x), )",
    "given to a parameter that is called torch": (
        "torch._indices(x)\n    for torch in [self.m]:\n      u = torch.add(t)"
    ),
    "kept": "torch._indices(x)\n    self.kept = t",
    "kept in a list": "annotate(List[Tensor], [])\n    u = torch.append(t, torch._indices(x))",
    "returned": "torch.view(torch._indices(x), [-1])",
    "built by a constructor": "torch.sparse_coo_tensor(x, x, [4, 4])",
    "built by a constructor of compressed tensors": ("ops.aten.sparse_csr_tensor(x, x, x, [4, 4])"),
}
_READS = {
    "indices that are compared": "torch.eq(torch._indices(x), 3)",
    "indices that are copied": "torch.clone(torch.indices(x))\n    u = torch.fill_(t, 3)",
    "indices that choose": "torch.index_select(x, 0, torch.select(torch._indices(x), 0, 1))",
    "their number": "torch.size(torch._indices(x), 1)",
    "values that are changed": "torch.mul_(torch._values(x), 2.)",
    "a sparse tensor that is made of a dense one": "torch.mm(torch.to_sparse(x), x)",
    "another tensor that is filled": (
        "torch.fill_(x, 1.)\n    n = torch.max(torch._indices(x))\n    u = torch.relu_(x)"
    ),
}


def _bytecode(*operators: str) -> bytes:
    """Bytecode of one function that calls these operators."""
    names = b"".join(text(operator) + text("") + b"\x86" for operator in operators)
    table = text("__torch__.f") + text("operators") + b"(" + names + b"t\x86\x85\x86"
    return torch_archive(STATE, Entry("archive/bytecode.pkl", b"\x80\x02K\x08" + table + b"\x86."))


def _program(*operators: str) -> bytes:
    nodes = [{"target": name, "inputs": [], "outputs": []} for name in operators]
    graph = {"inputs": [], "outputs": [], "nodes": nodes, "tensor_values": {}}
    return program(
        Entry("models/model.json", json.dumps({"graph_module": {"graph": graph}}).encode())
    )


_TAKEN = ("torch.ops.aten._indices.default", "torch.ops.aten.add.Tensor")

THREATS = (
    *(
        Threat(36, f"TorchScript: indices {title}", alone("m.pt", scripted(code), _WARNING))
        for title, code in _WRITES.items()
    ),
    *(
        Threat(36, f"silent TorchScript: {title}", alone("m.pt", scripted(code)))
        for title, code in _READS.items()
    ),
    Threat(
        36,
        "TorchScript: a constructor that never checks",
        alone("m.pt", scripted("torch._sparse_coo_tensor_unsafe(x, x, [4, 4])"), _ERROR),
    ),
    Threat(
        36,
        "TorchScript: bytecode that fills indices",
        alone("m.ptl", _bytecode("aten::_indices", "aten::fill_"), _WARNING),
    ),
    Threat(
        36,
        "silent TorchScript: bytecode that reads indices",
        alone("m.ptl", _bytecode("aten::_indices", "aten::add")),
    ),
    Threat(
        34,
        "a program that fills indices",
        alone("m.pt2", _program(*_TAKEN, "torch.ops.aten.fill_.Scalar"), _WARNING),
    ),
    Threat(34, "silent: a program that reads indices", alone("m.pt2", _program(*_TAKEN))),
)
