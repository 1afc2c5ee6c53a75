"""The site builds without a warning, its links and anchors lead somewhere, and it loads nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import documented
import pytest
from docs_site import command_line, rule_pages

from modlint.cli.parser import build_parser

EXTERNAL = {"https", "http", "mailto"}


class Page(HTMLParser):
    """What a page links to, what it loads, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        loads = tag in {"script", "img", "iframe", "source", "link"}
        unread = given.get("rel") in {"canonical", "next", "prev"}
        if loads and not unread:
            self.loaded |= {given[key] for key in ("src", "href", "srcset") if key in given}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_page_of_docs_is_there(site: Path, pages: dict[Path, Page]) -> None:
    docs = documented.ROOT / "docs"
    for source in docs.rglob("*.md"):
        assert site / source.relative_to(docs).with_suffix(".html") in pages
    for rule in rule_pages.rules():
        assert site / f"rules/{rule.code}.html" in pages


def test_links_and_anchors_lead_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme in EXTERNAL | {"data"} or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors | {""} if target in pages else {parts.fragment}
            if not target.is_file() or unquote(parts.fragment) not in known:
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert not {u for page in pages.values() for u in page.loaded if urlsplit(u).scheme in EXTERNAL}
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert not [found for text in styles for found in re.findall(r"url\(['\"]?https?:[^)]*", text)]


def test_links_lead_to_files_of_the_repository_too() -> None:
    """Where pages are read as they stand; what is only made for the site lies in docs/ there."""
    made = {documented.ROOT / "docs" / name for name in ("command-line.md", *rule_pages.pages())}
    for page in documented.pages():
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            path = page.parent / target
            assert path.exists() or path in made, f"{page}: {target}"


def test_the_index_names_every_rule_with_its_facts() -> None:
    index = rule_pages.pages()[rule_pages.INDEX]
    for rule in rule_pages.rules():
        (row,) = [line for line in index.splitlines() if f"[{rule.code}]" in line]
        for fact in (rule.name, rule.severity, rule.cost, rule.summary):
            assert f"{fact}" in row


def test_the_reference_has_every_flag_that_the_parser_takes() -> None:
    text = command_line.page()
    parser = build_parser()
    (commands,) = (a for a in parser._actions if hasattr(a, "_name_parser_map"))
    for name, command in commands.choices.items():
        section = text.partition(f"\n## modlint {name}\n")[2].partition("\n## ")[0]
        for action in command._actions:
            for flag in set(action.option_strings) - {"-h", "--help"}:
                assert f"`{flag}" in section, (name, flag)
