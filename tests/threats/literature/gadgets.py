"""Functions that a pickle may call in place of `os.system`, and the opcodes that call them."""

from __future__ import annotations

from pathlib import Path

from threats.build import Finding, Threat, alone
from threats.pickled import called, found, pushed, text

_LIST = Path(__file__).with_name("gadgets.txt")
_PROTO = b"\x80\x04"
SAMPLE = (
    ("subprocess", "Popen"),
    ("builtins", "exec"),
    ("torch.hub", "load"),
    ("numpy.f2py.crackfortran", "getlincoef"),
    ("pkgutil", "resolve_name"),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("pip._internal.cli.main", "main"),
    ("torch.utils._config_module", "ConfigModule.load_config"),
)
"""Functions that are tried under every opcode."""

NAMES = ("GLOBAL", "STACK_GLOBAL", "NEWOBJ", "NEWOBJ_EX", "copyreg.__newobj__")
"""Opcodes that import what they name, and call no function."""


def gadgets() -> list[tuple[str, str]]:
    """Module and name of each function of the list."""
    lines = (line.split() for line in _LIST.read_text().splitlines() if not line.startswith("#"))
    return [(module, name) for module, name, _ in lines]


def gadget(name: tuple[str, str], content: bytes, how: str) -> Threat:
    """A pickle that names the function, and calls it unless `how` is one of `NAMES`."""
    named = f"{name[0]}.{name[1]}"
    severity = "error|warning" if how in NAMES else "error"
    finding = Finding("SEC001", severity, None, None, named)
    return Threat(24, f"{named} by {how}", alone("model.pkl", content, finding), "gadget")


def reduced(name: tuple[str, str]) -> bytes:
    """A pickle that calls the function with one text."""
    return _PROTO + called(name, text("id")) + b"."


def _by_opcode(name: tuple[str, str]) -> list[Threat]:
    pickles = {
        "GLOBAL": pushed(name),
        "STACK_GLOBAL": found(name),
        "INST": b"(" + text("id") + pushed(name).replace(b"c", b"i", 1),
        "OBJ": b"(" + pushed(name) + text("id") + b"o",
        "OBJ and POP": b"(" + pushed(name) + text("id") + b"o0N",
        "NEWOBJ": pushed(name) + text("id") + b"\x85\x81",
        "NEWOBJ_EX": pushed(name) + text("id") + b"\x85}\x92",
        "REDUCE of STACK_GLOBAL": called(found(name), text("id")),
        "copyreg.__newobj__": called(("copyreg", "__newobj__"), pushed(name), text("id")),
    }
    return [gadget(name, _PROTO + content + b".", how) for how, content in pickles.items()]


THREATS = (
    *(gadget(name, reduced(name), "REDUCE") for name in gadgets()),
    *(threat for name in SAMPLE for threat in _by_opcode(name)),
)
