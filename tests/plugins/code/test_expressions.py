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


def _symbols(letter: str, number: int) -> str:
    return ", ".join(f"Symbol('{letter}{i}', integer=True)" for i in range(number))


_SUM = f"Add({_symbols('a', 4)})"


@pytest.mark.parametrize(
    "text",
    [
        "floor(exp(exp(25)))",
        "floor(exp(1000000))",
        "Gt(OpaqueUnaryFn_exp(exp(3)), 1)",
        "floor(exp(Float('1e9')))",
        "floor(Pow(2.5, Float('1e9')))",
        f"Pow(10, Add({', '.join(['1'] * 5000)}))",
        "Mul(" + ", ".join(f"Pow({(1 << 79) - i}, 50)" for i in range(1300)) + ")",
        f"Max({_symbols('a', 200)})",
        f"Min(1, Max({_symbols('a', 60)}), Max({_symbols('b', 60)}))",
        f"Mod(Pow({_SUM}, 40), Pow({_SUM}, 20))",
        "Mod(" + " * ".join(f"(a{i} + b{i})" for i in range(40)) + ", s0)",
        f"Mod(Mul({', '.join([_SUM] * 8)}), s0)",
        "+".join(f"Rational(1, {(1 << 79) - 1 - 2 * i})" for i in range(1000)),
        "+".join(f"1/{(1 << 79) - 1 - 2 * i}" for i in range(600)),
    ],
)
def test_what_takes_long_to_work_out_is_told_at_once(text: str) -> None:
    started = time.process_time()

    assert refusal(text) is not None
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        f"Max({_symbols('a', 40)})",
        "Mod((s0 + 1)**2 * (s1 + 2) * (s2 - 1), 64)",
        "FloorDiv(Pow(Add(Symbol('s0'), Symbol('s1')), 3), Mul(s0, s1))",
        "+".join(f"s{i}*{i}" for i in range(400)),
        "OpaqueUnaryFn_exp(Mul(Float('0.5'), Symbol('s0')))",
        "floor(Pow(Float('2.0'), Float('9.0')))",
        "CeilToInt(IntTrueDiv(Symbol('s0', integer=True), 3))",
    ],
)
def test_sizes_of_ordinary_programs_take_no_time(text: str) -> None:
    assert refusal(text) is None


_FROM_FILE = "aten.from_file.default"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("torch.ops.aten.relu.default", None),
        ("torch.ops.aten.__and__.Tensor", None),
        ("torch.ops.higher_order.cond", None),
        ("torch.sym_max", None),
        ("_operator.mul", None),
        ("math.ceil", None),
        ("mathematics of the torch. And more.", None),
        (f"torch.ops.{_FROM_FILE}", "aten::from_file"),
        (f"torchX.ops.{_FROM_FILE}", "aten::from_file"),
        (f"torch one.ops.{_FROM_FILE}", "aten::from_file"),
        ("torch.platform.subprocess.Popen", "which is no operator"),
        ("torchX.platform.subprocess.Popen", "which is no operator"),
        ("torch.ops.load_library", "which is no operator"),
        ("torch.ops.aten.__class__.__init__", "which is no operator"),
        ("torch.ops.aten.add.__call__", "which is no operator"),
        ("torch.ops.aten.add.default.decompose", "which is no operator"),
        ("_operator.call", "which is no operator"),
        ("_operatorX.methodcaller", "which is no operator"),
        ("math.__loader__.load_module", "which is no operator"),
    ],
)
@pytest.mark.parametrize("handed", [False, True], ids=["target", "as_operator"])
def test_what_a_program_calls_is_followed_as_torch_does(
    name: str, told: str | None, *, handed: bool
) -> None:
    """Whatever stands before the first dot; a name handed to a higher-order operator as well."""
    target = "torch.ops.higher_order.wrap" if handed else name
    inputs = [{"name": "", "arg": {"as_operator": name}, "kind": 1}] if handed else []
    node = {"target": target, "inputs": inputs, "outputs": [], "metadata": {}}
    data = json.dumps({"graph_module": {"graph": {"nodes": [node]}}}).encode()

    remarks = list(examine(memoryview(data), "p/models/model.json", frozenset()))

    if told is None:
        assert not remarks
    else:
        found = [remark for remark in remarks if told in remark.message]
        assert [remark.kind for remark in found] in (["acting-operator"], ["evaluated-expression"])
