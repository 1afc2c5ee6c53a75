"""Cases of SEC004; nothing here loads what it writes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected

PASS = Expected("pass", message="fit the bytes")


def saved(make: Callable[[], Any]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sparse layouts are in beta
            torch.save(make(), folder / "model.pt")
        return folder / "model.pt"

    return write


def pickled(content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "model.pkl").write_bytes(content)
        return folder / "model.pkl"

    return write


def coordinates(index: int, size: tuple[int, ...] = (4, 4)) -> Callable[[], Any]:
    def make() -> Any:
        indices = torch.tensor([[0, index], [1, 1]])
        values = torch.ones(2)
        return {"w": torch.sparse_coo_tensor(indices, values, size, check_invariants=False)}

    return make


def beside_a_decoy() -> Any:
    sound = coordinates(3)()["w"]
    decoy = {"w.indices": sound._indices(), "w.values": sound._values()}
    return {**decoy, "w": coordinates(10**6)()["w"]}


def as_a_key() -> Any:
    return {"table": {(1, coordinates(10**6)()["w"]): 1}}


class Negated:
    """Pickles as a tensor that is negated when it is read."""

    def __reduce__(self) -> Any:
        numbers = torch.tensor([[1, 2], [1, 1]])
        state = numbers.storage(), 0, (2, 2), (2, 1), False, {}, {"neg": True}
        return torch._utils._rebuild_tensor_v2, state


class NegatedIndices:
    """Pickles as a sparse tensor with such indices."""

    def __reduce__(self) -> Any:
        parts = Negated(), torch.ones(2), torch.Size((4, 4)), False
        return torch._utils._rebuild_sparse_tensor, (torch.sparse_coo, parts)


def rows(pointers: list[int], columns: list[int]) -> Callable[[], Any]:
    def make() -> Any:
        parts = torch.tensor(pointers), torch.tensor(columns), torch.ones(len(columns))
        return {"w": torch.sparse_csr_tensor(*parts, size=(2, 3), check_invariants=False)}

    return make


def nested() -> Any:
    return {"w": torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)])}


def index(message: str) -> Expected:
    values = {"kind": "sparse-index"}
    return Expected("fail", "error", "high", ("tensor", "w"), values, message)


def hazard(kind: str, message: str) -> Expected:
    return Expected("fail", "error", values={"kind": kind}, message=message)


GENERATOR = b"ctorch._C\nGenerator\n)\x81}b."
SHORT_STATE = b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00V8\x85R(K\x03X\x01\x00\x00\x00|tb."
RANGE = b"\x80\x02cbuiltins\nlist\ncbuiltins\nrange\n\x8a\x05\x00\x00\x00\x00\x7f\x85R\x85R."
RAW = b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'O8'\nI00\nI01\ntRS'aaaaaaaa'\ntR."

CASES = (
    Case("sound indices", saved(coordinates(3)), (PASS,)),
    Case("an index past the size", saved(coordinates(10**6)), (index("has 1,000,000 among its"),)),
    Case("a negative index", saved(coordinates(-1)), (index("has -1 among its indices"),)),
    Case("beside a decoy", saved(beside_a_decoy), (index("has 1,000,000 among its"),)),
    Case("as a key", saved(as_a_key), (
        Expected("fail", "error", values={"kind": "sparse-index"}, message="has 1,000,000"),
    )),
    Case("negated indices", saved(lambda: {"w": NegatedIndices()}), (
        hazard("bad-state", "are negated when they are read"),
    )),
    Case("sound rows", saved(rows([0, 1, 2], [0, 2])), (PASS,)),
    Case("a column past the size", saved(rows([0, 1, 2], [0, 3])), (index("has 3 among"),)),
    Case("pointers past the entries", saved(rows([0, 9, 2], [0, 2])), (
        index("has 9 among its pointers"), index("do not rise"),
    )),
    Case("pointers that fall", saved(rows([2, 0, 2], [0, 2])), (index("do not rise"),)),
    Case("a nested tensor", saved(nested), (PASS,)),
    Case(
        "a tensor that is huge once it is dense",
        saved(coordinates(3, (2**20, 2**20))),
        (Expected("fail", "warning", values={"kind": "sparse-size"}, message="once it is dense"),),
    ),
    Case("a generator's state", pickled(GENERATOR), (hazard("bad-state", "no triple"),)),
    Case("a short state", pickled(SHORT_STATE), (hazard("bad-dtype", "a state of 2 parts"),)),
    Case("objects from bytes", pickled(RAW), (hazard("raw-objects", "from raw bytes"),)),
    Case("a list of a range", pickled(RANGE), (hazard("allocation", "asks for"),)),
)  # fmt: skip
