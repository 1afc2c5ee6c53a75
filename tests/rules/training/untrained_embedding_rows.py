"""Cases of TRN004."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]
NAME = "model.embed_tokens.weight"


def table(rows: int = 512, width: int = 32) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(0)) * 0.1


def changed(
    change: Callable[[torch.Tensor], None] = lambda _: None,
    name: str = NAME,
    rows: int = 512,
    **beside: object,
) -> Write:
    """A file with the table, and JSON documents beside it, by their names without the end."""

    def write(folder: Path) -> Path:
        tensor = table(rows)
        change(tensor)
        for document, content in beside.items():
            (folder / f"{document}.json").write_text(json.dumps(content))
        return save_as({name: tensor, "model.norm.weight": torch.ones(32)}, folder, "safetensors")

    return write


def zero(start: int, stop: int) -> Callable[[torch.Tensor], None]:
    def change(tensor: torch.Tensor) -> None:
        tensor[start:stop] = 0

    return change


def equal(tensor: torch.Tensor) -> None:
    tensor[100:103] = tensor[7].clone()


def average(tensor: torch.Tensor) -> None:
    tensor[200:210] = tensor.mean(0) + 1e-4 * torch.randn(10, 32)


VOCABULARY = {"model": {"vocab": {f"t{i}": i for i in range(500)}}}

CASES = (
    Case("trained rows pass", changed(), (Expected("pass", message="512 rows in 1"),)),
    Case(
        "rows of zeros",
        changed(zero(3, 12)),
        (
            Expected(
                "fail",
                "note",
                "medium",
                ("tensor", NAME),
                {"zero": 9, "equal": 0, "near_mean": 0},
                "9 rows of zeros (3–11)",
            ),
        ),
    ),
    Case("a padding token's row passes", changed(zero(0, 1)), (Expected("pass"),)),
    Case(
        "equal rows",
        changed(equal),
        (Expected("fail", values={"equal": 3, "zero": 0}, message="(100–102)"),),
    ),
    Case("average rows", changed(average), (Expected("fail", values={"near_mean": 10}),)),
    Case(
        "three average rows are allowed by an option",
        changed(average),
        (Expected("pass"),),
        {"max-near-mean": 10},
    ),
    Case(
        "rows past the tokenizer's pad the table",
        changed(zero(500, 512), tokenizer=VOCABULARY),
        (Expected("pass", message="those past the 500 tokens are padding"),),
    ),
    Case(
        "rows of tokens that the tokenizer adds do not",
        changed(
            zero(500, 512),
            tokenizer=VOCABULARY
            | {"added_tokens": [{"id": i, "content": f"<{i}>"} for i in range(505)]},
        ),
        (Expected("fail", values={"zero": 5}, message="(500–504)"),),
    ),
    Case(
        "documents of another kind tell nothing",
        changed(
            zero(500, 512), tokenizer={"model": [1], "added_tokens": 3}, config={"vocab_size": "x"}
        ),
        (Expected("fail", values={"zero": 12}),),
    ),
    Case(
        "a constant table is no matter of rows",
        changed(lambda tensor: tensor.fill_(0.5)),
        (Expected("pass"),),
    ),
    Case(
        "a table of positions is none of tokens",
        changed(zero(3, 12), name="model.position_embeddings.weight"),
        (Expected("not-applicable"),),
    ),
)
