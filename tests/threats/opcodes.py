"""Lines 15 to 24 of the list: the pickle machine's opcodes."""

from __future__ import annotations

import base64
import struct

from threats.build import (
    CALL,
    RUN,
    SYSTEM,
    Finding,
    Threat,
    Torch,
    alone,
    runs,
    text,
    zip_archive,
    zipped,
)

_PROTO = b"\x80\x04"


def _called(offset: int, name: str = "os.system", *, member: str | None = None) -> Finding:
    return Finding("SEC001", "error", member, offset, name)


def _pickle(line: int, title: str, content: bytes, *findings: Finding) -> Threat:
    return Threat(line, title, alone("model.pkl", content, *findings))


def _at_end(line: int, title: str, content: bytes, name: str = "os.system") -> Threat:
    """The call is the opcode before STOP."""
    assert content.endswith(b".")
    return _pickle(line, title, content, _called(len(content) - 2, name))


def _unfinished(line: int, title: str, content: bytes, message: str, *more: Finding) -> Threat:
    finding = Finding("SEC001", "error", None, None, message)
    return _pickle(line, title, content, finding, *more)


def _short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


_MEMO = (
    # MEMOIZE counts the entries of the memo: here it is 1, not the opcodes so far.
    _at_end(
        15,
        "MEMOIZE after BINPUT",
        _PROTO
        + _short("system")
        + b"q\x050"
        + _short("os")
        + b"\x94"
        + b"h\x05\x93"
        + _short("id")
        + b"\x85R.",
    ),
    _at_end(
        15,
        "BINPUT over what MEMOIZE kept",
        _PROTO
        + _short("print")
        + b"\x940"
        + _short("system")
        + b"q\x000"
        + _short("os")
        + b"h\x00\x93"
        + _short("id")
        + b"\x85R.",
    ),
    _at_end(
        15,
        "PUT and GET with text indices",
        b"S'os'\np12\n0S'system'\np00\n0g12\ng0\n\x93(S'id'\ntR.",
    ),
    _unfinished(15, "a memo entry that is missing", _PROTO + b"h\x07.", "memo has no entry 7"),
    _unfinished(15, "a memo index that is no number", b"\x80\x02Npkey\n.", "no natural number"),
)

_CALLS = (
    *(
        _at_end(16, f"{name} in place of a global", _PROTO + code + b")R.", "_inverted_registry[7]")
        for name, code in (
            ("EXT1", b"\x82\x07"),
            ("EXT2", b"\x83\x07\x00"),
            ("EXT4", b"\x84\x07\x00\x00\x00"),
        )
    ),
    _at_end(16, "OBJ", b"(" + SYSTEM + b"S'id'\no."),
    _pickle(16, "INST", b"(S'id'\nios\nsystem\n.", _called(7)),
    _at_end(16, "NEWOBJ_EX", _PROTO + SYSTEM + _short("id") + b"\x85}\x92."),
    _at_end(
        16,
        "NEWOBJ by its function",
        b"ccopyreg\n__newobj_ex__\n(" + SYSTEM + b"(S'id'\nt}tR.",
    ),
    _at_end(
        17,
        "dots in STACK_GLOBAL",
        _PROTO + _short("os") + _short("path.os.system") + b"\x93" + _short("id") + b"\x85R.",
        "os.path.os.system",
    ),
    _pickle(
        17,
        "dots that reach through a listed class",
        _PROTO + _short("collections") + _short("OrderedDict.__init__.__globals__") + b"\x93.",
        Finding("SEC001", "error", None, 49, "collections.OrderedDict.__init__.__globals__"),
    ),
)

_TAILS = {
    "nothing": b"",
    "an opcode that does not exist": b"\xff",
    "a text that is cut off": b"X\xff\xff\xff\x7f",
    "an empty stack": b"0000",
    "an entry that the memo lacks": b"g9\n",
    "no MARK": b"1",
}
_BROKEN = (
    *(
        _pickle(
            18,
            f"a call before {title}",
            CALL + tail,
            _called(len(CALL) - 1),
            Finding("SEC001", "error", None, None, "could not be interpreted"),
        )
        for title, tail in _TAILS.items()
    ),
    _pickle(18, "an import before a broken tail", SYSTEM + b"S'\n", _called(0)),
)


def _frame(nbytes: int) -> bytes:
    return b"\x95" + struct.pack("<Q", nbytes)


_FRAMES = (
    _unfinished(
        19,
        "an argument reaches past its FRAME",
        b"\x80\x05" + _frame(4) + _short("AAAA") + b".",
        "past the end of its FRAME",
    ),
    _unfinished(
        19, "a FRAME within another", b"\x80\x05" + _frame(11) + _frame(2) + b"N.", "within another"
    ),
    _unfinished(
        19,
        "a FRAME past the end",
        b"\x80\x05" + _frame(1 << 40) + b"N.",
        "past the end of the data",
    ),
    _pickle(
        19,
        "a FRAME that ends before STOP",
        b"\x80\x05" + _frame(6) + _short("AAAA") + b".",
        Finding("FMT001", "error", None, 17, "a FRAME that ends before the STOP"),
    ),
    _pickle(
        19,
        "a call within a FRAME that lies",
        b"\x80\x05" + _frame(3) + RUN,
        _called(11 + len(CALL) - 1),
    ),
)

_LISTED_CALLS = b"ctorch\nSize\nq\x000" + b"h\x00(K\x01tR0" * 8
_BUILDS = (
    _pickle(
        20,
        "BUILD on a listed class",
        b"\x80\x02ctorch\nTensor\n}" + text("a") + b"K\x01sb.",
        _called(26, "setattr(torch.Tensor"),
    ),
    _pickle(
        20,
        "BUILD on a module found by getattr",
        b"\x80\x02cbuiltins\ngetattr\n(ctorch\n_C\n"
        + text("_VariableFunctions")
        + b"tR}"
        + text("relu")
        + SYSTEM
        + b"sb.",
        Finding("SEC001", "error", None, None, "setattr(torch._C._VariableFunctions"),
    ),
    _pickle(
        20,
        "BUILD on a listed class after many calls of it",
        b"\x80\x02" + _LISTED_CALLS + b"h\x00}" + text("a") + b"K\x01sb.",
        _called(2 + len(_LISTED_CALLS) + 2 + 1 + 6 + 2 + 1, "setattr(torch.Size"),
    ),
    _pickle(
        21,
        "builtins only: getattr of a class",
        b"\x80\x02cbuiltins\ngetattr\ncbuiltins\nobject\n" + text("__subclasses__") + b"\x86R)R.",
        Finding("SEC001", "error", None, None, "builtins.object.__subclasses__"),
    ),
    _pickle(
        21,
        "builtins only: a method of a string",
        b"\x80\x02cbuiltins\ngetattr\n" + text("{0.__class__}") + text("format") + b"\x86R.",
        Finding("SEC001", "error", None, 50, "builtins.getattr"),
    ),
    _at_end(
        21,
        "builtins only: __import__",
        b"cbuiltins\n__import__\n(S'os'\ntR.",
        "builtins.__import__('os')",
    ),
)

_INNER = b"\x80\x02" + RUN
_LOADS = b"cpickle\nloads\n"
_NESTED = (
    _pickle(
        22,
        "a pickle within a pickle's bytes",
        _PROTO + _LOADS + b"C" + bytes([len(_INNER)]) + _INNER + b"\x85R.",
        _called(2 + len(_LOADS) + 2 + len(_INNER) + 1, "pickle.loads"),
        Finding("SEC001", "error", "bytes at 18", len(_INNER) - 2, "os.system('id')"),
    ),
    _pickle(
        22,
        "a pickle in base64 within a pickle's text",
        _PROTO + text(base64.b64encode(_INNER).decode()) + b".",
        Finding("SEC001", "error", "bytes in a literal", len(_INNER) - 2, "os.system('id')"),
    ),
    _pickle(
        22,
        "a pickle that torch.load would read from bytes",
        _PROTO + b"ctorch.storage\n_load_from_bytes\nC" + bytes([len(_INNER)]) + _INNER + b"\x85R.",
        Finding("SEC001", "error", "bytes at 36", len(_INNER) - 2, "os.system('id')"),
    ),
)


def _laughs(levels: int) -> bytes:
    """Lists that each hold the one before ten times over."""
    out = b"\x80\x02]q\x00"
    for level in range(levels):
        out += b"](" + (b"h" + bytes([level])) * 10 + b"e"
        out += b"q" + bytes([level + 1])
    return out


def _tuples(levels: int) -> bytes:
    """Tuples that each hold the one before twice."""
    return b"\x80\x02)" + b"2\x86" * levels


_BOUNDS = (
    _unfinished(23, "billion laughs in lists", _laughs(12) + b".", "unfold"),
    _unfinished(
        23,
        "billion laughs in protocol 0",
        b"(lp0\n" + b"".join(b"(lp%d\n" % (i + 1) + b"g%d\na" % i * 10 for i in range(12)) + b".\n",
        "unfold",
    ),
    _unfinished(
        23,
        "a tuple that takes forever to hash",
        b"\x80\x02}" + _tuples(60)[2:] + b"K\x01s.",
        "unfold",
    ),
    _unfinished(
        23,
        "a key that takes forever to hash, dropped afterwards",
        b"\x80\x02}" + _tuples(60)[2:] + b"K\x01s0N.",
        "unfold",
    ),
    _unfinished(
        23,
        "an argument that takes forever to hash, dropped afterwards",
        b"\x80\x02cbuiltins\nset\n(](" + _tuples(60)[2:] + b"etR0N.",
        "unfold",
    ),
    _unfinished(
        23,
        "an integer of a gigabyte",
        b"\x80\x02\x8b\x00\x00\x00\x40" + b"\x01" * 64,
        "ends in the middle",
    ),
    _unfinished(
        23,
        "an integer of 5,000 bytes",
        b"\x80\x02\x8b\x88\x13\x00\x00" + b"\x01" * 5000 + b".",
        "an integer of 5,000 bytes",
    ),
    _unfinished(
        23,
        "ten million opcodes",
        b"\x80\x02" + b"N0" * 5_000_000 + b"N.",
        "more than 5,000,000 opcodes",
    ),
    _unfinished(23, "a call behind 20,000 MARKs", b"(" * 20_000 + RUN, "open MARKs"),
    _pickle(
        23,
        "a list that holds itself",
        b"\x80\x02]q\x00" + b"h\x00a" * 100 + b".",
        Finding("FMT001", "error", None, 7, "a list that holds itself"),
    ),
    _pickle(
        23,
        "copies left on the stack",
        b"\x80\x02]" + b"2" * 1000 + b".",
        Finding("FMT001", "error", None, 1003, "leaves behind"),
    ),
)

_UNLISTED = (
    "pip main",
    "asyncio.unix_events _UnixSubprocessTransport._start",
    "pkgutil resolve_name",
    "uuid _get_command_stdout",
    "imaplib IMAP4_stream",
    "_pyrepl.pager pipe_pager",
    "_interpreters run_string",
    "joblib load",
    "numpy.f2py.crackfortran getlincoef",
    "torch.utils.collect_env run",
    "torch.utils._config_module ConfigModule.load_config",
    "torch.serialization load",
    "torch.hub load",
    "builtins eval",
    "__builtin__ execfile",
    "operator attrgetter",
    "functools partial",
    "ctypes CDLL",
    "timeit timeit",
    "idlelib.run main",
    "cProfile runctx",
    "lib2to3.pgen2.pgen ParserGenerator.make_label",
    "ensurepip._uninstall x",
    "site execsitecustomize",
    "venv.__main__ main",
    "code InteractiveInterpreter.runcode",
    "torch._dynamo.guards GuardBuilder.get",
    "numpy.testing._private.utils runstring",
    "nt system",
    "torch._inductor.codecache compile_file",
    "doctest debug_script",
    "trace Trace.run",
)


def _gap(named: str) -> Threat:
    module, name = named.split(" ")
    content = f"c{module}\n{name}\n(S'id'\ntR.".encode()
    return _at_end(24, f"{module}.{name} is called", content, f"{module}.{name}('id')")


_ARCHIVED = zip_archive(Torch(pickle=b"\x80\x02" + RUN).entries())
THREATS = (
    *_MEMO,
    *_CALLS,
    *_BROKEN,
    *_FRAMES,
    *_BUILDS,
    *_NESTED,
    *_BOUNDS,
    *(_gap(named) for named in _UNLISTED),
    Threat(
        24,
        "an archive's data.pkl calls",
        zipped("model.pt", _ARCHIVED, runs("model/data.pkl", b"\x80\x02" + RUN)),
    ),
)
