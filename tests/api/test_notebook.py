"""What notebooks show: everything that is measured, readable, and text whatever names hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import modlint
from modlint.notebook import elements, pictures
from modlint.notebook.elements import table

HOSTILE = "</title><script>alert(1)</script>&\u202e.weight"


def parsed(html: str) -> ElementTree.Element:
    """The HTML, which must be well-formed."""
    return ElementTree.fromstring(f"<main>{html}</main>")


def words(html: str) -> str:
    return " ".join(" ".join(parsed(html).itertext()).split())


def network(prefix: str = "fc", seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    sizes = ((24, 16), (24, 24), (8, 24))
    return {
        f"{prefix}{i}.weight": random.standard_normal(size, dtype=np.float32)
        for i, size in enumerate(sizes)
    }


def test_a_network_stands_among_its_shuffles() -> None:
    options = {"not-clusterable": {"shuffles": 20, "clusters": 3}}
    report = modlint.check(network(), select="CLU001", rules=options)
    tree = parsed(report._repr_html_())
    (svg,) = tree.iter("svg")
    heights = [float(bar.attrib["height"]) for bar in svg.iter("rect")]
    assert 1 <= len(heights) <= 20
    assert len(list(svg.iter("line"))) == 1
    (verdict,) = report.to_dict()["files"][0]["verdicts"]
    assert f"this network, {verdict['values']['ncut']:.4g}" in "".join(svg.itertext())


def test_measurements_stand_beside_their_limits() -> None:
    weights = network()
    weights["fc1.weight"][:6] = 0
    report = modlint.check(weights, select="NEU001")
    (details,) = parsed(report._repr_html_()).iter("details")
    rows = [[("".join(c.itertext())) for c in row] for row in details.iter("tr")]
    assert rows[0][-2:] == ["value", "limit"]
    by_layer = {row[2]: row for row in rows[1:]}
    assert by_layer["fc1"][0] == "✖"
    assert by_layer["fc1"][-2:] == ["0.25", "≤ 0.1"]
    assert by_layer["fc0"][0] == "✔"


def test_a_difference_says_what_got_worse() -> None:
    old = network()
    new = {name: values.astype(np.float16) for name, values in old.items()}
    new["fc1.weight"][2, 3] = np.inf
    del new["fc2.weight"]
    found = modlint.diff(old, new, select="NUM")
    shown = words(found._repr_html_())
    assert f"{found.relation} : " in shown
    assert "failed" in shown
    assert all(regression.message in shown for regression in found.regressions)
    assert "dropped: fc2.weight" in shown
    same = words(modlint.diff(old, old, select="NUM")._repr_html_())
    assert "passed 0 regressions" in same
    assert "kept: 3 identical" in same


def test_clusters_divide_each_layer() -> None:
    found = modlint.clusters(network(), clusters=3, shuffles=5)
    picture, _ = parsed(found._repr_html_()).iter("svg")
    layers = found.networks[0].labels
    drawn = "".join(picture.itertext())
    assert all(layer in drawn for layer in layers)
    wanted = sum(len(set(labels)) for labels in layers.values())
    assert len(list(picture.iter("rect"))) == wanted


def test_a_network_is_shown_with_its_layers() -> None:
    shown = words(modlint.inspect(network())._repr_html_())
    assert "fc0 linear 24×16 24 input" in shown
    assert "activation" not in shown, "an empty column"


def test_many_rows_are_folded_and_cut() -> None:
    many = {f"w{i}": np.ones((2, 2)) for i in range(250)}
    shown = modlint.inspect(many)._repr_html_()
    (details,) = parsed(shown).iter("details")
    assert "and 50 more rows" in "".join(details.itertext())


@pytest.mark.parametrize("kind", ["check", "inspect", "clusters", "diff"])
def test_names_are_text(kind: str) -> None:
    weights = network(HOSTILE)
    for values in weights.values():
        values[0, 0] = np.nan if kind in ("check", "diff") else 1
    found: Mapping[str, Any] = {
        "check": lambda: modlint.check(weights, select="NUM,NEU"),
        "inspect": lambda: modlint.inspect(weights),
        "clusters": lambda: modlint.clusters(weights, clusters=3, shuffles=2),
        "diff": lambda: modlint.diff(network(HOSTILE, seed=1), weights, select="NUM"),
    }
    html = found[kind]()._repr_html_()
    assert not list(parsed(html).iter("script"))
    assert "\u202e" not in html
    assert "script" in words(html)
    assert not re.search(r"(src|href)=", html)


def test_an_empty_table_has_no_column() -> None:
    assert words(table(("a", "b"), ())) == ""
    assert words(table(("a", "#b"), [("1", "")])) == "a 1"


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", [*elements._GROUNDS.values(), *pictures._HUES])
def test_white_is_read_on_every_ground(ground: str) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5."""
    assert 1.05 / (luminance(ground) + 0.05) >= 4.5
