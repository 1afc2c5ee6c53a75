"""Members of a zip archive that share bytes: each costs as much as if it had its own."""

from __future__ import annotations

from modlint.errors import UnreadableError
from modlint_plugins.archives.zip.directory import Member

MAX_SHARING = 6
"""How many times an archive's size the members that are examined may take together."""


class Sharing:
    """What the members of one archive may still take.

    Args:
        nbytes: the archive's size.
    """

    def __init__(self, nbytes: int) -> None:
        self._most = self._left = MAX_SHARING * nbytes
        self._nbytes = nbytes

    def spend(self, member: Member) -> None:
        """Account for a member that is about to be examined.

        Raises:
            UnreadableError: the members take too much together.
        """
        self._left -= min(member.stored, self._nbytes)
        if self._left < 0:
            raise UnreadableError(
                f"is not examined: members share bytes, and take more than {self._most:,} bytes"
                " together, the limit",
                member=member.name,
            )
