"""The oracle against the truth that was written by hand for networks that mislead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from truth.graph import Edges
from truth.oracle import measure
from truth.zoo import ZOO, built

NAMES = [name for name, architecture in ZOO.items() if architecture.group == "misleading"]


@pytest.mark.parametrize("name", NAMES)
def test_the_oracle_measures_what_is_written(name: str, shared: Path) -> None:
    written = json.loads((shared / "reports/networks/TRUTH.json").read_text())[name]["edges"]
    expected: Edges = {(e["from"], e["to"]): {(c, k) for c, k in e["columns"]} for e in written}
    assert measure(*built(ZOO[name])).required == expected
