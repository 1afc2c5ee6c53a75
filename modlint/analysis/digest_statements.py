"""What states a digest of a file: its name, its place in a cache, and what stands beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modlint.analysis.beside import Folder
from modlint.analysis.checksum_files import is_of_many, is_of_one, stated_in
from modlint.analysis.signed_models import signed_ranges
from modlint.errors import UnreadableError
from modlint.looks import Look, look_at
from modlint.results.digests import Kind
from modlint.source import open_source

MAX_DOCUMENT = 16 << 20
"""Bytes of a file of checksums, or of a signature, that is read."""
MAX_DOCUMENTS = 64
"""Such files that are read for one checkpoint."""
PARENTS = 3
"""Folders above the file's own whose lists are looked at."""

_IN_PARENTS = (
    "SHA256SUMS",
    "SHA256SUMS.txt",
    "sha256sum.txt",
    "sha256sums.txt",
    "checksums.sha256",
)
_SIGNATURES = ("model.sig",)
_SIGNATURE = re.compile(r".+\.(sig|sigstore|sigstore\.json)", re.IGNORECASE)

_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_OLLAMA = re.compile(r"sha256[-:](?P<digest>[0-9a-f]{64})")
_REPOSITORY = re.compile(r"(models|datasets|spaces)--.+")
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})(?=\.)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TORCH_HUB = ("hub", "checkpoints")


class Statement(Struct, frozen=True):
    """A digest that something states of a file, or of a range of its bytes.

    Attributes:
        kind: what states it.
        source: its name.
        algorithm: by Python's name, or "git-sha1".
        digits: hexadecimal; fewer than the algorithm gives are its first.
        start: of the first byte.
        end: behind the last byte, None for the file's last.
        changed_since: whether the file was written to after the digest was noted.
    """

    kind: Kind
    source: str
    algorithm: str
    digits: str
    start: int = 0
    end: int | None = None
    changed_since: bool = False


def statements(path: Path, folder: Folder) -> Iterator[Statement]:
    """Every digest that is stated of a file."""
    yield from _by_place(path)
    yield from _by_name(path)
    for parent, relative in _relative(path):
        if parent == path.parent:
            names = _lists(path.name, folder)
        else:
            names = [name for name in _IN_PARENTS if _is_file(parent / name)]
        for name in names:
            yield from _in_list(parent / name, relative)
        yield from _downloaded(path, parent, relative)
    yield from _signed(path, folder)


def _relative(path: Path) -> Iterator[tuple[Path, str]]:
    """The folders around a file, and its path from each on."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 (links stay as they are)
    for parent in list(absolute.parents)[: PARENTS + 1]:
        here = path.parent if parent == absolute.parent else parent
        yield here, absolute.relative_to(parent).as_posix()


def blob_of(path: Path) -> Path | None:
    """The file of a content-addressed store that a path is, or links to; None where it is none."""
    place = path
    look_at(Look.STATUS, path)
    if path.is_symlink():
        place = Path(os.path.normpath(path.parent.resolve() / path.readlink()))
        look_at(Look.STATUS, place)
    return None if place.is_symlink() else Path(os.path.abspath(place))  # noqa: PTH100


def _by_place(path: Path) -> Iterator[Statement]:
    """The name of a blob: in the hub's cache, Ollama's, an OCI layout, or Git LFS' objects."""
    try:
        blob = blob_of(path)
    except OSError:
        return
    if blob is None:
        return
    name, parents = blob.name, [parent.name for parent in blob.parents]
    ollama = _OLLAMA.fullmatch(name)
    if ollama is not None and parents[:1] == ["blobs"]:
        yield Statement("cache", f"blobs/{name}", "sha256", ollama["digest"])
        return
    if _DIGEST.fullmatch(name) is None:
        return
    of_hub = parents[0] == "blobs" and _REPOSITORY.fullmatch(parents[1]) is not None
    of_lfs = parents[:3] == [name[2:4], name[:2], "objects"]
    if of_hub or parents[:2] == ["sha256", "blobs"] or of_lfs:
        algorithm = "sha256" if len(name) == 64 else "git-sha1"
        yield Statement("cache", f"{parents[0]}/{name}", algorithm, name)


def _by_name(path: Path) -> Iterator[Statement]:
    """The first digits of SHA-256 that torch.hub's files bear; dates and identifiers are none."""
    found = _IN_NAME.findall(path.name)
    if not found or _UUID.search(path.name):
        return
    digits = found[-1]
    of_hub = path.parent.parts[-2:] == _TORCH_HUB
    if digits.isdigit():
        return
    yield Statement("torch-hub" if of_hub else "file-name", path.name, "sha256", digits)


def _lists(file: str, folder: Folder) -> list[str]:
    """Names of the files of checksums that may speak of a file."""
    own = [name for name in folder.files if is_of_one(name, file)]
    many = [name for name in folder.files if is_of_many(name) and not _is_of_another(name, folder)]
    names = dict.fromkeys([*sorted(own), *sorted(many)])
    return [name for name in names if name != file][:MAX_DOCUMENTS]


def _is_of_another(sidecar: str, folder: Folder) -> bool:
    """Whether a file of checksums is named after one file of the folder."""
    stem, _, end = sidecar.rpartition(".")
    stem = stem.rpartition(".")[0] if end.lower() == "txt" else stem
    return stem in folder.files


def _in_list(sidecar: Path, relative: str) -> Iterator[Statement]:
    document = _read(sidecar)
    if document is None:
        return
    text = document.decode("utf-8", "replace")
    for algorithm, digits in stated_in(text, relative, sidecar.name):
        yield Statement("checksum-file", sidecar.name, algorithm, digits)


def _signed(path: Path, folder: Folder) -> Iterator[Statement]:
    """What signatures say: beside the file, or beside the model's folder."""
    beside = [name for name in folder.files if _SIGNATURE.fullmatch(name)]
    for parent, relative in _relative(path):
        names = beside[:MAX_DOCUMENTS] if parent == path.parent else list(_SIGNATURES)
        for name in names:
            document = _read(parent / name) if _is_file(parent / name) else None
            model, ranges = signed_ranges(document) if document is not None else ("", ())
            within = relative.removeprefix(f"{model}/") if model else relative
            for signed in ranges:
                if signed.path in (relative, within):
                    yield Statement(
                        "signature", name, signed.algorithm, signed.digest, signed.start, signed.end
                    )


def _downloaded(path: Path, folder: Path, relative: str) -> Iterator[Statement]:
    """What the hub's client noted when it put the file into a folder of the user's."""
    record = folder / ".cache" / "huggingface" / "download" / f"{relative}.metadata"
    document = _read(record) if _is_file(record) else None
    if document is None:
        return
    lines = document[:4096].decode("utf-8", "replace").splitlines()
    tag = lines[1].strip().removeprefix("W/").strip('"') if len(lines) > 1 else ""
    if _DIGEST.fullmatch(tag) is None:
        return
    look_at(Look.TIMES, path)
    try:
        changed = path.stat().st_mtime - 1 > float(lines[2])
    except (OSError, ValueError, IndexError):
        changed = True
    algorithm = "sha256" if len(tag) == 64 else "git-sha1"
    source = f".cache/huggingface/download/{relative}.metadata"
    yield Statement("download", source, algorithm, tag, changed_since=changed)


def _is_file(path: Path) -> bool:
    look_at(Look.CONTENT, path)
    return path.is_file()


def _read(path: Path) -> bytes | None:
    """A document's bytes, None where it cannot be read or is too long."""
    try:
        view = open_source(path).view
    except UnreadableError:
        return None
    return bytes(view) if len(view) <= MAX_DOCUMENT else None
