"""A plugin to begin with: a distribution with one rule, its page and its test.

What is written runs as it stands. The texts of the rule are those that `scripts/new_rule.py` adds
to a family too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCE = """{constant} = RuleReference(
    code="{code}",
    name="{name}",
    severity=Severity.WARNING,
    summary="{summary}",
    source="{source}",
    place="{package}.{module}:{cls}",
    cost=Cost.PASS,
)
"""

RULE = '''"""{code} {name}: {summary}."""

from __future__ import annotations

from typing import Annotated

{before}from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Role, Tensor
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor
from modlint.verdict import Verdict
{after}from {package} import {constant}

_STATISTICS = TensorStatistics()


class {cls}Options(Options, frozen=True):
    """Options of {code}."""

    max_share: Annotated[
        float, Meta(ge=0, le=1, description="largest share of zeros in a weight, 0 to 1")
    ] = 0.2


class {cls}(TensorRule[{cls}Options], reference={constant}):
    """{Summary}."""

    options_type = {cls}Options
    analyses = (_STATISTICS,)
    kind = "weight of two or more axes"
    advice = "say here what the user can do"

    def accepts(self, tensor: Tensor) -> bool:
        """Weights of two or more axes."""
        is_weight = tensor.role is Role.WEIGHT and tensor.elements > 0
        return is_weight and len(tensor.shape) >= 2 and super().accepts(tensor)

    def judge(self, tensor: Tensor, file: Examination) -> Verdict:
        """A verdict on each weight, with what was measured."""
        statistics = file.result(_STATISTICS, tensor)
        share = statistics.zeros / statistics.elements
        return self.decided(
            of_tensor(tensor),
            f"{{share:.1%}} of its {{statistics.elements:,}} elements are zero",
            passes=share <= self.options.max_share,
            help=self.advice,
            values={{"share": share}},
            limit={{"share": {{"max": self.options.max_share}}}},
        )
'''

PAGE = """# {code} {name}

## What it does

{Summary}.

## Why it is bad

Say what goes wrong for whoever uses such a checkpoint.

## How it decides

It is a finding where the share of zeros in a weight of two or more axes is above `max-share`. Say
which healthy checkpoints come close.

## Options

- `max-share` (default `0.2`; share of the elements, 0 to 1): largest share of zeros in a weight.

## Example

Show what fails, the finding, and what passes.

## Source

{source}.
"""

PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "0.1.0"
description = "Rules for modlint"
requires-python = ">=3.11"
dependencies = ["modlint", "msgspec>=0.19"]

[project.entry-points.modlint]
{package} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""

PLUGIN = '''"""Rules for modlint: what it is told before it imports any of them."""

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Severity

{reference}

@hookimpl
def modlint_rules() -> tuple[RuleReference, ...]:
    """The rules; modlint imports the module of one when it is selected."""
    return ({constant},)
'''

TEST = '''"""What {code} finds and what it passes; run it with pytest."""

import modlint
import numpy as np


def test_zeros_are_found() -> None:
    weights = {{"ones": np.ones((4, 4)), "zeros": np.zeros((4, 4))}}
    report = modlint.check(weights, select="{code}")
    assert [finding.target.name for finding in report.findings] == ["zeros"]
'''

OPTIONS_IMPORT = "from msgspec import Meta\n"
"""Stands with third parties: before modlint's modules within modlint, after them elsewhere."""

_RULE = {
    "name": "many-zeros",
    "summary": "much of a weight is zero",
    "source": "Say where the check comes from: a paper, a specification, a convention of yours",
}


def words_of_rule(code: str, name: str, summary: str, source: str, package: str) -> dict[str, str]:
    """What stands in the templates for the names of a rule."""
    module = name.replace("-", "_")
    return {
        "code": code,
        "name": name,
        "summary": summary,
        "source": source,
        "package": package,
        "module": module,
        "constant": module.upper(),
        "cls": "".join(word.capitalize() for word in name.split("-")),
        "Summary": summary[:1].upper() + summary[1:],
    }


def plugin_files(distribution: str) -> Mapping[str, str]:
    """By path in the distribution's folder, the texts of a plugin with one rule.

    Args:
        distribution: its name, words of letters and digits joined by dashes; the last gives the
            letters of its codes.
    """
    package = distribution.replace("-", "_")
    letters = re.sub("[^A-Z]", "", distribution.rpartition("-")[2].upper())
    words = words_of_rule(f"{letters[:3]:X<3}001", **_RULE, package=package)
    words |= {"distribution": distribution, "before": "", "after": f"{OPTIONS_IMPORT}\n"}
    words["reference"] = REFERENCE.format(**words)
    texts = {
        "pyproject.toml": PROJECT,
        f"{package}/__init__.py": PLUGIN,
        f"{package}/{words['module']}.py": RULE,
        f"{package}/{words['module']}.md": PAGE,
        f"tests/test_{words['module']}.py": TEST,
    }
    return {path: text.format(**words) for path, text in texts.items()}
