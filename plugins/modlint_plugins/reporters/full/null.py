"""Verdicts that test a value against shuffles: the drawing, and what its numbers mean."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeGuard

from msgspec import Struct
from rich.text import Text

from modlint.report import FileReport
from modlint.reporter import Shown
from modlint.text import count, number
from modlint.verdict import Outcome, Verdict
from modlint_plugins.reporters.full.canvas import SEVERITY_STYLES, Canvas
from modlint_plugins.reporters.full.histogram import histogram, to_digits
from modlint_plugins.reporters.full.measure import label, strain
from modlint_plugins.reporters.wording import where

DRAWINGS_SHOWN = 3
MAX_CELLS = 60
DEFAULT_STATISTIC = "ncut"


class NullTest(Struct, frozen=True):
    """An observed value and the shuffles that it was tested against.

    Attributes:
        verdict: the verdict that holds them.
        statistic: name of the observed value.
        observed: that value; finite.
        samples: the value of each shuffle; finite, at least one.
    """

    verdict: Verdict
    statistic: str
    observed: float
    samples: tuple[float, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> NullTest | None:
        """The test that a verdict holds, if it holds one."""
        statistic = str(verdict.values.get("statistic", DEFAULT_STATISTIC))
        observed = verdict.values.get(statistic)
        samples = tuple(s for s in verdict.values.get("null_samples") or () if _finite(s))
        return cls(verdict, statistic, observed, samples) if samples and _finite(observed) else None

    def explained(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and meaning of each number that sums the test up."""
        values = self.verdict.values
        if _finite(z := values.get("z_score")):
            side = "below" if z < 0 else "above"
            words = f"standard deviations {side} the mean{self._mean()}"
            yield "z", f"{z:.1f}", f"{abs(z):.1f} {words}"
        if _finite(p := values.get("p_value")):
            yield "p", number(p), f"chance of a shuffle as low; {self._rank()}"
        if _finite(effect := values.get("effect_size")):
            side = "below" if effect >= 0 else "above"
            yield "effect", f"{100 * abs(effect):.1f} %", f"{side} the median"
        if self.statistic == DEFAULT_STATISTIC and _finite(z := values.get("spectral_z")):
            words = "z of the spectral sum, below which no clusters can lie"
            yield "bound", f"{z:.1f}", words

    def _mean(self) -> str:
        mean, std = (self.verdict.values.get(name) for name in ("null_mean", "null_std"))
        if not _finite(mean) or not _finite(std):
            return ""
        return f", {to_digits(mean, std)} ± {to_digits(std, std)}"

    def _rank(self) -> str:
        """How many shuffles are at least as low."""
        lower = sum(sample <= self.observed for sample in self.samples)
        amount = {0: "none", len(self.samples): "all"}.get(lower, f"{lower:,}")
        return f"{amount} of these {len(self.samples):,} {'is' if lower < 2 else 'are'}"


def write_nulls(canvas: Canvas, file: FileReport, shown: Shown) -> None:
    """Draw the null distribution of verdicts that have one, the worst first."""
    visible = (v for v in file.verdicts if v.outcome is not Outcome.FAIL or v in shown)
    tests = [test for verdict in visible if (test := NullTest.of(verdict))]
    tests.sort(key=_gravity)
    for test in tests[:DRAWINGS_SHOWN]:
        _write_null(canvas, test, len(file.networks))
    if len(tests) > DRAWINGS_SHOWN:
        rest = tests[DRAWINGS_SHOWN:]
        passed = sum(test.verdict.outcome is Outcome.PASS for test in rest)
        what = f"{count(len(rest), 'more such test')}, of which {passed or 'none'} passed"
        canvas.line(f"  … and {what} (see --output-format json)")


def _gravity(test: NullTest) -> tuple[bool, float]:
    """Sorts findings before what passed, and by how far it is beyond its limit."""
    return not _is_finding(test.verdict), -strain(test.verdict)


def _is_finding(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.FAIL and not verdict.baselined


def _write_null(canvas: Canvas, test: NullTest, networks: int) -> None:
    verdict = test.verdict
    place = f" ({where(verdict.target, networks)})" if networks > 1 else ""
    subject = f"{label(test.statistic)} against {count(len(test.samples), 'shuffle')}{place}"
    failed = _is_finding(verdict)
    style = SEVERITY_STYLES[verdict.severity] if failed else "bold green"
    canvas.line()
    canvas.hanging(Text.assemble("  ", (verdict.rule, "bold"), " "), Text(subject))
    canvas.line()
    cells = min(canvas.width - 8, MAX_CELLS)
    for line in histogram(test.samples, test.observed, cells, style):
        canvas.line(Text("    ") + line)
    canvas.line()
    if not failed:
        canvas.hanging(Text("    "), Text(verdict.message))
    rows = list(test.explained())
    name, value = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    for row in rows:
        lead = Text.assemble("    ", (row[0].ljust(name), "dim"), f"  {row[1].rjust(value)}  ")
        canvas.hanging(lead, Text(row[2], "dim"))


def _finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)
