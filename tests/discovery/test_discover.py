"""From paths to files."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modlint.discovery.content import sought_by
from modlint.discovery.discover import Discovery, Search
from modlint.discovery.discover import discover as search_for
from modlint.engine.registry import load_registry

HOLDS_CHECKPOINT = sought_by(load_registry().readers)


def discover(
    paths: list[Path],
    excludes: Callable[[Path], bool] = lambda path: False,
    *,
    everything: bool = False,
) -> Discovery:
    return search_for(paths, Search(HOLDS_CHECKPOINT, excludes, everything))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "b.pt",
        "a.safetensors",
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/notes.txt",
        "sub/pytorch_model.bin",
        ".hidden/d.pt",
        "__pycache__/e.pt",
        "dir.pt/f.pt",
        "UPPER.PT",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root).as_posix() for file in files]


def test_folders_are_searched_in_order(tree: Path) -> None:
    found = discover([tree])
    assert names(found.files, tree) == [
        "UPPER.PT",
        "a.safetensors",
        "b.pt",
        "dir.pt/f.pt",
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/pytorch_model.bin",
    ]


def test_what_is_named_is_checked_once_whatever_its_name(tree: Path) -> None:
    notes = tree / "sub" / "notes.txt"
    found = discover([notes, tree / "b.pt", tree / "b.pt"], lambda path: True)
    assert found.files == [notes, tree / "b.pt"]


def test_exclusion_holds_in_folders(tree: Path) -> None:
    found = discover([tree / "sub"], lambda path: path.suffix == ".onnx")
    assert names(found.files, tree) == ["sub/model.pth.tar", "sub/pytorch_model.bin"]


def test_missing_paths_are_reported(tree: Path) -> None:
    found = discover([tree / "nowhere.pt", tree / "b.pt"])
    assert found.missing == [tree / "nowhere.pt"]
    assert found.files == [tree / "b.pt"]


def test_a_broken_link_is_a_file_to_report_on(tmp_path: Path) -> None:
    link = tmp_path / "model.pt"
    link.symlink_to(tmp_path / "gone.pt")
    assert discover([link]).files == [link]


def test_patterns_are_expanded(tree: Path) -> None:
    found = discover([tree / "*.pt", tree / "**" / "*.onnx"])
    assert names(found.files, tree) == ["b.pt", "dir.pt/f.pt", "sub/c.onnx"]


def test_pattern_without_a_match_is_missing(tree: Path) -> None:
    found = discover([tree / "*.ckpt"])
    assert found.missing == [tree / "*.ckpt"]


def test_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a[1].pt"
    path.write_bytes(b"x")
    assert discover([path]).files == [path]


def test_ignored_files_of_a_repository_are_passed_over(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("*.pt\n!/b.pt\n/sub/*.onnx\n")
    (tree / "sub" / ".gitignore").write_text("!c.onnx\n*.bin\n")

    found = discover([tree])

    assert names(found.files, tree) == [
        "UPPER.PT",
        "a.safetensors",
        "b.pt",
        "sub/c.onnx",
        "sub/model.pth.tar",
    ]


def test_ignored_folder_that_is_named_is_searched(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("sub/\nb.pt\n")

    assert not any("sub" in file.parts for file in discover([tree]).files)
    found = discover([tree / "sub", tree / "b.pt"])
    assert names(found.files, tree) == [
        "sub/c.onnx",
        "sub/model.pth.tar",
        "sub/pytorch_model.bin",
        "b.pt",
    ]


def test_gitignore_outside_of_a_repository_says_nothing(tree: Path) -> None:
    (tree / ".gitignore").write_text("*\n")
    assert len(discover([tree]).files) == 7


def test_indexes_and_metadata_are_found(tmp_path: Path) -> None:
    for name in (".metadata", "a.distcp", "model.safetensors.index.json", "vocab.json", "a.pkl"):
        (tmp_path / name).write_bytes(b"x")
    found = discover([tmp_path])
    assert names(found.files, tmp_path) == [
        ".metadata",
        "a.distcp",
        "a.pkl",
        "model.safetensors.index.json",
    ]
    assert found.unsure == set()
    assert found.others == 1


def write_torch(path: Path) -> None:
    torch.save({"w": torch.ones(3)}, path)


def write_legacy(path: Path) -> None:
    torch.save({"w": torch.ones(3)}, path, _use_new_zipfile_serialization=False)


def write_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def write_pickle(protocol: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(pickle.dumps({"a": [1, 2]}, protocol))

    return write


def write_compressed(path: Path) -> None:
    path.write_bytes(gzip.compress(pickle.dumps({"a": 1})))


WRITERS: dict[str, Callable[[Path], None]] = {
    "weights.dat": write_torch,
    "weights": write_legacy,
    "weights.txt": lambda path: save_file({"w": torch.ones(3)}, path),
    "array.data": write_array,
    "state.zip": write_torch,
    "history.log": write_compressed,
    **{f"protocol{number}.cfg": write_pickle(number) for number in range(6)},
}


@pytest.mark.parametrize("name", WRITERS)
def test_content_decides_whatever_the_name(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    (tmp_path / "notes.md").write_text("# Notes\n\nimport this\n")
    found = discover([tmp_path])
    assert names(found.files, tmp_path) == [name]
    assert found.unsure == {tmp_path / name}
    assert found.others == 1


@pytest.mark.parametrize(
    "name",
    ["a.nemo", "a.keras", "a.gguf", "a.npy", "a.h5", "a.model", "a.pkl.gz", "a.bin.1", "a.pt.zst"],
)
def test_a_name_that_promises_a_checkpoint_is_enough(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"what is this")
    found = discover([tmp_path])
    assert names(found.files, tmp_path) == [name]
    assert found.unsure == {tmp_path / name}


def test_configurations_around_a_checkpoint_are_found(tmp_path: Path) -> None:
    texts = {
        "configs/inference.json": '{"net": {"_target_": "scripts.net.Net"}}',
        "scripts/net.py": "",
        "scripts/plot.py": "",
        "models/serving.json": "{}",
        "models/tokenizer.json": "{}",
        "models/large.json": " " * (17 << 20),
        "models/io.json": " " * (17 << 20),
        "elsewhere/deep/inference.json": "{}",
        "triton/config.pbtxt": 'backend: "python"',
        "triton/1/model.py": "",
        "triton/1/client.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    save_file({"w": torch.ones(3)}, tmp_path / "models/model.safetensors")
    assert sorted(names(discover([tmp_path]).files, tmp_path)) == [
        "configs/inference.json",
        "models/io.json",
        "models/model.safetensors",
        "models/serving.json",
        "models/tokenizer.json",
        "scripts/net.py",
        "triton/1/model.py",
        "triton/config.pbtxt",
    ]


def test_what_loaders_read_along_with_a_checkpoint_is_found(tmp_path: Path) -> None:
    for name in ("config.json", "modeling_x.py", "extra.jinja", "README.md", "vocab.json"):
        (tmp_path / name).write_text("{}")
    folder = tmp_path / "additional_chat_templates"
    folder.mkdir()
    (folder / "rag.jinja").write_text("{}")
    assert names(discover([tmp_path]).files, tmp_path) == [
        "config.json",
        "additional_chat_templates/rag.jinja",
    ]
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    assert names(discover([tmp_path]).files, tmp_path) == [
        "config.json",
        "extra.jinja",
        "model.safetensors",
        "modeling_x.py",
        "additional_chat_templates/rag.jinja",
    ]


HEALTHY = {
    "train.py": "import modeling_x\n",
    "utils.py": "",
    "src/train.py": "",
    ".github/ci.yml": "on: push\n",
    "conf/model.yaml": "_target_: src.net.Net\n",
    "mkdocs.yml": "",
}
LOADED = {
    "config.json": '{"auto_map": {"AutoModel": "mine.Net"}, "x": "utils.py train"}',
    "mine.py": "from .helper import (\n  a,\n)\nfrom . import more\n",
    "helper.py": "",
    "more.py": "",
    "modeling_x.py": "",
    "handler.py": "",
    "hyperparams.yaml": "",
    "code/inference.py": "",
    "code/a/b.py": "",
    "modules.json": '[{"idx": 0, "path": "", "type": "sub/\\u0065vil.Cls"}]',
    "sub/evil.py": "",
}


def write_all(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_code_that_a_folder_s_indexes_name_is_found_and_scripts_are_not(tmp_path: Path) -> None:
    write_all(tmp_path, HEALTHY | LOADED | {"sub/other.py": ""})
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    found = set(names(discover([tmp_path]).files, tmp_path)) - {"model.safetensors", "mkdocs.yml"}
    assert found == set(LOADED)


def test_a_repository_without_checkpoints_is_not_looked_at(tmp_path: Path) -> None:
    write_all(tmp_path, HEALTHY | {"handler.py": "", "config.yaml": "", "code/x.py": ""})
    assert discover([tmp_path]).files == []


def test_settings_of_a_training_lie_above_its_checkpoints(tmp_path: Path) -> None:
    write_all(tmp_path, HEALTHY | {"config.yaml": "", "hparams.yaml": ""})
    (tmp_path / "checkpoints").mkdir()
    write_torch(tmp_path / "checkpoints" / "last.ckpt")
    assert names(discover([tmp_path]).files, tmp_path)[:2] == ["config.yaml", "hparams.yaml"]
    assert len(discover([tmp_path]).files) == 3


def test_a_model_of_mlflow_is_searched_whole(tmp_path: Path) -> None:
    write_all(tmp_path, {"m/MLmodel": "", "m/lib/evil.py": "", "other.py": "", "m/data/x.txt": ""})
    assert names(discover([tmp_path]).files, tmp_path) == ["m/MLmodel", "m/lib/evil.py"]


def test_compiled_code_is_found_where_its_source_would_be(tmp_path: Path) -> None:
    files = ("m/MLmodel", "m/code/a.pyc", "m/code/b.cpython-311-x86_64-linux-gnu.so")
    write_all(
        tmp_path, dict.fromkeys((*files, "m/code/__pycache__/c.cpython-311.pyc", "x.pyc"), "")
    )
    assert names(discover([tmp_path]).files, tmp_path) == list(files)
    everything = names(discover([tmp_path], everything=True).files, tmp_path)
    assert set(everything) == {*files, "m/code/__pycache__/c.cpython-311.pyc"}


def test_modules_are_found_whatever_their_names_and_imports_are(tmp_path: Path) -> None:
    written = {
        "config.json": '{"x": "a \\"b\\" c", "auto_map": {"AutoModel": "my net.Net"}}',
        "my net.py": "from . import (x, # :)\n  later)\nfrom \\\n .joined import a\n"
        "from .\uff45vil import b\n",
        "later.py": "",
        "joined.py": "",
        "evil.py": "",
        "native.so": "",
        "__pycache__/evil.cpython-311.pyc": "",
    }
    write_all(tmp_path, written | {"handler.py": "import native", "other.py": "", "other.so": ""})
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    found = set(names(discover([tmp_path], everything=True).files, tmp_path))
    cached = "__pycache__/evil.cpython-311.pyc"
    assert found == {*written, "handler.py", "model.safetensors"} - {cached}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("./" * 400 + "evil.py", "evil.py"),
        ("\U0001d52avil.C", "\U0001d52avil.py"),
        ('e"vil.C', 'e"vil.py'),
        ("e\\vil.py", "e\\vil.py"),
        ("e\tvil.C", "e\tvil.py"),
        ("my code/evil.py", "my code/evil.py"),
    ],
)
def test_modules_are_found_by_the_names_that_json_stands_for(
    tmp_path: Path, value: str, name: str
) -> None:
    write_all(
        tmp_path, {"config.json": json.dumps({"model_file": value}), name: "", "other.py": ""}
    )
    save_file({"w": torch.ones(3)}, tmp_path / "model.safetensors")
    found = set(names(discover([tmp_path]).files, tmp_path))
    assert found == {"config.json", "model.safetensors", name}


def test_modules_of_an_unpacked_torch_package_are_found(tmp_path: Path) -> None:
    write_all(tmp_path, {"p/.data/extern_modules": "torch", "p/a/mod.py": "", "q/a/mod.py": ""})
    assert names(discover([tmp_path]).files, tmp_path) == ["p/a/mod.py"]


def test_links_into_a_repository_are_followed_where_everything_is_searched(tmp_path: Path) -> None:
    (tmp_path / ".git" / "d").mkdir(parents=True)
    write_torch(tmp_path / ".git" / "d" / "m.pt")
    (tmp_path / "head").symlink_to(".git/d")
    (tmp_path / ".git" / "d" / "again").symlink_to("..")
    assert discover([tmp_path]).files == []
    found = discover([tmp_path], everything=True).files
    assert names(found, tmp_path) == ["head/m.pt", "head/again/d/m.pt"]


def test_a_hub_cache_is_checked_by_its_links(tmp_path: Path) -> None:
    model = tmp_path / "models--a--b"
    (model / "blobs").mkdir(parents=True)
    (model / "snapshots" / "main").mkdir(parents=True)
    save_file({"w": torch.ones(3)}, model / "blobs" / "0a1b")
    write_torch(model / "blobs" / "unlinked")
    link = model / "snapshots" / "main" / "model.safetensors"
    link.symlink_to("../../blobs/0a1b")

    found = discover([tmp_path])

    assert names(found.files, model) == ["blobs/unlinked", "snapshots/main/model.safetensors"]


def test_what_is_passed_over_is_counted(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("/sub/\nb.pt\n")
    found = discover([tree], lambda path: path.name == "UPPER.PT").passed_over
    assert (found.ignored_files, found.ignored_folders, found.excluded) == (1, 1, 1)
    assert found.sentence("modlint.toml") == (
        "passed over: 1 file and 1 folder that git ignores, 2 hidden folders (.git, .hidden), "
        "1 package folder (__pycache__), 1 file excluded by modlint.toml; name them to check them"
    )


def test_where_nothing_is_passed_over_nothing_is_said(tree: Path) -> None:
    assert discover([tree / "sub"]).passed_over.sentence("") is None


def test_everything_is_all_but_the_repository_and_what_the_user_excludes(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".git" / "g.pt").write_bytes(b"x")
    (tree / ".gitignore").write_text("*.pt\n")
    found = discover([tree], lambda path: path.suffix == ".onnx", everything=True)
    assert names(found.files, tree) == [
        "UPPER.PT",
        "a.safetensors",
        "b.pt",
        ".hidden/d.pt",
        "__pycache__/e.pt",
        "dir.pt/f.pt",
        "sub/model.pth.tar",
        "sub/pytorch_model.bin",
    ]
    assert found.passed_over.hidden == [".git"]


def test_files_that_cannot_be_opened_are_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("gone")
    found = discover([tmp_path])
    assert found.files == []
    assert found.passed_over.unopened == 2
    assert len(discover([tmp_path], everything=True).files) == 2


def test_source_trees_are_searched_quickly(tmp_path: Path) -> None:
    source = Path(__file__).read_text()
    for number in range(1000):
        (tmp_path / f"module_{number}.py").write_text(source[number % 500 : number % 500 + 4000])
    started = time.process_time()
    found = discover([tmp_path])
    seconds = time.process_time() - started
    assert (found.files, found.others) == ([], 1000)
    assert seconds < 0.5


def test_links_to_files_are_followed_and_to_folders_are_not(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    (tree / "sub" / "link.pt").symlink_to(tree / "b.pt")

    found = discover([tree / "sub"])

    assert names(found.files, tree)[1] == "sub/link.pt"
    assert len(found.files) == 4


def test_unreadable_folder_is_reported(tree: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tree / "sub").chmod(0)
    try:
        (problem,) = discover([tree]).unsearched
    finally:
        (tree / "sub").chmod(0o755)
    assert problem[0] == tree / "sub"
