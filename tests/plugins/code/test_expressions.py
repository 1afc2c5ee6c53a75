"""Expressions of exported programs: what torch writes is silent, anything else is told."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils._sympy import functions

from modlint_plugins.code import examine
from modlint_plugins.code.expressions import FUNCTIONS, refusal


class Shapes(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        halves = x.reshape(x.shape[0] // 2, 2, -1).sum(1)
        padded = nn.functional.pad(y, (0, x.shape[0] % 4 + 1))
        scale = (x.shape[0] * 1.5 + y.shape[0] ** 2) / (y.shape[0] + 1)
        pooled = nn.functional.interpolate(padded[None, None], scale_factor=1.5)
        top = max(x.shape[0], y.shape[0] + 3)
        return halves.sum() * scale + pooled.sum() + torch.arange(top).sum()


def test_every_expression_that_export_writes_is_silent(tmp_path: Path) -> None:
    even, rows = torch.export.Dim("even", min=2, max=64), torch.export.Dim("rows", min=3, max=50)
    shapes = ({0: 2 * even}, {0: rows})
    inputs = (torch.ones(8, 6), torch.ones(5, 4))
    program = torch.export.export(Shapes(), inputs, dynamic_shapes=shapes)
    torch.export.save(program, tmp_path / "m.pt2")

    with zipfile.ZipFile(tmp_path / "m.pt2") as archive:
        names = frozenset(archive.namelist())
        models = [name for name in names if name.endswith("models/model.json")]
        contents = [archive.read(name) for name in models]
        told = [list(examine(memoryview(archive.read(n)), n, names)) for n in names]

    assert sum(content.count(b"expr_str") for content in contents) > 5
    assert not any(told)


def test_torch_s_own_functions_are_of_the_language() -> None:
    assert set(functions.__all__) <= FUNCTIONS


@pytest.mark.parametrize(
    "text",
    [
        "s0",
        "2*s0 + 1",
        "s0**2 - 4",
        "(s0 + 1)//2",
        "Mod(s0, 2)",
        "Max(1, s0)",
        "Ne(s0, 1) & (s1 > 3)",
        "Symbol('s0', integer=True, positive=True)",
        "Add(Mul(Integer(2), Symbol('s77', integer=True)), Integer(-1))",
        "Pow(Symbol('s0', integer=True), Integer(2))",
        "FloorDiv(Add(Symbol('u0', integer=True), Integer(31)), Integer(32))",
        "Float('1.5', precision=53)",
        "Equality(Symbol('s0', positive=True), Integer(3))",
        "true",
    ],
)
def test_the_language(text: str) -> None:
    assert refusal(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('echo')",
        "eval('1')",
        "exec('1')",
        "print(1)",
        "s0.func",
        "().__class__",
        "Add('__import__(1)', 2)",
        "Mod('x', 2)",
        "Symbol('__import__(1)')",
        "Float('__import__(1)')",
        "[x for x in (1,)]",
        "lambda: 1",
        "(lambda x: x)(1)",
        "f'{1}'",
        "S('x')",
        "sympify('x')",
        "Symbol('s0', integer=print(1))",
        "s0 # \n",
        "s0\n(1)",
        "s0; s1",
        "s0 if s1 else s2",
        "x[0]",
        "Symbol(*('a',))",
        "Symbol(**{'name': 1})",
        "9**9**9**9",
        "((9**64)**64)**64",
        "Pow(Pow(9, 64), Mul(64, 64))",
        "(s0 - s0 + 9)**(10**9)",
        "LShift(1, 1000000000000)",
        "(" * 500 + "s0" + ")" * 500,
        "-" * 90_000 + "1",
        "s0 +",
        "",
    ],
)
def test_anything_else_is_refused_quickly(text: str) -> None:
    started = time.process_time()
    assert refusal(text) is not None
    assert time.process_time() - started < 2


def test_it_is_found_wherever_it_stands() -> None:
    inner = json.dumps({"as_expr": {"expr_str": "__import__('os')"}}).replace(
        "expr_str", "expr\\u005fstr"
    )
    for text in (inner, json.dumps({"deep": [[{"text": inner}]]}), inner[:-1]):
        kinds = [remark.kind for remark in examine(memoryview(text.encode()), "models/m.json", ())]
        assert kinds == ["evaluated-expression"], text
