"""The page for browsers, as a parser of HTML sees it."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import sys
from xml.etree.ElementTree import Element

import html5lib
import msgspec
import pytest
from html_pages import difference, drawings, report, rule, written
from report_parts import EVIL, file_report, report_of, verdict

from modlint.difference import Difference
from modlint.drawings import Drawings, DrawnLayer, DrawnNetwork, DrawnPanel
from modlint.errors import UsageError
from modlint.folded import folded
from modlint.report import Report
from modlint.reporter import Shown
from modlint.verdict import Persona, Severity, Target
from modlint_plugins.reporters.html.layers import alike, as_layers, drawing_of, signature
from modlint_plugins.reporters.html.page import from_markdown

Shape = list[tuple[str, tuple[str, ...]]]


def parsed(text: str) -> Element:
    found: Element = html5lib.parse(text, namespaceHTMLElements=False)
    return found


def shape(text: str) -> Shape:
    """Every element with the names of its attributes, in the document's order."""
    return [(str(e.tag), tuple(sorted(e.attrib))) for e in parsed(text).iter()]


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("make", [report, difference])
def test_no_text_adds_an_element_or_an_attribute(
    make: type[Report] | type[Difference], text: str
) -> None:
    page = written(make(text))  # type: ignore[call-arg, arg-type]
    assert page.isascii()
    assert len(page) < 1_000_000
    assert shape(page) == shape(written(make("plain")))  # type: ignore[call-arg, arg-type]


def test_every_report_is_a_page_that_holds_what_was_found(case: tuple[str, Report]) -> None:
    _, made = case
    root = parsed(written(made, Shown(persona=Persona.AUDITOR)))
    rows = [row for row in root.iter("tr") if "data-severity" in row.attrib]
    assert len(rows) == sum(len(file.findings) for file in made.files)
    cards = {card[0].text: card[1].text for card in root.iter("div") if "card " in _class(card)}
    assert cards["errors"] == str(made.summary.error)
    assert cards["passed"] == str(made.summary.passed)


def _class(element: Element) -> str:
    return element.attrib.get("class", "") + " "


@pytest.mark.parametrize("made", [report("x"), difference("x")])
def test_the_policy_names_the_script_and_the_style_and_nothing_else(
    made: Report | Difference,
) -> None:
    root = parsed(written(made))
    (policy,) = [
        meta.attrib["content"]
        for meta in root.iter("meta")
        if meta.attrib.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(part.split(" ", 1) for part in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag in ("script", "style"):
        (element,) = root.iter(tag)
        digest = hashlib.sha256((element.text or "").encode()).digest()
        assert rules[f"{tag}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"


@pytest.mark.parametrize("made", [report("x"), difference("x")])
def test_nothing_comes_from_elsewhere(made: Report | Difference) -> None:
    for element in parsed(written(made)).iter():
        assert element.tag not in ("link", "iframe", "object", "embed", "base")
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
        for name in ("src", "href", "{http://www.w3.org/1999/xlink}href"):
            address = element.attrib.get(name, "#")
            assert address.startswith(("#", "data:image/png;base64,"))


def test_every_link_within_the_page_leads_somewhere() -> None:
    root = parsed(written(report("x")))
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    links = {a.attrib["href"][1:] for a in root.iter("a")}
    assert links <= set(ids)
    assert {"rule-0", "rule-1", "file-0"} <= links


def test_rows_that_the_reader_did_not_ask_for_are_hidden() -> None:
    def hidden(shown: Shown) -> dict[str, bool]:
        root = parsed(written(report("x"), shown))
        rows = [row for row in root.iter("tr") if "data-rule" in row.attrib]
        return {row.attrib["data-rule"]: "hidden" in row.attrib for row in rows}

    regular = {"SEC001": False, "NUM001": False, "FMT010": True, "FMT004": True}
    assert hidden(Shown()) == regular
    assert not hidden(Shown(persona=Persona.PEDANTIC))["FMT010"]
    assert hidden(Shown(min_severity=Severity.ERROR))["NUM001"]


def test_a_rules_page_is_text_and_links_outward_alone() -> None:
    page = (
        "# SEC001 name\n\n<script>alert(1)</script> ![x](http://a/b.png)"
        "\n\n[out](https://example.org) [in](../other.md) [js](javascript:alert(1))"
    )
    root = parsed(str(from_markdown(page)))
    assert not list(root.iter("script"))
    assert not list(root.iter("img"))
    assert [a.attrib["href"] for a in root.iter("a") if a.text == "out"] == ["https://example.org"]
    hrefs = {a.attrib["href"] for a in root.iter("a")}
    assert all(href.startswith("http") for href in hrefs)
    assert "SEC001 name" not in "".join(root.itertext())


def test_an_address_of_a_rule_that_is_no_address_is_left_out() -> None:
    made = msgspec.structs.replace(report("x"), rules=(rule("NUM001", url="javascript:alert(1)"),))
    assert "javascript:" not in written(made)


@pytest.mark.parametrize("module", ["jinja2", "markdown_it"])
def test_what_is_not_installed_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"pip install 'modlint\[html\]'"):
        written(report("x"))


def block(index: int, prefix: str = "blocks") -> list[DrawnLayer]:
    """An attention block and its MLP, as a builder gives them."""
    stream, before = f"stream{index}", f"{prefix}.{index - 1}.up" if index else "embed"
    parts = (
        ("q", stream, "q", before),
        ("k", stream, "k", before),
        ("o", "q", "mid", f"{prefix}.{index}.q"),
        ("up", "mid", "", f"{prefix}.{index}.o"),
    )
    return [
        DrawnLayer(
            name=f"{prefix}.{index}.{name}",
            kind="linear",
            shape=(8, 8),
            source=source if source == stream else f"{source}{index}",
            target=f"{target}{index}" if target else f"stream{index + 1}",
            weight=f"{prefix}.{index}.{name}.weight",
            inputs=(behind,),
        )
        for name, source, target, behind in parts
    ]


def test_repeated_blocks_are_folded() -> None:
    first = DrawnLayer(
        name="embed", kind="linear", shape=(8, 4), source="in", target="stream0", weight="e"
    )
    last = msgspec.structs.replace(
        first, name="head", source="stream12", target="out", inputs=("blocks.11.up",)
    )
    layers = [first, *(layer for i in range(12) for layer in block(i)), last]
    assert [(len(run.items), len(run.copies)) for run in folded(layers, signature)] == [
        (1, 0),
        (4, 11),
        (1, 0),
    ]
    drawing = drawing_of(layers, {"blocks.0.up.weight": Severity.ERROR})
    assert [frame.times for frame in drawing.frames] == [12]
    assert len(drawing.boxes) == 6
    assert not drawing.left_out
    q, k = drawing.boxes[1:3]
    assert q.y == k.y
    assert len(drawing.edges) == 5  # embed → q, k; q → o → up; up → head
    assert [box.severity for box in drawing.boxes] == ["", "", "", "", "error", ""]
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - 190
        assert 0 <= box.y <= drawing.height - 46


def test_alike_networks_are_drawn_once() -> None:
    networks = [DrawnNetwork(id=f"blocks.{i}", layers=tuple(block(i))) for i in range(4)]
    other = DrawnNetwork(id="head", layers=tuple(block(0, "head")))
    assert [[n.id for n in group] for group in alike([*networks, other])] == [
        [f"blocks.{i}" for i in range(4)],
        ["head"],
    ]


def test_layers_of_which_only_names_are_known_have_no_edges() -> None:
    drawing = drawing_of(as_layers(drawings("a.b", 5).tensors), {})
    assert not drawing.edges
    assert drawing.frames[0].times == 5


def test_a_hundred_layers_with_their_clusters_take_less_than_5_mb() -> None:
    noise = random.Random(0)
    panels = tuple(
        DrawnPanel(
            layer=f"layers.{i}",
            source=f"layers.{i - 1}",
            target=f"layers.{i}",
            columns=(15,) * 12,
            rows=(15,) * 12,
            width=180,
            height=180,
            pixels=bytes(noise.getrandbits(8) & 0xF8 for _ in range(180 * 180)),
        )
        for i in range(24)
    )
    many = drawings("layers.", 100)
    drawn = msgspec.structs.replace(
        many, networks=(msgspec.structs.replace(many.networks[0], panels=panels),)
    )
    found = [
        verdict(
            "NEU001",
            target=Target("layer", f"layers.{i}", network="0"),
            values={"share": 0.2, "indices": list(range(500)), "dead": 100},
            limit={"share": {"max": 0.1}},
            message="100 of 500 units are dead",
        )
        for i in range(300)
    ]
    page = written(report_of(file_report(*found, drawings=drawn)))
    assert page.count("data:image/png;base64,") == 24
    assert len(re.findall("<figure>", page)) == 124
    assert len(page) < 5_000_000


def test_files_beyond_what_a_page_holds_are_told_without_pictures() -> None:
    big = DrawnPanel(
        layer="a",
        source="b",
        target="c",
        columns=(1,),
        rows=(1,),
        width=1000,
        height=1000,
        pixels=bytes(1_000_000),
    )
    network = DrawnNetwork(id="0", layers=(), panels=(big,))
    files = [
        file_report(path=f"{i}.pt", drawings=Drawings(networks=(network,)), networks=())
        for i in range(4)
    ]
    page = written(report_of(*files))
    assert page.count("data:image/png;base64,") == 2
    assert page.count("the report would be too large") == 2
