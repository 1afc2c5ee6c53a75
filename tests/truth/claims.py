"""What modlint claims of a file: `inspect --output-format json --edges`, read in one place."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modlint import cli
from truth.comparing import Claim
from truth.graph import Edges, add

ClaimedEdges = Callable[[Path], Claim]


class NoEdgesYet(Exception):
    """This modlint has no `inspect --edges`."""


def claimed_edges(path: Path) -> Claim:
    """The claim for a file or folder, without what modlint itself calls a guess (confidence low).

    Raises:
        NoEdgesYet: `inspect` has no such option.
        ValueError: modlint fails on the file.
    """
    return claim_of(document(path))


def document(path: Path) -> dict[str, Any]:
    """The JSON document that `inspect` writes for a file or folder."""
    out, err = io.StringIO(), io.StringIO()
    command = ["inspect", str(path), "--output-format", "json", "--edges"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(command)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    if code == cli.WRONG_USAGE and "--edges" in err.getvalue():
        raise NoEdgesYet(err.getvalue())
    if not out.getvalue():
        raise ValueError(f"inspect ends with {code}: {err.getvalue()[-300:]}")
    found = json.loads(out.getvalue())
    return found if isinstance(found, dict) else {"files": found}


def claim_of(document: dict[str, Any]) -> Claim:
    """The claim in a document: edges, tensors of layers, and what is unplaced."""
    edges: Edges = {}
    placed: set[str] = set()
    for part in [document, *document.get("files", ())]:
        for network in part.get("networks", ()):
            if (network.get("reason") or "").startswith("internal error"):
                raise ValueError(network["reason"])
            if network.get("confidence") == "low":
                continue
            placed |= {t for layer in network.get("layers", ()) for t in layer.get("tensors", ())}
            for edge in network.get("edges") or ():
                if edge.get("confidence") == "low":
                    continue
                placed.add(edge["to"])
                if edge["from"] is not None:
                    placed.add(edge["from"])
                    add(edges, (edge["from"], edge["to"]), map(tuple, edge["columns"]))
    unplaced = {
        u["tensor"]: u["reason"]
        for part in [document, *document.get("files", ())]
        for u in part.get("unplaced", ())
    }
    return Claim(edges, placed - set(unplaced), unplaced)


def available(folder: Path) -> bool:
    """Whether this modlint has `inspect --edges`."""
    import torch

    path = folder / "probe.pt"
    torch.save({"weight": torch.ones(2, 2)}, path)
    try:
        document(path)
    except NoEdgesYet:
        return False
    return True
