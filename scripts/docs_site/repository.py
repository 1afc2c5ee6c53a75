"""Files of the repository that pages link to, and where on the site they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from docs_site import notebook, rule_pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs/"
PLACES = {"README.md": "overview.md"}
"""Files that have another place than their own path: the site has a first page of its own."""
ALWAYS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/README.md",
    "examples/check_a_module.ipynb",
    "examples/compare_checkpoints.ipynb",
)
"""Files that the navigation names, linked or not."""
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]+)?(?=\))")
SOURCE = re.compile(r"(?<= )(?P<key>src|srcset|href)=\"(?!https?:|data:|#)(?P<target>[^\"#]+)\"")
"""Where the HTML in a page names a file."""
FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)


def docs() -> list[str]:
    """Paths of the pages in docs/, in the repository."""
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / DOCS).rglob("*.md"))]


def place(path: str) -> str:
    """Where a file of the repository is on the site."""
    if path in (places := _rules()):
        return places[path]
    name = PLACES.get(path, path.removeprefix(DOCS))
    return name.removesuffix(".ipynb") + ".md" if name.endswith(".ipynb") else name


def origin(name: str) -> str:
    """The repository's path of a page of the site."""
    known = {place: path for path, place in {**_rules(), **PLACES}.items()}
    if name in known:
        return known[name]
    beside = [DOCS + name, name, name.removesuffix(".md") + ".ipynb"]
    return next((path for path in beside if (ROOT / path).is_file()), DOCS + name)


def content(path: str) -> str | None:
    """A file as a page, where it is none as it stands."""
    return notebook.page(ROOT / path) if path.endswith(".ipynb") else None


def linked_from(pages: Iterable[str]) -> list[str]:
    """Files outside docs/ that these pages link to, those that they link to, and so on."""
    found: dict[str, None] = dict.fromkeys(ALWAYS)
    left = [*pages, *_rules(), *ALWAYS]
    while left:
        for target in _targets(left.pop()):
            new = target not in found and not target.startswith(DOCS) and target not in _rules()
            if new and (ROOT / target).is_file():
                found[target] = None
                left.append(target)
    return sorted(found)


def relinked(markdown: str, name: str) -> str:
    """A page whose links lead to the places of files on the site."""
    path = origin(name)

    def target(found: re.Match[str]) -> str:
        to = os.path.relpath(place(_resolved(path, found["target"])), Path(name).parent)
        return Path(to).as_posix()

    def moved(text: str) -> str:
        linked = LINK.sub(lambda link: target(link) + (link["anchor"] or ""), text)
        return SOURCE.sub(lambda source: f'{source["key"]}="{target(source)}"', linked)

    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else moved(part) for part in parts)


def _rules() -> dict[str, str]:
    return {rule_pages.source(rule): rule_pages.place(rule) for rule in rule_pages.rules()}


def _targets(path: str) -> list[str]:
    if not path.endswith((".md", ".ipynb")):
        return []
    text = content(path) or (ROOT / path).read_text(encoding="utf-8")
    prose = FENCE.sub("", text)
    return [_resolved(path, link["target"]) for link in LINK.finditer(prose)]


def _resolved(path: str, target: str) -> str:
    """The repository's path that a link on a page of the repository leads to."""
    to = os.path.normpath(Path(path).parent / target)
    return f"{to}/README.md" if (ROOT / to).is_dir() else Path(to).as_posix()
