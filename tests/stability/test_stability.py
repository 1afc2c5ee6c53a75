"""docs/stability.md is kept: no release takes away what an earlier one promised."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import modlint
from stability import lost

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
RELEASES = sorted(path for path in (SCHEMAS / "released").iterdir())
SAME_MINOR = [
    path for path in RELEASES if path.name.split(".")[:2] == modlint.__version__.split(".")[:2]
]
RETIRED: dict[str, str] = json.loads((SCHEMAS / "retired-rules.json").read_text("utf-8"))
GUIDE = (ROOT / "docs" / "writing-a-plugin.md").read_text("utf-8")
of_each = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
of_this_minor = pytest.mark.parametrize("release", SAME_MINOR, ids=lambda path: path.name)


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        return importlib.import_module("freeze_contract").contract()  # type: ignore[no-any-return]


def contract(release: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((release / "contract.json").read_text("utf-8"))
    return loaded


def schema(folder: Path, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return loaded


def test_what_this_version_offers_is_kept() -> None:
    assert modlint.__version__ in [path.name for path in RELEASES]
    assert all(contract(path)["modlint"] == path.name for path in RELEASES)


# For good


@of_each
def test_no_code_or_name_of_a_rule_goes_or_is_given_again(
    release: Path, now: dict[str, Any]
) -> None:
    assert lost.rules(contract(release)["rules"], now["rules"], RETIRED) == []


@of_each
def test_the_report_only_grows(release: Path) -> None:
    name = "modlint-report-1.schema.json"
    assert lost.written(schema(release, name), schema(SCHEMAS, name)) == []


@of_each
def test_fingerprints_stay(release: Path, now: dict[str, Any]) -> None:
    assert contract(release)["fingerprints"].items() <= now["fingerprints"].items()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["healthy.safetensors"], 0),
        (["nan.safetensors"], 1),
        (["nan.safetensors", "--exit-zero"], 0),
        (["nan.safetensors", "--fail-on", "never"], 0),
        (["missing.safetensors"], 2),
        (["healthy.safetensors", "--select", "XYZ"], 2),
        (["--no-such-option"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int, tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((8, 8), dtype=np.float32)
    save_file({"fc.weight": weight}, tmp_path / "healthy.safetensors", {"format": "pt"})
    weight[0, 0] = np.nan
    save_file({"fc.weight": weight}, tmp_path / "nan.safetensors", {"format": "pt"})
    command = [sys.executable, "-P", "-m", "modlint", "check", "--isolated", *arguments]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == code


# Within a minor release


@of_this_minor
def test_no_setting_goes(release: Path) -> None:
    name = "modlint.schema.json"
    assert lost.accepted(schema(release, name), schema(SCHEMAS, name)) == []


@of_this_minor
@pytest.mark.parametrize("kind", ["profiles", "output-formats", "hooks"])
def test_no_name_goes(kind: str, release: Path, now: dict[str, Any]) -> None:
    assert set(contract(release)[kind]) <= set(now[kind])


@of_this_minor
def test_severities_and_personas_stay(release: Path, now: dict[str, Any]) -> None:
    assert contract(release)["weights"].items() <= now["weights"].items()


@of_this_minor
def test_no_option_goes(release: Path, now: dict[str, Any]) -> None:
    assert lost.named(contract(release)["commands"], now["commands"]) == []


@of_this_minor
def test_the_python_interface_only_grows(release: Path, now: dict[str, Any]) -> None:
    assert lost.named(contract(release)["python"], now["python"]) == []


@of_this_minor
def test_what_plugins_import_only_grows(release: Path, now: dict[str, Any]) -> None:
    modules = contract(release)["for-plugins"]
    assert modules.keys() <= now["for-plugins"].keys()
    for module, names in modules.items():
        assert lost.named(names, now["for-plugins"][module]) == []


def test_the_contract_holds_what_the_guide_names(now: dict[str, Any]) -> None:
    named = set(re.findall(r"modlint((?:\.[a-z_]+)+)\.([A-Z]\w+)", GUIDE))
    named |= {
        (module, name.strip())
        for module, names in re.findall(r"^from modlint((?:\.[a-z_]+)+) import (.+)$", GUIDE, re.M)
        for name in names.split(",")
    }
    assert len(named) > 8
    for module, name in named:
        assert name in now["for-plugins"][f"modlint{module}"], name


# The comparison itself

RULES = {"NUM001": "non-finite", "NUM002": "overflows-half"}


@pytest.mark.parametrize(
    ("new", "retired"),
    [
        ({"NUM001": "non-finite"}, {}),
        ({**RULES, "NUM001": "not-finite"}, {}),
        (RULES, {"NUM002": "overflows-half"}),
        ({"NUM001": "non-finite", "NUM003": "overflows-half"}, {"NUM002": "overflows-half"}),
        ({"NUM001": "overflows-half", "NUM002": "non-finite"}, {}),
    ],
    ids=["gone", "renamed", "given again", "name given again", "exchanged"],
)
def test_lost_rules_are_found(new: dict[str, str], retired: dict[str, str]) -> None:
    assert lost.rules(RULES, new, retired)


def test_rules_may_join_and_be_retired() -> None:
    assert lost.rules(RULES, {**RULES, "NUM003": "upcast-storage"}, {}) == []
    left = {"NUM001": "non-finite"}
    assert lost.rules(RULES, left, {"NUM002": "overflows-half"}) == []


NAMED = {"check": ["x", "*", "seed=", "**settings"], "Report": ["files", "ok"]}


@pytest.mark.parametrize(
    "new",
    [
        {"check": NAMED["check"]},
        {**NAMED, "Report": ["files"]},
        {**NAMED, "check": ["x", "*", "**settings"]},
        {**NAMED, "check": ["x", "*", "seed", "**settings"]},
        {**NAMED, "check": ["x", "*", "seed=", "device", "**settings"]},
        {**NAMED, "check": ["device=", "x", "*", "seed=", "**settings"]},
    ],
    ids=["gone", "member", "parameter", "default", "demanded", "order"],
)
def test_lost_names_are_found(new: dict[str, list[str]]) -> None:
    assert lost.named(NAMED, NAMED) == []
    assert lost.named(NAMED, new)


def test_names_may_join() -> None:
    new = {"check": ["x", "*", "seed=", "jobs=", "**settings"], "Report": ["files", "ok", "run"]}
    assert lost.named(NAMED, {**new, "diff": ["old", "new"]}) == []


def of_item(**item: Any) -> dict[str, Any]:
    """A schema of an array under `files`, by reference, whose items have a key `x` as given."""
    properties = {"x": item, "y": {"anyOf": [{"type": "string"}, {"type": "null"}]}}
    inner = {"type": "object", "properties": properties, "required": ["x", "y"]}
    return {
        "$ref": "#/$defs/A",
        "$defs": {
            "A": {
                "type": "object",
                "properties": {"files": {"type": "array", "items": {"$ref": "#/$defs/B"}}},
                "required": ["files"],
            },
            "B": inner,
        },
    }


BASE = of_item(enum=["a", "b"])


def spoiled(**changes: Any) -> dict[str, Any]:
    new = of_item(enum=["a", "b"])
    new["$defs"]["B"] |= changes
    return new


@pytest.mark.parametrize(
    "new",
    [
        of_item(enum=["a", "b", "c"]),
        of_item(type="integer"),
        spoiled(required=["x"]),
        spoiled(properties={"x": {"enum": ["a", "b"]}}),
    ],
    ids=["value", "type", "optional", "gone"],
)
def test_what_a_reader_would_miss_is_found(new: dict[str, Any]) -> None:
    assert lost.written(BASE, BASE) == []
    assert lost.written(BASE, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BASE, of_item(enum=["a"])),
        (BASE, spoiled(properties={"x": {"enum": ["a", "b"]}})),
        (of_item(type="number"), of_item(type="integer")),
        (of_item(type="number", minimum=0), of_item(type="number", minimum=1)),
        (of_item(type="number"), of_item(type="number", maximum=1)),
        (BASE, spoiled(required=["x", "y", "z"])),
        (of_item(type="number", default=1), of_item(type="number", default=2)),
    ],
    ids=["value", "gone", "type", "bound", "new bound", "demanded", "default"],
)
def test_what_is_refused_now_is_found(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert lost.accepted(old, old) == []
    assert lost.accepted(old, new)


def test_schemas_may_grow() -> None:
    joined = of_item(enum=["a", "b"])
    joined["$defs"]["B"]["properties"]["z"] = {"type": "integer"}
    assert lost.accepted(BASE, joined) == []
    joined["$defs"]["B"]["required"].append("z")
    assert lost.written(BASE, joined) == []
    wider = of_item(type="number", minimum=-1)
    assert lost.accepted(of_item(type="integer", minimum=0), wider) == []
