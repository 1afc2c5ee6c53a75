"""What a pickle would have done, had anyone executed it: the inert trace that rules judge."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Use = Literal["pushed", "called", "instantiated", "handed-on"]


def imported(module: str) -> str:
    """The module that an import finds by a name: of those frozen into Python, up to a NUL.

    `os` with a NUL and more behind it is `os` (CPython, Python/import.c, `look_up_frozen`).
    """
    return module.partition("\0")[0]


class GlobalUse(Struct, frozen=True):
    """One global that a pickle names, and what it does with it.

    Attributes:
        module: dotted module name, as written in the file.
        name: qualified name within the module.
        use: "called" (REDUCE, OBJ, INST, NEWOBJ_EX, BUILD on it), "instantiated" (NEWOBJ, or a
            reconstructor, then BUILD: an instance is rebuilt without running its constructor's
            arguments), "handed-on" (it ends where the unpickler, or a listed class or function
            that loading runs, may call it) or "pushed" (only named).
        opcode: name of the opcode, as pickletools spells it.
        offset: byte offset of the opcode in the member (or file) that holds the pickle.
        rendered: the call as readable, bounded Python: ``os.system('id')``.
        followed: the call was interpreted, and all that it does is in the file's traces too:
            the attribute that ``getattr`` reads, the checkpoint that ``_load_from_bytes`` loads.
    """

    module: str
    name: str
    use: Use
    opcode: str
    offset: int
    rendered: str
    followed: bool = False
    literal: bool = False

    @property
    def qualified(self) -> str:
        """The exact dotted name, as allow-lists hold it."""
        return f"{self.module}.{self.name}"


class PickleTrace(Struct, frozen=True):
    """The trace of one pickle stream.

    Attributes:
        member: the archive member that holds it, None for the file itself.
        offset: byte offset of its first opcode in the member (or file).
        nbytes: bytes from its first opcode to its STOP, or to where interpretation ended.
        protocol: the protocol it declares (0 where it declares none).
        opcodes: how many opcodes were interpreted.
        uses: every global it names, in order.
        incomplete: why it could not be interpreted to its STOP, None where it was.
        texts: every text of some length that it holds, as far as a limit allows.
        texts_cut: whether there are more.
    """

    member: str | None
    offset: int
    nbytes: int
    protocol: int
    opcodes: int
    uses: tuple[GlobalUse, ...]
    incomplete: str | None = None
    texts: tuple[str, ...] = ()
    texts_cut: bool = False
