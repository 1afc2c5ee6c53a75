"""Cases of SEC003."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
import zip_tricks
from rule_cases import Case, Expected
from safetensors.torch import save_file


class FromFile(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/tmp/never-written", True, 4).sum()


def scripted(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", torch.nn.Linear(2, 2))


def reading(folder: Path) -> Path:
    return zip_tricks.torchscript(folder / "model.pt", FromFile())


def text(name: str, content: object) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        written = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(written, encoding="utf-8")
        return folder / name

    return write


def metadata(**texts: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        save_file({"w": torch.ones(2)}, folder / "model.safetensors", metadata=texts)
        return folder / "model.safetensors"

    return write


def mar(handler: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save({"w": torch.ones(2)}, folder / "model.pt")
        with zipfile.ZipFile(folder / "model.mar", "w") as archive:
            archive.writestr(
                "MAR-INF/MANIFEST.json", json.dumps({"model": {"handler": "handler.py"}})
            )
            archive.writestr("handler.py", handler)
            archive.write(folder / "model.pt", "model.pt")
        return folder / "model.mar"

    return write


def told(kind: str, severity: str, message: str = "") -> tuple[Expected, ...]:
    return (Expected("fail", severity, values={"kind": kind}, message=message),)


PASS = (Expected("pass", message="carries no code that a loader runs"),)

CASES = (
    Case("TorchScript that computes passes", scripted, PASS),
    Case(
        "TorchScript that reads a file",
        reading,
        told("acting-operator", "error", "aten::from_file"),
    ),
    Case(
        "a server's handler that computes is a note",
        mar("def handle(data, context):\n    return data\n"),
        told("python-code", "note", "TorchServe"),
    ),
    Case(
        "a server's handler that starts a program",
        mar("import os as o\n\ngetattr(o, 'sys' + 'tem')('echo')\n"),
        (
            Expected(
                "fail",
                "warning",
                target=("member", "handler.py"),
                values={"kind": "acting-code"},
                message="os.system",
            ),
        ),
    ),
    Case("ordinary metadata passes", metadata(format="pt", config='{"lr": 0.1}'), PASS),
    Case(
        "a callable of the standard library",
        metadata(config='{"\\u005ftarget_": "os.system", "command": "echo"}'),
        told("acting-callable", "error", "os.system"),
    ),
    Case(
        "a callable of a package is a note",
        metadata(config='{"_target_": "my.models.Net"}'),
        told("callable-name", "note", "my.models.Net"),
    ),
    Case(
        "an attention kernel of a foreign repository is an error",
        text("config.json", {"_attn_implementation_internal": "attacker/kernel"}),
        told("foreign-kernel", "error", "attacker/kernel"),
    ),
    Case(
        "a template that reaches beyond its data",
        text("tokenizer_config.json", {"chat_template": "{{ ''.__class__ }}"}),
        told("acting-template", "warning", "__class__"),
    ),
    Case(
        "a model's own code that acts",
        text("modeling_x.py", "import subprocess\nsubprocess.run('echo')\n"),
        told("acting-code", "warning", "subprocess"),
    ),
    Case(
        "a Lambda layer",
        text("config.json", {"class_name": "Lambda", "config": {"function": ["4wEA", None, None]}}),
        told("lambda-layer", "warning"),
    ),
)
