"""Write the JSON Schemas of the configuration and of what is written, or check that they are true.

Usage: python scripts/update_schemas.py [--check]

The schemas lie in docs/schemas. They are made from the types that modlint itself reads settings
into and writes reports from; of the configuration each rule's options are a part.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from modlint.engine.registry import load_registry
from modlint.portraits.documents import SCHEMA as CLUSTERS
from modlint.portraits.documents import ClustersDocument
from modlint.report import SCHEMA, Report
from modlint.rule_reference import RuleReference
from modlint.settings.config import Settings
from modlint.verdict import Severity

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN = "modlint_rules."
"""Where modlint's own rules lie: those of other plugins are not in its schema."""
_OPTIONAL = ("shards", "page", "drawings")
"""Keys of a report that are left out where there is nothing to say."""


def config_schema() -> dict[str, Any]:
    """Of modlint.toml, and of the table `[tool.modlint]` in pyproject.toml."""
    schema = _schema(Settings, "config/1", "modlint.toml", "The settings of modlint.")
    definitions = schema["$defs"]
    by_name = {}
    for rule in sorted(load_registry().rules.values(), key=lambda rule: rule.code):
        if rule.module.startswith(OWN):
            definitions[rule.code] = _options(rule, definitions)
            by_name |= {key: {"$ref": f"#/$defs/{rule.code}"} for key in (rule.code, rule.name)}
    rules = definitions["Settings"]["properties"]["rules"]
    rules["properties"] = by_name
    return schema


def report_schema() -> dict[str, Any]:
    """Of what `modlint check --output-format json` writes."""
    schema = _schema(Report, "report/1", "modlint report", "What modlint found in files.")
    return _written(schema, "Report", SCHEMA)


def clusters_schema() -> dict[str, Any]:
    """Of what `modlint clusters --output-format json` writes."""
    about = "The clusters of the neurons in a file's networks."
    schema = _schema(ClustersDocument, "clusters/1", "modlint clusters", about)
    return _written(schema, "ClustersDocument", CLUSTERS)


def _written(schema: dict[str, Any], root: str, name: str) -> dict[str, Any]:
    """The schema of a document that modlint writes: what holds its default is written too."""
    for definition in schema["$defs"].values():
        properties = definition.get("properties", {})
        if properties:
            definition["required"] = [key for key in properties if key not in _OPTIONAL]
        for value in properties.values():
            value.pop("default", None)
    schema["$defs"][root]["properties"]["schema"] = {"const": name}
    return schema


def _options(rule: RuleReference, definitions: dict[str, Any]) -> dict[str, Any]:
    """The table of a rule; types that its options name join the definitions."""
    (schema,), inner = msgspec.json.schema_components(
        [rule.load().options_type], ref_template="#/$defs/{name}"
    )
    options = inner.pop(schema["$ref"].rpartition("/")[2])
    definitions |= inner
    severities = [severity.value for severity in Severity]
    severity = {"description": "severity of all its findings", "enum": severities}
    options["properties"] = {"severity": severity, **options["properties"]}
    return options | {"title": f"{rule.code} {rule.name}", "description": rule.summary}


def _schema(type: Any, id: str, title: str, description: str) -> dict[str, Any]:
    (root,), definitions = msgspec.json.schema_components([type], ref_template="#/$defs/{name}")
    about = {"$schema": DIALECT, "$id": f"urn:modlint:schema:{id}", "title": title}
    schema = about | {"description": description} | root | {"$defs": definitions}
    for part in _tables(schema):
        if part.get("default", "") is None:  # TOML has no null: the key is left out
            del part["default"]
        if isinstance(part.get("description"), str):
            part["description"] = cleandoc(part["description"])
    return schema


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _tables(item)
    elif isinstance(value, list):
        for item in value:
            yield from _tables(item)


SCHEMAS = {
    "modlint.schema.json": config_schema,
    "modlint-report-1.schema.json": report_schema,
    "modlint-clusters-1.schema.json": clusters_schema,
}


def main(*, check: bool) -> int:
    """Write the schemas anew, or say which are no longer true."""
    stale = 0
    for name, make in SCHEMAS.items():
        path = FOLDER / name
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.name} is not what the code says: run scripts/update_schemas.py")
            stale += 1
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
