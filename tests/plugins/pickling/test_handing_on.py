"""Calls that no opcode names; what the real classes do is compared in tests/protocol."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modlint_plugins.pickling.scan import interpret

WIPE = b"cthirdparty.tasks\nwipe\n"
SPACE = b"ctypes\nSimpleNamespace\n)\x81"


def uses(data: bytes) -> set[tuple[str, str]]:
    """The third party's global, and each way in which it is used."""
    found = interpret(memoryview(b"\x80\x04" + data + b"."), joblib=True).trace.uses
    return {(use.use, use.rendered) for use in found if use.module == "thirdparty.tasks"}


def planted(name: bytes, target: bytes = SPACE) -> bytes:
    return target + b"}S'" + name + b"'\n" + WIPE + b"sb"


def test_a_planted_setstate_is_called_by_the_next_build() -> None:
    found = uses(planted(b"__setstate__") + b"]b")
    assert ("called", "thirdparty.tasks.wipe([])") in found


@pytest.mark.parametrize(
    ("name", "opcode"), [(b"extend", b"e"), (b"append", b"e"), (b"add", b"\x90")]
)
def test_a_planted_method_is_called_by_what_fills_the_instance(name: bytes, opcode: bytes) -> None:
    found = uses(planted(name) + b"(K\x01" + opcode)
    assert ("called", "thirdparty.tasks.wipe([1])") in found


@pytest.mark.parametrize(
    "name", [b"keys", b"get", b"detach", b"to", b"replace", b"__new__", b"__array__"]
)
def test_what_listed_classes_look_up_is_handed_on(name: bytes) -> None:
    assert [use for use, _ in uses(planted(name))] == ["handed-on"]


def test_the_message_names_the_attribute() -> None:
    ((_, rendered),) = uses(planted(b"keys"))
    assert rendered == "types.SimpleNamespace().keys = thirdparty.tasks.wipe"


@pytest.mark.parametrize("name", [b"func", b"activation", b"__wrapped__", b"__qualname__"])
def test_any_other_attribute_is_only_named(name: bytes) -> None:
    assert [use for use, _ in uses(planted(name))] == ["pushed"]


def test_slots_and_keywords_are_attributes_too() -> None:
    slots = SPACE + b"N}S'keys'\n" + WIPE + b"s\x86b"
    keywords = b"ctypes\nSimpleNamespace\n)}S'keys'\n" + WIPE + b"s\x92"
    mapping = b"ctypes\nSimpleNamespace\n}S'keys'\n" + WIPE + b"s\x85R"
    for data in (slots, keywords, mapping):
        assert [use for use, _ in uses(data)] == ["handed-on"]


@pytest.mark.parametrize(
    "function",
    [b"cbuiltins\ndict\n", b"ctorch.nn.parameter\nParameter\n", b"ccollections\nOrderedDict\n"],
)
def test_a_global_given_to_what_calls_its_methods_is_handed_on(function: bytes) -> None:
    assert "handed-on" in {use for use, _ in uses(function + WIPE + b"\x85R")}


FILLED = planted(b"extra_repr")
FULL_KEY = b"ccollections\nOrderedDict\n]" + FILLED + b"K\x01\x86a\x85R"


@pytest.mark.parametrize(
    "data",
    [
        b"cbuiltins\nstr\n" + FILLED + b"\x85\x81",
        b"cbuiltins\nstr\n)}S'object'\n" + FILLED + b"s\x92",
        b"cbuiltins\nstr\n]" + FILLED + b"a\x85R",
        b"ctorch.torch_version\nTorchVersion\n" + FILLED + b"\x85R",
        b"}" + FILLED + b"K\x01s",
        b"\x8f(" + FILLED + b"\x90",
        FULL_KEY,
        b"cnumpy.ma.core\nMaskedArray\n)\x81" + FILLED + b"b",
    ],
    ids=[
        "NEWOBJ", "NEWOBJ_EX", "in a list", "a module of torch", "key", "in a set", "key of a pair",
        "a state",
    ],
)  # fmt: skip
def test_an_instance_whose_methods_are_called_hands_on_what_it_holds(data: bytes) -> None:
    assert "handed-on" in {use for use, _ in uses(data)}


def test_what_a_mapping_merely_holds_is_not_handed_on() -> None:
    pairs = b"ccollections\nOrderedDict\n]K\x01" + FILLED + b"\x86a\x85R"
    assert [use for use, _ in uses(pairs)] == ["pushed"]


@pytest.mark.parametrize("name", [b"state", b"defaults"])
def test_an_optimisers_parts_are_handed_on(name: bytes) -> None:
    adam = b"ctorch.optim.adam\nAdam\n)\x81"
    assert [use for use, _ in uses(planted(name, adam))] == ["handed-on"]
    assert [use for use, _ in uses(planted(name))] == ["pushed"]


def test_filling_a_global_is_a_use_of_it() -> None:
    assert uses(WIPE + b"(K\x01e") == {("called", "thirdparty.tasks.wipe is filled by APPENDS")}


@pytest.mark.parametrize(
    "pid", [b"(S'reduce_package'\nK\x00%s(S'id'\nttQ", b"(S'reduce_package'\n%s(S'id'\nttQ"]
)
def test_a_persistent_id_of_torch_package_is_a_call(pid: bytes) -> None:
    ((use, rendered),) = uses(pid % WIPE)
    assert use == "called"
    assert rendered == "thirdparty.tasks.wipe(persistent_load('importer'), 'id')"


PARTIAL = b"cfunctools\npartial\n" + WIPE + b"\x85R"


def test_a_partial_is_kept_and_what_it_calls_is_told_where_it_is_called() -> None:
    assert uses(PARTIAL) == {("pushed", "thirdparty.tasks.wipe")}
    assert ("called", "thirdparty.tasks.wipe(1)") in uses(PARTIAL + b"K\x01\x85R")


def test_what_a_partial_is_given_later_is_called_as_well() -> None:
    harmless = b"cfunctools\npartial\ncbuiltins\nlist\n\x85R"
    given = harmless + b"(" + WIPE + b")}Ntb"
    assert ("called", "thirdparty.tasks.wipe()") in uses(given + b")R")


def test_partials_of_partials_end_somewhere() -> None:
    deep = b"cfunctools\npartial\np0\n0" + WIPE + b"p1\n0g1\n"
    for _ in range(2000):
        deep += b"p2\n0g0\ng2\n\x85R"
    found = interpret(memoryview(b"\x80\x04" + deep + b")R.")).trace
    assert any(use.use == "handed-on" for use in found.uses)


def test_a_stored_method_is_followed_and_its_call_is_not() -> None:
    method = b"cbuiltins\ngetattr\ncthirdparty.tasks\nNet\n)\x81S'forward'\n\x86R"
    stored = interpret(memoryview(b"\x80\x04" + method + b".")).trace.uses
    called = interpret(memoryview(b"\x80\x04" + method + b")R.")).trace.uses
    assert [u.followed for u in stored if u.name == "getattr"] == [True]
    assert [u.followed for u in called if u.name == "getattr"] == [True, False]


@pytest.mark.parametrize("name", [b"__globals__", b"__class__", b"__init__"])
def test_what_leads_out_of_an_instance_is_not_followed(name: bytes) -> None:
    data = b"\x80\x04cbuiltins\ngetattr\ncthirdparty.tasks\nNet\n)\x81S'" + name + b"'\n\x86R."
    assert [u.followed for u in interpret(memoryview(data)).trace.uses if u.name == "getattr"] == [
        False
    ]


def test_the_list_of_methods_has_those_of_the_installed_libraries() -> None:
    script = Path(__file__).parents[3] / "scripts/class_methods.py"
    run = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
