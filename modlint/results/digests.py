"""What names a file's content, and what the content is."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["cache", "torch-hub", "file-name", "checksum-file", "signature", "download"]
"""What states a digest: the name of a blob in a content-addressed cache; a file's name in torch
hub's folder, or elsewhere; a file of checksums; a signature of a model; a record of a download."""


class StatedDigest(Struct, frozen=True):
    """A digest that something states of a file, and the file's own.

    Attributes:
        kind: what states it.
        source: its name ("SHA256SUMS").
        algorithm: by Python's name ("sha256"); "git-sha1" of Git's objects, "bytes" of a size.
        stated: in hexadecimal digits, its first ones where a file's name states it.
        found: of the content, as many digits.
        changed_since: whether the file was written to after the digest was noted.
    """

    kind: Kind
    source: str
    algorithm: str
    stated: str
    found: str
    changed_since: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the content is what is stated."""
        return self.stated == self.found
