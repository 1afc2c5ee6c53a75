"""A run of bytes: the unit that the sweep looks at."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct, field

from modlint_plugins.readers.torch.reading import Segment


class Run(Struct, frozen=True):
    """Bytes that belong together: a file, a member of an archive, a literal of a pickle.

    Attributes:
        view: the bytes.
        member: how they are called in reports, as in `PickleTrace.member`; None for the file.
        name: their path in what holds them, or the file's name.
        origin: offset of the first byte in the file; None where the file does not hold them so.
        siblings: paths of everything in the same container.
        depth: number of containers around them.
        nested: whether they lie in a literal that is a container: a checkpoint kept as bytes.
    """

    view: memoryview
    member: str | None
    name: str
    origin: int | None
    siblings: Collection[str] = field(default=())
    depth: int = 0
    nested: bool = False

    @property
    def segment(self) -> Segment:
        """The same bytes, for the pickle machine."""
        return Segment(self.view, self.member, self.origin)

    def within(
        self, view: memoryview, name: str, at: int | None, siblings: Collection[str] = ()
    ) -> Run:
        """Bytes that this run holds.

        Args:
            view: the bytes.
            name: their path in the run.
            at: their offset in the run, None where it does not hold them as they are.
            siblings: paths of everything that the run holds.
        """
        member = name if self.member is None else f"{self.member}!{name}"
        origin = None if at is None or self.origin is None else self.origin + at
        return Run(view, member, name, origin, siblings, self.depth + 1, self.nested)
