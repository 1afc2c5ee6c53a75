"""Cases of FMT020; tests/rules/format/test_planted_digests.py has one of each kind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected

OTHER = hashlib.sha256(b"other").hexdigest()


def saved(name: str = "net.pth", beside: str = "", text: str = "", folders: str = "") -> Any:
    """A file, and what states its digest: `{}` in a name or text stands for the right one."""

    def write(folder: Path) -> Path:
        place = folder / folders
        place.mkdir(parents=True, exist_ok=True)
        torch.save({"w": torch.arange(9.0)}, place / "net")
        digest = hashlib.sha256((place / "net").read_bytes()).hexdigest()
        path = (place / "net").rename(place / name.format(digest[:8]))
        if beside:
            (place / beside).write_text(text.format(digest))
        return path

    return write


def fails(severity: str, confidence: str, message: str) -> tuple[Expected, ...]:
    values = {"algorithm": "sha256"}
    return (Expected("fail", severity, confidence, None, values, message),)


HUB = "hub/checkpoints"

CASES = (
    Case("nothing states a digest", saved(), (Expected("not-applicable"),)),
    Case("the right content passes", saved(beside="SHA256SUMS", text="{}  net.pth\n"),
         (Expected("pass", values={"compared": 1}, message="SHA256SUMS"),)),
    Case("other content", saved(beside="net.pth.sha256", text=OTHER),
         fails("error", "high", "net.pth.sha256 says")),
    Case("a name in torch hub's folder", saved(f"net-{OTHER[:8]}.pth", folders=HUB),
         fails("error", "high", "its name says")),
    Case("a name elsewhere", saved(f"net-{OTHER[:8]}.pth"),
         fails("warning", "low", "its name says")),
    Case("the right name passes", saved("net-{}.pth"), (Expected("pass"),)),
    Case("a date", saved("net-20230101.pth", folders=HUB), (Expected("not-applicable"),)),
    Case("one of two lines is right",
         saved(beside="SHA256SUMS", text=f"{OTHER}  net.pth\n{{}}  net.pth\n"),
         (Expected("pass"),)),
)  # fmt: skip
