"""What a search of folders passes over, counted so that it can be said."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from modlint.text import count, printable

_NAMED = 3


class PassedOver(Struct):
    """Files and folders that were not looked at.

    Attributes:
        ignored_files: that git ignores.
        ignored_folders: that git ignores, whatever they hold.
        excluded: files that the setting `exclude` names.
        unopened: files that cannot be opened.
        hidden: names of hidden folders.
        installed: names of folders that package managers fill.
    """

    ignored_files: int = 0
    ignored_folders: int = 0
    excluded: int = 0
    unopened: int = 0
    hidden: list[str] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)

    def sentence(self, excluder: str) -> str | None:
        """All of it in one line, None where there is nothing to say.

        Args:
            excluder: what holds the setting `exclude`.
        """
        parts = ", ".join(self._parts(excluder))
        return f"passed over: {parts}; name them to check them" if parts else None

    def _parts(self, excluder: str) -> Iterator[str]:
        ignored = [
            count(number, noun)
            for number, noun in ((self.ignored_files, "file"), (self.ignored_folders, "folder"))
            if number
        ]
        if ignored:
            yield f"{' and '.join(ignored)} that git ignores"
        for names, what in ((self.hidden, "hidden folder"), (self.installed, "package folder")):
            if names:
                yield f"{count(len(names), what)} ({_listed(names)})"
        if self.excluded:
            yield f"{count(self.excluded, 'file')} excluded by {excluder}"
        if self.unopened:
            yield f"{count(self.unopened, 'file')} that cannot be opened"


def _listed(names: list[str]) -> str:
    """The first names, each once."""
    unique = list(dict.fromkeys(names))
    shown = [printable(name, 60) for name in unique[:_NAMED]]
    return ", ".join(shown + ["…"] * (len(unique) > _NAMED))
