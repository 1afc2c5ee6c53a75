"""The machine's semantics on pickles put together by hand; nothing here is ever unpickled."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path
from typing import Any

import pytest

from modlint_plugins.pickling.scan import Interpretation, interpret
from modlint_plugins.pickling.values import Dict, Global, Object

SYSTEM = b"cos\nsystem\n"


def run(data: bytes) -> Interpretation:
    return interpret(memoryview(data))


def uses(data: bytes) -> list[tuple[str, str, str, str]]:
    """Qualified name, use, opcode and rendering of each global."""
    return [(use.qualified, use.use, use.opcode, use.rendered) for use in run(data).trace.uses]


CALLS = {
    "REDUCE": SYSTEM + b"(S'id'\ntR.",
    "OBJ": b"(" + SYSTEM + b"S'id'\no.",
    "INST": b"(S'id'\nios\nsystem\n.",
    "NEWOBJ_EX": b"\x80\x04" + SYSTEM + b"\x8c\x02id\x85}\x92.",
}


@pytest.mark.parametrize("opcode", CALLS)
def test_every_way_to_call(opcode: str) -> None:
    rendered = "os.system('id', **{})" if opcode == "NEWOBJ_EX" else "os.system('id')"
    assert uses(CALLS[opcode]) == [("os.system", "called", opcode, rendered)]


def test_stack_global_takes_names_from_the_memo_and_keeps_dots() -> None:
    data = b"\x80\x04\x8c\x02os\x94\x8c\x0bpath.system\x94\x30\x30h\x00h\x01\x93)R."
    assert uses(data) == [("os.path.system", "called", "REDUCE", "os.path.system()")]
    assert run(data).trace.uses[0].name == "path.system"


def test_newobj_instantiates_and_build_on_it_adds_nothing() -> None:
    data = b"\x80\x02cevil\nModel\n)\x81}X\x01\x00\x00\x00aK\x01sb."
    assert uses(data) == [("evil.Model", "instantiated", "NEWOBJ", "evil.Model()")]


def test_build_on_a_class_or_module_patches_it() -> None:
    data = b"\x80\x02ctorch\nTensor\n}X\x01\x00\x00\x00aK\x01sb."
    assert uses(data) == [("torch.Tensor", "called", "BUILD", "setattr(torch.Tensor, {'a': 1})")]


def test_a_global_that_is_only_named() -> None:
    assert uses(b"cos\nsystem\n.") == [("os.system", "pushed", "GLOBAL", "os.system")]


@pytest.mark.parametrize("code", [b"\x82\x07", b"\x83\x07\x00", b"\x84\x07\x00\x00\x00"])
def test_extension_codes_are_unlisted_globals(code: bytes) -> None:
    assert [use[:2] for use in uses(b"\x80\x02" + code + b")R.")] == [
        ("copyreg._inverted_registry[7]", "called")
    ]


def test_reconstructor_instantiates_its_class_and_calls_any_other_base() -> None:
    plain = b"ccopy_reg\n_reconstructor\n(ca\nA\nc__builtin__\nobject\nNtR."
    assert [use[:2] for use in uses(plain)] == [
        ("copy_reg._reconstructor", "called"),
        ("a.A", "instantiated"),
        ("__builtin__.object", "pushed"),
    ]
    hostile = b"ccopy_reg\n_reconstructor\n(ca\nA\ncsubprocess\nPopen\nS'id'\ntR."
    assert uses(hostile)[-1][3] == "subprocess.Popen('id')"


def test_rebuild_from_type_calls_the_function_that_the_file_names() -> None:
    data = b"ctorch._tensor\n_rebuild_from_type_v2\n(" + SYSTEM + b"ctorch\nTensor\n(S'id'\nt}tR."
    assert ("os.system", "called", "REDUCE", "os.system('id')") in uses(data)


def test_a_tensor_without_data_is_an_instance_of_its_class() -> None:
    data = b"ctorch._utils\n_rebuild_wrapper_subclass\n(ca\nA\nI1\ntR."
    assert ("a.A", "instantiated") in [use[:2] for use in uses(data)]
    found = run(data).value
    assert isinstance(found, Object)
    assert isinstance(found.function, Global)
    assert found.function.name == "A"


@pytest.mark.parametrize("arguments", [b"]", b"]I10\n", b"S'1'\nS'x'\n", b"S'1'\nI99\n"])
def test_numbers_that_cannot_be_computed_are_refused(arguments: bytes) -> None:
    made = run(b"cbuiltins\nint\n(" + arguments + b"tR.").value
    assert isinstance(made, Object)
    (use,) = run(b"cbuiltins\nint\n(" + arguments + b"tR.").trace.uses
    assert (use.qualified, use.use, use.followed) == ("builtins.int", "called", False)


def test_calls_on_what_a_call_returned_are_of_the_same_global() -> None:
    data = b"cfunctools\npartial\n(cos\n_wrap\nS'system'\ntR(S'id'\ntR."
    assert [use[3] for use in uses(data)] == [
        "functools.partial(…)",
        "functools.partial(os._wrap, 'system')('id')",
        "os._wrap('id')",
    ]


def test_an_attribute_of_a_global_is_a_global() -> None:
    data = b"cbuiltins\ngetattr\n(cos\n_wrap\nS'system'\ntR(S'id'\ntR."
    assert [(use.qualified, use.use, use.followed) for use in run(data).trace.uses] == [
        ("builtins.getattr", "called", True),
        ("os._wrap", "pushed", False),
        ("os._wrap.system", "called", False),
    ]


@pytest.mark.parametrize("arguments", [b"(Nt", b"(S'x'\nS'upper'\nt", b"(cos\n_wrap\nNt"])
def test_getattr_of_anything_else_is_not_followed(arguments: bytes) -> None:
    found = run(b"cbuiltins\ngetattr\n" + arguments + b"R.").trace.uses[0]
    assert not found.followed


def test_a_call_that_is_not_followed_is_noted_after_many_that_are() -> None:
    data = b"cbuiltins\ngetattr\np0\n0" + b"g0\n(cos\na\nS'b'\ntR0" * 20 + b"g0\n(S'x'\nS'y'\ntR."
    found = [use.followed for use in run(data).trace.uses if use.name == "getattr"]
    assert found == [True, False]


def test_what_ran_before_a_broken_tail_counts() -> None:
    for tail in (b"", b"X", b"X\xff\xff\xff\x7f", b"\xff", b"0000", b"g9\n", b"1", b"\x93"):
        found = run(SYSTEM + b"(S'id'\ntR" + tail)
        assert found.trace.uses[0].rendered == "os.system('id')"
        assert found.trace.incomplete is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the data ends before STOP (byte 0)"),
        (b".", "the stack is empty (STOP at byte 0)"),
        (b"\xff.", "0xff is no opcode (? at byte 0)"),
        (b"\x80\x06.", "protocol 6 does not exist (PROTO at byte 0)"),
        (b"Nt.", "no MARK is open (TUPLE at byte 1)"),
        (b"N(R.", "the stack is empty (REDUCE at byte 2)"),
        (b"(o.", "OBJ without a class (OBJ at byte 1)"),
        (b"(Nd.", "a key without a value (DICT at byte 2)"),
        (b"h\x05.", "the memo has no entry 5 (BINGET at byte 0)"),
        (b"Np-1\n.", "a memo index that is no natural number (PUT at byte 1)"),
        (b"KaKb\x93.", "a global whose name is no text (STACK_GLOBAL at byte 4)"),
        (b"Snope\n.", "a string that is not in quotes (STRING at byte 0)"),
        (b"Inope\n.", "text that is no integer (INT at byte 0)"),
        (b"X\x01\x00\x00\x00\xff.", "text that is not UTF-8 (BINUNICODE at byte 0)"),
        (b"T\xff\xff\xff\xff.", "a negative length (BINSTRING at byte 0)"),
    ],
)
def test_malformed_streams_say_what_and_where(data: bytes, reason: str) -> None:
    assert run(data).trace.incomplete == reason


def test_memoize_counts_entries_as_c_does() -> None:
    # An entry at 5, then MEMOIZE: the second entry's index is 1.
    assert run(b"\x80\x04K\x07q\x05K\x08\x940h\x01.").value == 8
    # Overwriting does not count: C's memo_len and len(memo) agree.
    assert run(b"\x80\x04K\x07q\x00K\x08q\x00K\x09\x9400h\x01.").value == 9


def test_pop_takes_a_mark_where_there_is_nothing_above_it() -> None:
    assert run(b"K\x01(0.").value == 1
    assert run(b"K\x01(K\x02K\x031.").value == 1


def test_repeated_keys_are_kept() -> None:
    value = run(b"}S'a'\nK\x01sS'a'\nK\x02s.").value
    assert isinstance(value, Dict)
    assert value.pairs == [("a", 1), ("a", 2)]


@pytest.mark.parametrize(
    ("data", "opcode"),
    [
        (b"}]Ns.", "SETITEM"),
        (b"}(]Nu.", "SETITEMS"),
        (b"(]Nd.", "DICT"),
        (b"(]\x91.", "FROZENSET"),
        (b"\x8f(]\x90.", "ADDITEMS"),
    ],
)
def test_a_key_that_cannot_be_hashed_is_an_anomaly(data: bytes, opcode: str) -> None:
    assert f"{opcode} with a key that cannot be hashed" in [what for _, what in run(data).anomalies]


def test_an_instance_keeps_the_items_that_are_set_on_it() -> None:
    value = run(b"cthirdparty\nTable\n)\x81K\x01K\x02sK\x03K\x04s.").value
    assert isinstance(value, Object)
    assert value.pairs == [(1, 2), (3, 4)]


def test_a_class_that_numpy_rebuilds_is_instantiated() -> None:
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cthirdparty\nArray\n(K\x00tS'b'\ntR."
    assert ("thirdparty.Array", "instantiated") in [found[:2] for found in uses(array)]


def test_a_partial_of_nothing_is_followed_to_the_end() -> None:
    found = run(b"cfunctools\npartial\n)\x81)Rcos\nsystem\n(S'id'\ntR.")
    assert found.trace.incomplete is None
    assert ("os.system", "called") in [(use.qualified, use.use) for use in found.trace.uses]


@pytest.mark.parametrize("text", [b"S'words'\n", b"G\x7f\xf0\0\0\0\0\0\0"])
def test_a_number_that_cannot_be_computed_is_a_call_not_followed(text: bytes) -> None:
    (use,) = run(b"\x80\x02cbuiltins\nint\n" + text + b"\x85R.").trace.uses
    assert (use.use, use.followed) == ("called", False)


@pytest.mark.parametrize("opcode", [b")R.", b")\x81."])
def test_what_a_persistent_id_holds_is_called_with_it(opcode: bytes) -> None:
    found = uses(b"\x80\x04(S'module'\n" + SYSTEM + b"tQ" + opcode)
    assert {use for name, use, *_ in found if name == "os.system"} <= {"called", "instantiated"}


def test_setting_items_of_what_is_no_dict_is_an_anomaly() -> None:
    tensor = b"ctorch._utils\n_rebuild_tensor\n(NK\x00))tR"
    found = run(b"\x80\x02" + tensor + b"K\x00K\x01s.")
    assert [what for _, what in found.anomalies] == ["SETITEM on what is no dict"]
    assert found.trace.incomplete is None


def test_globals_are_records_and_stay_so(tmp_path: Path) -> None:
    target = tmp_path / "ran"
    data = f"cpathlib\nPath\n(S'{target}'\ntRcpathlib\nPath.touch\n(S'{target}'\ntR.".encode()
    found = run(data)
    assert isinstance(found.value, Object)
    assert isinstance(found.value.function, Global)
    assert not target.exists()


FRAMED = b"\x80\x04\x95" + (4).to_bytes(8, "little") + b"K\x01K\x02."


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x80\x04\x95\x63\0\0\0\0\0\0\0N.", "a FRAME reaches past the end of the data"),
        (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x95\x02\0\0\0\0\0\0\0N.", "a FRAME begins within"),
        (b"\x80\x04\x95\x03\0\0\0\0\0\0\0J\x01\0\0\0.", "an argument reaches past the end"),
        (b"\x80\x04\x95\x04\0\0\0\0\0\0\0N.NN", "a FRAME reaches past STOP"),
    ],
)
def test_frames_that_python_and_c_read_differently(data: bytes, what: str) -> None:
    reason = run(data).trace.incomplete
    assert reason is not None
    assert what in reason
    assert "C and Python read differently" in reason


def test_interpretation_goes_on_behind_a_frame_that_is_too_long() -> None:
    data = b"\x80\x04\x95\x63\0\0\0\0\0\0\0" + SYSTEM + b"\x8c\x02id\x85R."
    assert uses(data)[0][3] == "os.system('id')"


def test_pickles_in_literals_are_remembered() -> None:
    payload = b"\x80\x04" + SYSTEM + b"\x8c\x02id\x85R."
    for carrier in (payload, base64.b64encode(payload).decode()):
        for protocol in range(2, 6):
            found = run(pickle.dumps({"x": carrier}, protocol))
            assert [bytes(blob.view) for blob in found.embedded] == [payload]


def _nested_lists(depth: int) -> Any:
    value: Any = ["lol"]
    for _ in range(depth):
        value = [value] * 10
    return value


def test_more_pickles_within_than_are_looked_at_are_a_limit() -> None:
    found = run(b"\x80\x04" + b"C\x03\x80\x02.0" * 10_001 + b"N.")
    assert "more than 10,000 pickles within it" in str(found.trace.incomplete)


def test_billion_laughs_are_found_and_walked_once() -> None:
    reason = run(pickle.dumps(_nested_lists(12))).trace.incomplete
    assert reason == "its values unfold to more than 100,000,000"
    assert run(pickle.dumps(_nested_lists(5))).trace.incomplete is None


def test_text_with_a_bad_escape_is_malformed() -> None:
    incomplete = run(b"V\\u12\n.").trace.incomplete
    assert incomplete is not None
    assert "text with a bad escape" in incomplete
