"""What is kept of checks: given again while nothing has changed, and never when something has."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import save_file as save

from modlint.engine.cache.folder import CacheFolder
from modlint.engine.check import check_file
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.looks import listeners
from modlint.report import Report
from modlint.settings.config import load_config


def save_file(tensors: dict[str, torch.Tensor], path: Path) -> None:
    save(tensors, path, metadata={"format": "pt"})


@contextlib.contextmanager
def _silent(*_: Any):
    yield lambda *_: None


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


class Bench:
    """A folder of checkpoints with a cache; counts the checks that are made."""

    def __init__(self, root: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache = root / "models", root / "cache"
        self.folder.mkdir()
        self.registry = registry
        self.checked: list[str] = []

        def counted(path: Path, *rest: Any) -> Any:
            self.checked.append(path.name)
            return check_file(path, *rest)

        monkeypatch.setattr("modlint.engine.cache.checks.check_file", counted)

    def run(self, *paths: Path, paranoid: bool = False, **settings: Any) -> Report:
        time.sleep(0.03)  # what was written a moment ago is not kept
        self.checked.clear()
        configuration = msgspec.structs.replace(
            load_config(None, (), settings), cache=self.cache, paranoid=paranoid
        )
        return check(paths or [self.folder], configuration, self.registry, _silent)

    def entries(self) -> list[Path]:
        return [path for path in self.cache.rglob("entries-1/*/*") if path.is_file()]


@pytest.fixture
def bench(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(tmp_path, registry, monkeypatch)
    for name in ("a", "b"):
        save_file({"fc.weight": torch.ones(4, 4) * 0.5}, bench.folder / f"{name}.safetensors")
    return bench


def _plain(report: Report) -> dict[str, Any]:
    plain = report.to_dict()
    plain["run"].pop("seconds")
    return plain


def test_a_second_run_checks_nothing_and_says_the_same(bench: Bench) -> None:
    first = bench.run()
    assert sorted(bench.checked) == ["a.safetensors", "b.safetensors"]
    again = bench.run()
    assert bench.checked == []
    assert _plain(again) == _plain(first)


def test_a_changed_file_alone_is_checked_again(bench: Bench) -> None:
    bench.run()
    save_file({"fc.weight": torch.full((4, 4), float("nan"))}, bench.folder / "a.safetensors")
    report = bench.run()
    assert bench.checked == ["a.safetensors"]
    assert [f.rule for f in report.findings] == ["NUM001"]


def test_a_touched_file_is_hashed_and_known(bench: Bench) -> None:
    bench.run()
    os.utime(bench.folder / "a.safetensors")
    bench.run()
    assert bench.checked == []


def test_a_copy_with_the_same_times_and_size_is_checked(bench: Bench) -> None:
    path = bench.folder / "a.safetensors"
    bench.run()
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-4:] = b"\x00\x00\xc0\x7f"  # NaN
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert bench.run().findings
    assert bench.checked == ["a.safetensors"]


def test_paranoid_hashes_what_seems_unchanged(bench: Bench) -> None:
    bench.run()
    bench.run(paranoid=True)
    assert bench.checked == []


def test_an_earlier_state_is_still_known(bench: Bench) -> None:
    path = bench.folder / "a.safetensors"
    one = path.read_bytes()
    bench.run()
    save_file({"fc.weight": torch.ones(4, 4)}, path)
    bench.run()
    path.write_bytes(one)
    bench.run()
    assert bench.checked == []


def test_settings_and_seeds_have_outcomes_of_their_own(bench: Bench) -> None:
    bench.run()
    for settings in ({"select": ["NUM"]}, {"seed": 1}, {"strict": True}, {"deep": True}):
        bench.run(**settings)
        assert sorted(bench.checked) == ["a.safetensors", "b.safetensors"], settings
    for settings in ({"fail-on": "warning"}, {"persona": "auditor"}, {"min-severity": "note"}):
        bench.run(**settings)
        assert bench.checked == [], settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.safetensors.sha256", "0" * 64),
        ("SHA256SUMS", "0" * 64 + "  a.safetensors\n"),
        ("../SHA256SUMS", "0" * 64 + "  models/a.safetensors\n"),
        (".cache/huggingface/download/a.safetensors.metadata", "x\n" + "0" * 64 + "\n1.0\n"),
    ],
)
def test_a_digest_that_comes_to_be_stated_is_compared(bench: Bench, name: str, text: str) -> None:
    before = bench.run()
    stated = bench.folder / name
    stated.parent.mkdir(parents=True, exist_ok=True)
    stated.write_text(text)
    after = bench.run()
    found = {f.rule for f in after.findings} - {f.rule for f in before.findings}
    assert found
    stated.write_text(text.replace("0", "1"))
    again = bench.run()
    assert any("1111" in f.message + str(dict(f.values)) for f in again.findings)
    stated.unlink()
    assert _plain(bench.run())["files"] == _plain(before)["files"]


def test_the_config_beside_a_file_counts(bench: Bench) -> None:
    config = bench.folder / "config.json"
    bench.run(bench.folder / "a.safetensors")
    config.write_text('{"model_type": "bert", "vocab_size": 10}')
    bench.run(bench.folder / "a.safetensors")
    assert bench.checked == ["a.safetensors"]
    config.write_text('{"model_type": "bert", "vocab_size": 12}')
    bench.run(bench.folder / "a.safetensors")
    assert bench.checked == ["a.safetensors"]
    bench.run(bench.folder / "a.safetensors")
    assert bench.checked == []


def _sharded(folder: Path) -> Path:
    for i in (1, 2):
        save_file(
            {f"fc{i}.weight": torch.ones(4, 4)}, folder / f"model-0000{i}-of-00002.safetensors"
        )
    index = folder / "model.safetensors.index.json"
    names = {f"fc{i}.weight": f"model-0000{i}-of-00002.safetensors" for i in (1, 2)}
    index.write_text(msgspec.json.encode({"metadata": {}, "weight_map": names}).decode())
    return index


def test_a_changed_shard_has_its_index_checked(bench: Bench) -> None:
    index = _sharded(bench.folder)
    first = bench.run()
    assert _plain(bench.run()) == _plain(first)
    assert bench.checked == []
    shard = bench.folder / "model-00002-of-00002.safetensors"
    save_file({"fc2.weight": torch.full((4, 4), float("inf"))}, shard)
    report = bench.run()
    assert sorted(bench.checked) == sorted([index.name, shard.name])
    assert {f.rule for f in report.findings} >= {"NUM001"}
    shard.unlink()
    assert {f.rule for f in bench.run().findings} >= {"FMT003"}


def test_the_sibling_of_another_format_counts(bench: Bench) -> None:
    weights = {"fc.weight": torch.rand(8, 8), "fc.bias": torch.rand(8)}
    save_file(weights, bench.folder / "model.safetensors")
    torch.save(weights, bench.folder / "pytorch_model.bin")
    before = bench.run()
    torch.save(weights | {"fc.bias": torch.rand(8) + 1}, bench.folder / "pytorch_model.bin")
    after = bench.run()
    assert len(after.findings) > len(before.findings)
    assert "model.safetensors" in bench.checked


def test_the_reference_counts(bench: Bench, tmp_path: Path) -> None:
    reference = tmp_path / "reference" / "old.safetensors"
    reference.parent.mkdir()
    save_file({"fc.weight": torch.ones(4, 4)}, reference)
    settings = {"baseline-model": str(reference)}
    bench.run(**settings)
    bench.run(**settings)
    assert bench.checked == []
    save_file({"fc.weight": torch.ones(4, 4) * 2}, reference)
    bench.run(**settings)
    assert sorted(bench.checked) == ["a.safetensors", "b.safetensors"]


def test_a_link_that_leads_elsewhere_is_followed_anew(bench: Bench, tmp_path: Path) -> None:
    link = bench.folder / "c.safetensors"
    for name, value in (("one", 1.0), ("two", float("nan"))):
        save_file({"w": torch.full((4, 4), value)}, tmp_path / name)
    link.symlink_to(tmp_path / "one")
    assert not bench.run(link).findings
    link.unlink()
    link.symlink_to(tmp_path / "two")
    assert bench.run(link).findings


def test_the_profile_safety_takes_nothing_from_it(bench: Bench) -> None:
    for _ in range(2):
        bench.run(select=["safety"])
        assert bench.entries() == []


def test_internal_errors_are_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from modlint_rules.numbers.non_finite import NonFinite

    def failing(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(NonFinite, "check", failing)
    assert bench.run().run.exit_code == 2
    assert bench.entries() == []


def test_what_is_written_while_it_is_checked_is_not_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def writing(path: Path, *rest: Any) -> Any:
        outcome = check_file(path, *rest)
        save_file({"fc.weight": torch.full((4, 4), float("nan"))}, path)
        return outcome

    monkeypatch.setattr("modlint.engine.cache.checks.check_file", writing)
    assert not bench.run(bench.folder / "a.safetensors").findings
    assert bench.entries() == []


def test_damaged_entries_are_ignored(bench: Bench) -> None:
    first = bench.run()
    for damage in (b"", b"x" * 100, None):
        for entry in bench.entries():
            data = bytearray(entry.read_bytes())
            data[len(data) // 2] ^= 1
            entry.write_bytes(bytes(data) if damage is None else damage)
        assert _plain(bench.run()) == _plain(first)
        assert len(bench.checked) == 2


def test_a_folder_that_others_may_write_is_not_used(bench: Bench) -> None:
    bench.run()
    (bench.cache / "entries-1").chmod(0o777)
    bench.run()
    assert len(bench.entries()) == 2
    assert bench.checked == []  # it was checked without the cache


def test_the_oldest_go_first_where_there_are_too_many(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path / "cache")
    assert folder.usable()
    for i in range(10):
        key = f"{i:040x}"[::-1]
        folder.write(key, bytes(1000))
        os.utime(folder.path / "entries-1" / key[:2] / key[2:], (i, i))
    folder.prune(most=5000)
    assert [folder.read(f"{i:040x}"[::-1]) is not None for i in range(10)] == [False] * 6 + [
        True
    ] * 4
    assert folder.clear() == (4, 4000)
    assert not folder.path.exists()


def test_clear_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    folder = CacheFolder(tmp_path)
    assert folder.usable()
    folder.write("0" * 40, b"x")
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_file_that_a_check_opens_is_told(shared: Path, tmp_path: Path) -> None:
    """What is opened or listed, as the interpreter's audit tells it, is what was looked at."""
    script = Path(__file__).parent / "told_looks.py"
    done = subprocess.run(
        [sys.executable, script, shared / "reports" / "practice"], capture_output=True, text=True
    )
    assert done.stdout == "", done.stdout[:2000]
    assert done.returncode == 0, done.stderr


def test_nobody_listens_after_a_run(bench: Bench) -> None:
    bench.run()
    assert listeners == []
    shutil.rmtree(bench.cache)
