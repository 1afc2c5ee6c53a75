"""FMT020 over everything that states a digest: each mismatch is found, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts
from safetensors.torch import save_file
from support import check_json

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Severity

REGISTRY = load_registry()
ERROR, WARNING = Severity.ERROR, Severity.WARNING

Statement = Callable[[Path, bytes], Path]
"""Puts a file of this content in a folder, with what states the digest of the bytes given."""


def content(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    torch.save({"w": torch.randn(40, generator=torch.Generator().manual_seed(seed))}, buffer)
    return buffer.getvalue()


RIGHT, WRONG = content(0), content(1)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sidecar(name: str, text: str, algorithm: str = "sha256", file: str = "net.pth") -> Statement:
    def write(folder: Path, stated: bytes) -> Path:
        digest = hashlib.new(algorithm, stated).hexdigest()
        (folder / name).write_bytes(text.format(digest, upper=digest.upper()).encode())
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(RIGHT)
        return folder / file

    return write


def in_hub(digest: Callable[[bytes], str], name: str = "net.pth") -> Statement:
    def write(folder: Path, stated: bytes) -> Path:
        snapshot = folder / "models--acme--net" / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        blob = snapshot.parent.parent / "blobs" / digest(stated)
        blob.parent.mkdir()
        blob.write_bytes(RIGHT)
        (snapshot / name).symlink_to(Path("../../blobs") / blob.name)
        return snapshot / name

    return write


def stored(*place: str, prefix: str = "") -> Statement:
    """A file in a content-addressed store, by its digest."""

    def write(folder: Path, stated: bytes) -> Path:
        name = sha256(stated)
        parts = [part.format(name[:2], name[2:4]) for part in place]
        path = folder.joinpath(*parts, prefix + name)
        path.parent.mkdir(parents=True)
        path.write_bytes(RIGHT)
        return path

    return write


def named(pattern: str, *folders: str, digits: int = 8) -> Statement:
    def write(folder: Path, stated: bytes) -> Path:
        path = folder.joinpath(*folders, pattern.format(sha256(stated)[:digits]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(RIGHT)
        return path

    return write


def bundle(statement: object) -> str:
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps({"dsseEnvelope": {"payload": payload, "signatures": []}})


def signed(algorithm: str = "sha256", step: int = 0, name: str = "net.pth") -> Statement:
    """A bundle of model-signing 1.0, of files or of ranges of `step` bytes."""

    def write(folder: Path, stated: bytes) -> Path:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(RIGHT)
        starts = range(0, len(stated), step) if step else [0]
        resources = []
        for start in starts:
            end = min(start + step, len(stated)) if step else len(stated)
            digest = hashlib.new(algorithm, stated[start:end]).hexdigest()
            part = (f":{start}:{end}", f"-sharded-{step}") if step else ("", "")
            resources.append(
                {"name": name + part[0], "algorithm": algorithm + part[1], "digest": digest}
            )
        predicate = {"resources": resources}
        kind = "https://model_signing/signature/v1.0"
        statement = {"predicateType": kind, "predicate": predicate, "subject": []}
        (folder / "model.sig").write_text(bundle(statement))
        return folder / name

    return write


def signed_early(folder: Path, stated: bytes) -> Path:
    """A bundle of model-signing 0.1."""
    (folder / "net.pth").write_bytes(RIGHT)
    subject = [{"name": "net.pth", "digest": {"sha256": sha256(stated)}}]
    kind = "https://model_signing/Digests/v0.1"
    (folder / "model.sig").write_text(bundle({"predicateType": kind, "subject": subject}))
    return folder / "net.pth"


def downloaded(age: float) -> Statement:
    def write(folder: Path, stated: bytes) -> Path:
        (folder / "net.pth").write_bytes(RIGHT)
        record = folder / ".cache" / "huggingface" / "download" / "net.pth.metadata"
        record.parent.mkdir(parents=True)
        written = (folder / "net.pth").stat().st_mtime
        record.write_text(f"{'0' * 40}\n{sha256(stated)}\n{written + age}\n")
        return folder / "net.pth"

    return write


STATED: dict[str, tuple[Statement, Severity]] = {
    "bare": (sidecar("net.pth.sha256", "{}\n"), ERROR),
    "bare, no line end": (sidecar("net.pth.sha256", "{}"), ERROR),
    "bare, capitals": (sidecar("net.pth.sha256", "{upper}\r\n"), ERROR),
    "bare, named by algorithm": (sidecar("net.pth.sha256", "sha256:{}\n"), ERROR),
    "sha256sum": (sidecar("net.pth.sha256sum", "{}  net.pth\n"), ERROR),
    "another folder": (sidecar("net.pth.sha256", "{}  /build/out/net.pth\n"), ERROR),
    "binary": (sidecar("SHA256SUMS", "{} *net.pth\n"), ERROR),
    "a list": (
        sidecar("sha256sum.txt", f"# weights\n{'0' * 64}  a.pth\n{{}}  ./net.pth\n"),
        ERROR,
    ),
    "escaped": (sidecar("SHA256SUMS", "\\{}  a\\\\net.pth\n", file="a\\net.pth"), ERROR),
    "BSD": (sidecar("checksums.txt", "SHA256 (net.pth) = {}\n"), ERROR),
    "openssl": (sidecar("net.pth.sha256", "SHA2-256(net.pth)= {}\n"), ERROR),
    "md5sum": (sidecar("net.pth.md5", "{}  net.pth\n", "md5"), ERROR),
    "MD5SUMS": (sidecar("MD5SUMS", "{}  net.pth\n", "md5"), ERROR),
    "sha1": (sidecar("net.pth.sha1", "{}\n", "sha1"), ERROR),
    "sha512": (sidecar("SHA512SUMS", "{}  net.pth\n", "sha512"), ERROR),
    "in a folder below": (sidecar("SHA256SUMS", "{}  sub/net.pth\n", file="sub/net.pth"), ERROR),
    "hub, SHA-256": (in_hub(sha256), ERROR),
    "hub, Git": (in_hub(git_sha1), ERROR),
    "Ollama": (stored("models", "blobs", prefix="sha256-"), ERROR),
    "OCI": (stored("blobs", "sha256"), ERROR),
    "Git LFS": (stored("lfs", "objects", "{0}", "{1}"), ERROR),
    "torch hub": (named("net-{}.pth", "hub", "checkpoints"), ERROR),
    "torch hub, long": (named("net-{}.pt", "hub", "checkpoints", digits=64), ERROR),
    "a name": (named("net-{}.pth"), WARNING),
    "a name after a date": (named("net_20200130-{}.pth"), WARNING),
    "model-signing": (signed(), ERROR),
    "model-signing, BLAKE2": (signed("blake2b"), ERROR),
    "model-signing, ranges": (signed(step=500), ERROR),
    "model-signing, below": (signed(name="sub/net.pth"), ERROR),
    "model-signing 0.1": (signed_early, ERROR),
    "downloaded": (downloaded(age=10.0), ERROR),
    "downloaded, then changed": (downloaded(age=-3600.0), WARNING),
}


@pytest.mark.parametrize(("write", "severity"), STATED.values(), ids=STATED)
def test_mismatches_are_found(write: Statement, severity: Severity, tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path, WRONG), REGISTRY, "digest-mismatch")
    assert (verdict.outcome, verdict.severity) == (Outcome.FAIL, severity)
    assert verdict.values["stated"] != verdict.values["found"]


@pytest.mark.parametrize("write", [write for write, _ in STATED.values()], ids=STATED)
def test_the_right_content_passes(write: Statement, tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path, RIGHT), REGISTRY, "digest-mismatch")
    assert verdict.outcome is Outcome.PASS
    assert verdict.values["compared"] == 1


def shared_store(folder: Path) -> Path:
    """A blob that links into a store which names its files by another hash."""
    path = in_hub(lambda data: "a" * 64)(folder, RIGHT)
    blob = path.parent.parent.parent / "blobs" / ("a" * 64)
    kept = blob.rename(folder / ("b" * 64))
    blob.symlink_to(kept)
    return path


def plain(name: str, *folders: str, **beside: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        place = folder.joinpath(*folders)
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(RIGHT)
        for other, text in beside.items():
            (place / other.replace("__", ".")).write_text(text)
        return place / name

    return write


NOT_STATED: dict[str, Callable[[Path], Path]] = {
    "nothing beside": plain("net.pth"),
    "a date": plain("net-20230101.pth"),
    "a date in the hub": plain("net-20230101.pth", "hub", "checkpoints"),
    "date and time": plain("net-20230101120000.pth"),
    "few digits": plain("net-12fca8.pth"),
    "a UUID": plain("net-550e8400-e29b-41d4-a716-44665544000f.pth"),
    "a word": plain("net-pretrained.pth"),
    "other digits": plain("net_12fca82f.pth"),
    "of another file": plain("net.pth", SHA256SUMS="0" * 64 + "  other.pth\n"),
    "of a file so named elsewhere": plain("net.pth", SHA256SUMS="0" * 64 + "  old/net.pth\n"),
    "out of the folder": plain("net.pth", SHA256SUMS="0" * 64 + "  ../net.pth\n"),
    "another's sidecar": plain("net.pth", other__pth="x", other__pth__sha256="0" * 64),
    "no digest": plain("net.pth", net__pth__sha256="not computed yet\n"),
    "an odd length": plain("net.pth", net__pth__sha256="0" * 63),
    "an empty sidecar": plain("net.pth", net__pth__md5=""),
    "no hub": plain("a" * 64, "blobs"),
    "a store of others": shared_store,
    "no bundle": plain("net.pth", model__sig="-----BEGIN PGP SIGNATURE-----"),
    "a bundle of another kind": plain(
        "net.pth", model__sig=bundle({"subject": [{"name": "net.pth"}]})
    ),
    "a bundle of others": plain(
        "net.pth",
        model__sig=bundle(
            {
                "predicateType": "https://model_signing/signature/v1.0",
                "predicate": {
                    "resources": [{"name": "a", "algorithm": "sha256", "digest": "0" * 64}]
                },
            }
        ),
    ),
    "odd types": plain(
        "net.pth",
        model__sig=bundle(
            {
                "predicateType": "https://model_signing/signature/v1.0",
                "predicate": {
                    "resources": [3, {"name": ["net.pth"], "algorithm": 1, "digest": {}}]
                },
                "subject": "net.pth",
            }
        ),
    ),
    "deep": plain("net.pth", model__sig="[" * 100_000),
    "an unknown algorithm": plain(
        "net.pth",
        model__sig=bundle(
            {
                "predicateType": "https://model_signing/signature/v1.0",
                "predicate": {
                    "resources": [{"name": "net.pth", "algorithm": "blake3", "digest": "0" * 64}]
                },
            }
        ),
    ),
}


@pytest.mark.parametrize("write", NOT_STATED.values(), ids=NOT_STATED)
def test_what_states_no_digest_is_not_judged(write: Callable[[Path], Path], tmp_path: Path) -> None:
    (verdict,) = verdicts(write(tmp_path), REGISTRY, "digest-mismatch")
    assert verdict.outcome is Outcome.NOT_APPLICABLE, verdict


def test_bytes_added_behind_signed_ranges_are_found(tmp_path: Path) -> None:
    path = signed(step=500)(tmp_path, RIGHT)
    path.write_bytes(RIGHT + b"\0")
    (verdict,) = verdicts(path, REGISTRY, "digest-mismatch")
    assert verdict.outcome is Outcome.FAIL
    assert verdict.values["algorithm"] == "bytes"


def test_ranges_listed_many_times_over_are_not_hashed(tmp_path: Path) -> None:
    path = signed(step=500)(tmp_path, RIGHT)
    part = {"name": f"net.pth:0:{len(RIGHT)}", "algorithm": "sha256-sharded-1"}
    parts = [{**part, "digest": f"{index:064x}"} for index in range(100)]
    kind = "https://model_signing/signature/v1.0"
    statement = {"predicateType": kind, "predicate": {"resources": parts}}
    (tmp_path / "model.sig").write_text(bundle(statement))
    (verdict,) = verdicts(path, REGISTRY, "digest-mismatch")
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_digits_in_names_may_be_passed_over(tmp_path: Path) -> None:
    path = named("net-{}.pth")(tmp_path, WRONG)
    (verdict,) = verdicts(path, REGISTRY, "digest-mismatch", {"file-names": False})
    assert verdict.outcome is Outcome.NOT_APPLICABLE


def test_a_damaged_shard_is_found_beside_its_index(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--acme--net" / "snapshots" / ("0" * 40)
    blobs = snapshot.parent.parent / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    shards = {name: f"model-0000{n}-of-00002.safetensors" for n, name in enumerate("ab", 1)}
    for name, shard in shards.items():
        save_file({name: torch.ones(4)}, tmp_path / shard)
        data = bytearray((tmp_path / shard).read_bytes())
        blob = blobs / sha256(data)
        data[-1] ^= name == "b"
        blob.write_bytes(data)
        (snapshot / shard).symlink_to(Path("../../blobs") / blob.name)
    index = snapshot / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": shards}))
    report = check_json("--select", "FMT020", snapshot)
    failed = [f["path"] for f in report["files"] for v in f["verdicts"] if v["outcome"] == "fail"]
    assert [Path(path).name for path in failed] == [shards["b"]]
