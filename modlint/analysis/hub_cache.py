"""The hub's cache around a checkpoint: whether its snapshot is whole, and rightly mapped.

`models--owner--name` holds `blobs` by their digests, `snapshots/<commit>` with links to them,
`refs` with the commit of each branch, and `trees/<commit>.json` with what the repository lists.
Source: huggingface_hub, "Understand caching"; `_tree_cache.py` of version 1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.analysis.beside import MAX_FILES, Document
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable
from modlint.file_names import is_companion, is_listed
from modlint.looks import Look, look_at
from modlint.results.hub_cache import HubSnapshot, LostFile

_REPOSITORY = re.compile(r"(models|datasets|spaces)--.+")
_UNFINISHED = re.compile(r"(?P<blob>[0-9a-f]{40}|[0-9a-f]{64})(\.[0-9a-f]{8})?\.incomplete")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_INDEX = ".index.json"
_DEEPEST = 8
_NAMES = ("lfs_sha256", "blob_id", "xet_hash")
"""By what a listing calls the names that a file's blob may have."""


class HubCache(FileAnalysis["HubSnapshot | None"], frozen=True):
    """The snapshot that a checkpoint is of; None of one that is in no hub's cache."""

    name: ClassVar[str] = "hub-cache"
    description: ClassVar[str] = "whether a snapshot in the hub's cache is whole"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> HubSnapshot | None:
        """Look at the links of the snapshot, the blobs and the refs.

        Raises:
            Unavailable: the cache holds too many files, or cannot be listed.
        """
        path = Path(os.path.abspath(checkpoint.path))  # noqa: PTH100 (links stay as they are)
        snapshot = _snapshot_of(path)
        if snapshot is None:
            return None
        try:
            return _judged(path, snapshot, inputs)
        except OSError as error:
            raise Unavailable(f"the cache cannot be listed: {error.strerror or error}") from error


def _snapshot_of(path: Path) -> Path | None:
    for folder in list(path.parents)[:_DEEPEST]:
        above = folder.parent
        if above.name == "snapshots" and _REPOSITORY.fullmatch(above.parent.name):
            return folder
    return None


def _judged(path: Path, snapshot: Path, inputs: Inputs) -> HubSnapshot:
    repository = snapshot.parent.parent
    look_at(Look.NAMES, snapshot.parent)
    files = sorted(_files(snapshot))
    own = path.relative_to(snapshot).as_posix()
    speaks = own == _speaker(snapshot, files)
    looked_at = files if speaks else [own]
    blobs = _sizes(repository / "blobs")
    gone = [_lost(file, snapshot, blobs) for file in looked_at if not (snapshot / file).exists()]
    there = set(looked_at) - {file.file for file in gone}
    leads = speaks and snapshot == min(f for f in snapshot.parent.iterdir() if f.is_dir())
    return HubSnapshot(
        repository=repository.name,
        revision=snapshot.name,
        file=own,
        files=len(files),
        speaks=speaks,
        gone=tuple(gone),
        misplaced=tuple(_misplaced(snapshot, sorted(there), inputs)),
        unfinished=tuple(_unfinished(blobs, gone)) if leads else (),
        lost_refs=tuple(_lost_refs(repository)) if leads else (),
        weights=any(is_listed(Path(file)) for file in there),
    )


def _files(folder: Path) -> Iterator[str]:
    """Paths of the files in a folder, and in those below, from it on."""
    seen = 0
    for parent, _, names in os.walk(folder):
        look_at(Look.NAMES, Path(parent))
        for name in names:
            seen += 1
            if seen > MAX_FILES:
                raise Unavailable(f"the cache holds more than {MAX_FILES:,} files")
            yield (Path(parent) / name).relative_to(folder).as_posix()


def _sizes(blobs: Path) -> dict[str, int]:
    look_at(Look.NAMES, blobs)
    if not blobs.is_dir():
        return {}
    return {name: (blobs / name).lstat().st_size for name in sorted(_files(blobs))}


def _blob(link: Path) -> str:
    """Name of what a link leads to; "" of a file that is no link."""
    return link.readlink().name if link.is_symlink() else ""


def _lost(file: str, snapshot: Path, blobs: Mapping[str, int]) -> LostFile:
    blob = _blob(snapshot / file)
    found = [size for name, size in blobs.items() if _unfinished_of(name) == blob]
    return LostFile(file, blob, max(found, default=None))


def _unfinished_of(name: str) -> str | None:
    match = _UNFINISHED.fullmatch(name)
    return None if match is None else match["blob"]


def _unfinished(blobs: Mapping[str, int], gone: list[LostFile]) -> Iterator[str]:
    """Unfinished blobs that were not finished later, and whose link is not told already."""
    told = {file.blob for file in gone}
    for name in blobs:
        blob = _unfinished_of(name)
        if blob is not None and blob not in blobs and blob not in told:
            yield name


def _speaker(snapshot: Path, files: list[str]) -> str | None:
    """The file that speaks for its snapshot: an index, weights, or a configuration."""
    listed = [file for file in files if is_listed(Path(file))]
    indexes = [file for file in listed if file.endswith(_INDEX)]
    companions = [file for file in files if is_companion(Path(file))]
    candidates = (*indexes, *listed, *companions)
    return next((file for file in candidates if (snapshot / file).exists()), None)


def _misplaced(snapshot: Path, files: list[str], inputs: Inputs) -> Iterator[LostFile]:
    """Links to other blobs than the repository's listing has for their files."""
    listing = snapshot.parent.parent / "trees" / f"{snapshot.name}.json"
    try:
        document = Document(listing.name).compute(Checkpoint(listing, "json", 0), inputs)
    except Unavailable:
        return
    entries = (document or {}).get("files")
    entries = entries if isinstance(entries, dict) else {}
    for file in files:
        entry, blob = entries.get(file), _blob(snapshot / file)
        if not isinstance(entry, dict) or not blob:
            continue
        wanted = tuple(name for key in _NAMES if isinstance(name := entry.get(key), str))
        if wanted and blob not in wanted:
            yield LostFile(file, blob, wanted=wanted)


def _lost_refs(repository: Path) -> Iterator[tuple[str, str]]:
    refs = repository / "refs"
    look_at(Look.NAMES, refs)
    for name in sorted(_files(refs)) if refs.is_dir() else ():
        path = refs / name
        look_at(Look.CONTENT, path)
        with path.open("rb") as file:
            commit = file.read(64).decode("ascii", "replace").strip()
        if _COMMIT.fullmatch(commit) and not (repository / "snapshots" / commit).is_dir():
            yield name, commit
