"""Configurations that go past a bound of the parser, or break behind what a loader obeys."""

from __future__ import annotations

import json
import time

import pytest

from modlint_plugins.code import examine
from modlint_plugins.code.documents import MAX_TABLES
from modlint_plugins.code.guards import is_guard
from modlint_plugins.code.operators import UNCHECKED_OPERATOR, judge_operator
from modlint_plugins.code.yaml_documents import MAX_DEPTH, MAX_EVENTS, MAX_YAML
from modlint_plugins.code.yaml_unparsed import MAX_CALLABLES

ERRORS = {"acting-callable", "evaluated-expression"}
LONG = ("#" + "a" * 78 + "\n") * (MAX_YAML // 80 + 1)
MANY = "".join(f"k{number}: 1\n" for number in range(MAX_EVENTS // 2 + 1))
DEEP = "z: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + "\n"
PADDING = "[" + "{}," * (MAX_TABLES + 1) + "1]"


def kinds(text: str, name: str, siblings: tuple[str, ...] = ()) -> set[str]:
    return {remark.kind for remark in examine(memoryview(text.encode()), name, siblings)}


@pytest.mark.parametrize("padding", [LONG, MANY, DEEP])
@pytest.mark.parametrize(
    "call",
    [
        'x: !!python/object/apply:os.system ["id"]\n',
        "x: !!python/name:os.system\n",
        "x: !apply:os.system [id]\n",
        "x: !name: os.system\n",
        "x: {_target_: os.system}\n",
        "x: {_target_: torch.nn.ReLU}\ny: {_target_: os.system}\n",
        'x: {"_target_":"os.system"}\n',
        'x: {"\\x5ftarget_": os.system}\n',
        "a: &a os.system\nx:\n  _target_: *a\n",
        "x:\n  _target_: >-\n    os.system\n",
        "x:\n  ? _target_ # key\n  : os.system\n",
        "a: &a _target_\nx:\n  *a : os.system\n",
        "x: !<tag:yaml.org,2002:python/object/apply:os.system> [id]\n",
        "x: !!python/object/apply:os%2esystem [id]\n",
    ],
)
def test_calls_behind_padding(call: str, padding: str) -> None:
    assert kinds(padding + call, "hyperparams.yaml") & ERRORS


def test_a_handle_beside_padding() -> None:
    text = f"%TAG !e! tag:yaml.org,2002:python/object/apply:os.\n---\nx: !e!system [id]\n{LONG}"
    assert kinds(text, "hyperparams.yaml") & ERRORS


def test_a_document_before_a_broken_one() -> None:
    call = 'x: !!python/object/apply:os.system ["id"]\n---\nb: [\n'
    assert kinds(call, "hyperparams.yaml") & ERRORS


@pytest.mark.parametrize("padding", [LONG, MANY, DEEP])
@pytest.mark.parametrize(
    "held",
    [
        "lr: 0.1\n",
        "x: {_target_: torch.nn.ReLU}\n",
        "x: !!python/tuple [1, 2]\n",
        'x: "\\u2581the"\ny: "50% of *all* !"\n',
        "x: !new:torch.nn.ReLU\n",
        "x: &a [1]\ny: *a\n",
    ],
)
def test_large_yaml_that_calls_nothing_of_the_kind(held: str, padding: str) -> None:
    assert not kinds(held + padding, "hyperparams.yaml") & ERRORS


def test_more_callables_than_are_judged() -> None:
    rows = "".join(f"k{n}: {{_target_: a.B{n}}}\n" for n in range(MAX_CALLABLES + 1))
    assert kinds(f"{rows}x: {{_target_: os.system}}\n", "config.yaml") & ERRORS


def test_json_beside_padding() -> None:
    call = '"x": {"_target_":"os.system"}'
    assert kinds(f'{{"a": {PADDING}, {call}}}', "config.json") & ERRORS
    assert kinds(f'{{{call}, "a": {PADDING}}}', "config.json") & ERRORS
    assert not kinds(f'{{"a": {PADDING}, "x": "\\u2581"}}', "config.json") & ERRORS


def test_json_of_an_archive_that_is_not_parsed() -> None:
    text = f'{{"a": {PADDING}, "as_expr": {{"expr_str": "__import__(\'os\')"}}}}'
    members = ("models/model.json", "data/weights/weight_0")
    assert kinds(text, members[0], members) & ERRORS


@pytest.mark.parametrize(
    "guard",
    [
        "__import__('os').system('id') == 0",
        "torch.serialization.os.system('id')",
        "torch.hub.load('.', 'f', source='local')",
        "L['x'].__class__.__mro__",
        "L['x'].apply_(print)",
        "[1 for _ in ()] == []",
        "(lambda: 1)() == 1",
        "True, '');print(1",
        "L['a\\'] or f()'] == 1",
        "open('x', 'w') == 1",
        "L['x'].size()[0] == 1\n  print(1)",
    ],
)
def test_guards_that_are_no_conditions(guard: str) -> None:
    assert kinds(json.dumps({"guards_code": [guard]}), "models/model.json") & ERRORS


@pytest.mark.parametrize(
    "guard",
    [
        "((6*L['x'].size()[0]) % (L['x'].size()[0] // 2)) == 0",
        "L['flat_args'][0].size()[0] > (L['d']['k'][1].size()[0] // 3)",
        "max(1, L['y'].stride()[0]) == 3 and not (L['n'] >= 2)",
        "math.trunc(torch.sym_float(L['x'].size()[0]) ** 0.5) == 2",
        "math.isnan(L['config'].scale)",
        "L['x'].storage_offset() == -1",
    ],
)
def test_guards_as_torch_writes_them(guard: str) -> None:
    assert is_guard(guard)


@pytest.mark.parametrize("unit", ["!,", "![", "target: ", "!a:", "&a ", "*a ", "%TAG ", '"', "? "])
def test_time_is_linear(unit: str) -> None:
    start = time.process_time()
    kinds(unit * (4_000_000 // len(unit)), "hyperparams.yaml")
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "name",
    [
        "_embedding_bag_dense_backward",
        "_embedding_bag_per_sample_weights_backward",
        "max_pool2d_with_indices_backward",
        "adaptive_max_pool2d_backward",
        "_segment_reduce_backward",
        "_ctc_loss",
        "nll_loss_backward",
    ],
)
def test_operators_that_follow_indices_unchecked(name: str) -> None:
    judgement = judge_operator(f"aten::{name}")
    assert judgement is not None
    assert judgement.kind == UNCHECKED_OPERATOR
    assert judge_operator("aten::nll_loss") is None
    assert judge_operator("aten::max_pool2d_with_indices") is None
