"""What a TorchScript archive says of its program, for the builder of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct

from modlint_plugins.archives.zip.archive import Archive, Member
from modlint_plugins.pickling.values import Value

_MAX_CODE = 16 << 20


class TorchScriptProgram(Struct, frozen=True, eq=False):
    """A TorchScript archive's module and code, nothing executed.

    Attributes:
        module: what data.pkl stands for: the outermost module, its attributes and submodules.
        constants: what constants.pkl stands for.
        names: from the identity of a tensor's record in these to the tensor's name.
        code: gives the text of each member of the folder code, by its path there without ".py".
    """

    module: Value
    constants: Value
    names: Mapping[int, str]
    code: Mapping[str, Callable[[], bytes]]


def code_of(archive: Archive, prefix: str) -> dict[str, Callable[[], bytes]]:
    """What gives the text of each code member, by dotted path ("__torch__.torch.nn")."""
    folder = f"{prefix}code/"
    return {
        member.name[len(folder) : -len(".py")].replace("/", "."): partial(_text, archive, member)
        for member in archive.entries
        if member.name.startswith(folder) and member.name.endswith(".py")
    }


def _text(archive: Archive, member: Member) -> bytes:
    return bytes(archive.read(member, _MAX_CODE))
