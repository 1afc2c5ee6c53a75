"""Cases of SEC008."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import onnx_models
import torch
import zip_tricks
from rule_cases import Case, Expected
from safetensors.torch import save_file

TOKEN = "hf_" + "aB3" * 12
KEY = "AKIA" + "ABCDEFGH23456723"


def metadata(**texts: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        save_file({"w": torch.ones(2)}, folder / "model.safetensors", metadata=texts)
        return folder / "model.safetensors"

    return write


def arguments(folder: Path) -> Path:
    content = {
        "model": {"w": torch.ones(2)},
        "args": argparse.Namespace(data="/home/ada/data/train"),
    }
    torch.save(content, folder / "model.pt")
    return folder / "model.pt"


class Printing(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("seen", 1)  # noqa: T201
        return x


def printing(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", Printing())


def unknown(folder: Path) -> Path:
    path = folder / "model.bin"
    path.write_bytes(bytes([1, 2, 3, 250] * 20))
    return path


class Tokened(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.dim() > 1, "hf_aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3"
        return x


def tokened(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", Tokened())


def named(folder: Path) -> Path:
    save_file({"/home/ada/data.w": torch.ones(2)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def scripted(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", torch.nn.Linear(2, 2))


def documented(folder: Path) -> Path:
    made = onnx_models.model(onnx_models.node("Relu", "x", "y"))
    made.graph.input[0].doc_string = "x; os.system('id')"
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    return folder / "model.onnx"


def holds(what: str, severity: str = "warning", message: str = "") -> tuple[Expected, ...]:
    return (Expected("fail", severity, values={"what": what}, message=message),)


def pickled(content: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


def nested(depth: int, leaf: object) -> object:
    for level in range(depth):
        leaf = {f"level{level}": leaf} if level % 2 else [leaf]
    return leaf


LIGHTNING = {
    "state_dict": {"w": torch.ones(2)},
    "callbacks": {
        "ModelCheckpoint": {
            "best_model_path": "/home/ada/runs/best.ckpt",
            "best_model_score": torch.tensor(0.5),
        }
    },
}

CASES = (
    Case(
        "a text that shares a dict with a tensor",
        pickled(LIGHTNING),
        holds("a path in somebody's home folder", message="/home/ada/runs/best.ckpt"),
    ),
    *(
        Case(
            f"a text {depth} levels deep",
            pickled({"w": torch.ones(2), "hparams": nested(depth, {"token": TOKEN})}),
            holds("a Hugging Face token"),
        )
        for depth in (1, 4, 60)
    ),
    Case(
        "a text in an object beside a tensor",
        pickled({"w": torch.ones(2), "args": argparse.Namespace(t=torch.ones(1), path=KEY)}),
        holds("an AWS access key"),
    ),
    Case(
        "ordinary metadata passes",
        metadata(
            format="pt",
            license="https://www.apache.org/licenses/LICENSE-2.0",
            description="evaluate(model) after os.path.join; executes on /home page; sk-learn",
            commit="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        (Expected("pass", target=("file", "model.safetensors")),),
    ),
    Case("a token", metadata(user=TOKEN), holds("a Hugging Face token", message="hf_a…")),
    Case("an access key", metadata(env=f"key={KEY}"), holds("an AWS access key")),
    Case(
        "a private key",
        metadata(k="-----BEGIN RSA PRIVATE KEY-----\nMII"),
        holds("a private key"),
    ),
    Case("a home folder", arguments, holds("a path in somebody's home folder", "warning", "ada")),
    Case(
        "code that starts programs is an error",
        metadata(info="x; os.system('id')"),
        holds("Python code that starts programs", "error", "os.system("),
    ),
    Case("shell commands", metadata(setup="rm -rf /tmp/x"), holds("shell commands")),
    Case("a script", metadata(page="<script>alert(1)</script>"), holds("a script")),
    Case(
        "a URL to call",
        metadata(callback_url="http://example.org/x"),
        holds("a URL to fetch or to call"),
    ),
    Case(
        "code in the doc string of an input of an ONNX model",
        documented,
        holds("Python code that starts programs", "error", "doc string of value 'x'"),
    ),
    Case(
        "TorchScript that prints",
        printing,
        holds("code that prints"),
    ),
    Case("TorchScript that holds a token", tokened, holds("a Hugging Face token")),
    Case(
        "a secret behind many others and behind a long text",
        metadata(**{f"k{number}": "x" for number in range(2_000)}, z="-" * 500_000 + TOKEN),
        holds("a Hugging Face token", message="metadata 'z'"),
    ),
    Case(
        "a key",
        metadata(**{TOKEN: "x"}),
        holds("a Hugging Face token", message="a key of the metadata"),
    ),
    Case(
        "the name of a tensor",
        named,
        holds("a path in somebody's home folder", message="a tensor's name"),
    ),
    Case(
        "what was cut is not passed",
        metadata(**{f"k{number}": "x" for number in range(100_001)}),
        (Expected("inconclusive", message="only the first 100,000 texts"),),
    ),
    Case("bytes of no format are FMT001's", unknown, ()),
    Case("TorchScript that computes passes", scripted, (Expected("pass"),)),
)
