"""Git LFS pointers."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.checkpoint import Status
from modlint.errors import UnreadableError
from modlint.source import open_source
from modlint_plugins.readers.lfs_pointer import LfsPointerReader

READER = LfsPointerReader()
OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n"


@pytest.mark.parametrize(
    "text",
    [
        POINTER,
        POINTER.replace("\n", "\r\n"),
        POINTER.replace("https://git-lfs.github.com", "https://hawser.github.com"),
        POINTER.replace("oid", f"ext-0-crypt sha256:{OID}\noid"),
    ],
)
def test_oid_and_size_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.pt"
    path.write_text(text, newline="")
    source = open_source(path)
    assert READER.sniff(source)

    checkpoint = READER.read(source)

    assert checkpoint.status is Status.LFS_POINTER
    assert checkpoint.format == "lfs-pointer"
    assert checkpoint.metadata == {"oid": f"sha256:{OID}", "size": 12345}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (POINTER[:60], "oid"),
        (POINTER.replace(OID, OID[:-1]), "oid"),
        (POINTER.replace("sha256", "md5"), "oid"),
        (POINTER.replace("12345", "many"), "size"),
        (POINTER.replace("size 12345\n", ""), "size"),
        (POINTER + "size 3\n", "twice"),
        (POINTER + "<<<<<<< HEAD\n", "<<<<<<<"),
    ],
)
def test_damaged_pointer_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "model.pt"
    path.write_text(text)

    with pytest.raises(UnreadableError, match=f"damaged Git LFS pointer: .*{what}") as refused:
        READER.read(open_source(path))

    assert "git lfs pull" in (refused.value.help or "")


@pytest.mark.parametrize("content", [b"", b"version 1\n", POINTER.encode() + b"x" * 1024])
def test_other_content_is_not_claimed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)

    assert not READER.sniff(open_source(tmp_path / "m"))
