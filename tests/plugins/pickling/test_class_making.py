"""Classes that a file makes, and uses of one global beyond those that are kept."""

from __future__ import annotations

import ipaddress
import pickle

from modlint_plugins.pickling.scan import Interpretation, interpret

META = b"cthirdparty.nets\nMeta\n"
WIPE = b"cthirdparty.tasks\nwipe\n"


def run(opcodes: bytes) -> Interpretation:
    return interpret(memoryview(b"\x80\x02" + opcodes + b"."))


def uses(opcodes: bytes) -> set[tuple[str, str]]:
    return {(use.name, use.use) for use in run(opcodes).trace.uses}


def test_what_a_namespace_and_bases_hold_is_handed_on() -> None:
    made = META + b"(U\x03Net(" + WIPE + b"t}U\x08__hash__" + WIPE + b"st\x81"
    assert ("wipe", "handed-on") in uses(made)
    assert uses(META + b"(U\x03Net(" + WIPE + b"tNt\x81") == {
        ("Meta", "instantiated"),
        ("wipe", "pushed"),
    }


def test_an_instance_of_a_class_that_the_file_makes_is_an_anomaly() -> None:
    made = META + b"(U\x03Net)}t\x81)\x81"
    assert [what.what for what in run(made).anomalies] == [
        "an instance of a class that the file itself makes"
    ]


def test_a_class_by_value_is_left_to_what_is_said_of_code() -> None:
    made = b"ccloudpickle.cloudpickle\n_make_skeleton_class\n(U\x03Net)}tR)\x81"
    assert not run(made).anomalies
    assert ("_make_skeleton_class", "called") in uses(made)


def test_code_is_set_on_functions_of_the_file_alone() -> None:
    setter, state = b"ccloudpickle.cloudpickle\n_function_setstate\n", b"}}\x86"
    own = b"ccloudpickle.cloudpickle\n_make_function\n)R"
    assert not run(setter + own + state + b"\x86R").anomalies
    assert run(setter + b"ctorch.nn.modules.module\nModule\n" + state + b"\x86R").anomalies


def test_many_different_literals_are_still_literals() -> None:
    found = interpret(memoryview(pickle.dumps([ipaddress.IPv4Address(n) for n in range(300)], 2)))
    addresses = [use for use in found.trace.uses if use.name == "IPv4Address"]
    assert len(addresses) == 101
    assert all(use.literal for use in addresses)


def test_a_call_of_no_literal_behind_very_many_literals_is_kept() -> None:
    many = b"".join(b"h\x00(J" + n.to_bytes(4, "little") + b"tR0" for n in range(300))
    found = run(b"cthirdparty.kinds\nKind\nq\x000" + many + b"h\x00(" + WIPE + b"tR")
    last = found.trace.uses[-2]
    assert (last.name, last.use, last.literal) == ("Kind", "called", False)
