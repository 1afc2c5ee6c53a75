"""How whole a snapshot in the hub's cache is."""

from __future__ import annotations

from msgspec import Struct


class LostFile(Struct, frozen=True):
    """A file of a snapshot that leads nowhere, or not to what the repository lists.

    Attributes:
        file: its path from the snapshot's folder on.
        blob: name of the blob that it links to.
        unfinished: bytes that an unfinished download of the blob has, None where there is none.
        wanted: names that the blob may have by the repository's listing; () where it is gone.
    """

    file: str
    blob: str
    unfinished: int | None = None
    wanted: tuple[str, ...] = ()


class HubSnapshot(Struct, frozen=True):
    """A snapshot: one commit of a repository, as far as it was downloaded.

    One file speaks for all of it; of the others only their own links were looked at.

    Attributes:
        repository: name of its folder ("models--acme--tiny").
        revision: the commit.
        file: path of the checkpoint from the snapshot's folder on.
        files: number of files in it.
        speaks: whether the checkpoint is the one that speaks for the whole snapshot.
        gone: files whose blobs are not there.
        misplaced: files that link to another blob than the repository lists.
        unfinished: names of blobs whose download was not finished and to which no file leads.
        lost_refs: branches and tags, each with the commit of which there is no snapshot.
        weights: whether a file of weights is in the snapshot.
    """

    repository: str
    revision: str
    file: str
    files: int
    speaks: bool
    gone: tuple[LostFile, ...] = ()
    misplaced: tuple[LostFile, ...] = ()
    unfinished: tuple[str, ...] = ()
    lost_refs: tuple[tuple[str, str], ...] = ()
    weights: bool = True
