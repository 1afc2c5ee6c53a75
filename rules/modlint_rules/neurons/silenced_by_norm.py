"""NEU004: channels of which a norm leaves next to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from modlint.analysis.norm_scales import SilencedChannels
from modlint.errors import UsageError
from modlint.network import Network
from modlint.results.units import NormScales
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network, whole_file
from modlint.text import count
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.neurons import SILENCED_BY_NORM


class SilencedByNormOptions(Options, frozen=True):
    """Options of NEU004."""

    min_scale: Annotated[
        float,
        msgspec.Meta(
            description="abs γ, over the mean of the norm's, below which a channel is silenced",
            gt=0,
            lt=1,
        ),
    ] = 1e-3
    min_shift: Annotated[
        float,
        msgspec.Meta(
            description="β over abs γ, in standard deviations of the channel, below which a ReLU"
            " gives nothing",
            le=-1,
        ),
    ] = -4.0
    note_share: Annotated[
        float, msgspec.Meta(description="share of a norm's channels that is a note", gt=0, le=1)
    ] = 0.10
    max_share: Annotated[
        float, msgspec.Meta(description="share of a norm's channels that is a warning", gt=0, le=1)
    ] = 0.50
    min_channels: Annotated[
        int, msgspec.Meta(description="channels that a norm must have to be judged", ge=1)
    ] = 8

    def __post_init__(self) -> None:
        """Refuse a share that would be a warning before it is a note.

        Raises:
            UsageError: note-share is above max-share.
        """
        if self.note_share > self.max_share:
            raise UsageError(
                f"rules.silenced-by-norm: note-share {self.note_share:g} is above max-share"
                f" {self.max_share:g}: lower the one or raise the other"
            )


class SilencedByNorm(NetworkRule[SilencedByNormOptions], reference=SILENCED_BY_NORM):
    """Channels that are there, and that their norm lets nothing through of."""

    options_type = SilencedByNormOptions

    def needs(self) -> tuple[Need, ...]:
        """What each norm lets through."""
        return (self._analysis,)

    @property
    def _analysis(self) -> SilencedChannels:
        return SilencedChannels(self.options.min_scale, self.options.min_shift)

    def nothing(self, file: Examination) -> Verdict:
        """What is said of a file without such a norm."""
        least = self.options.min_channels
        reason = f"no network of the file has a norm with scales of {least:,} channels or more"
        return self.not_applicable(whole_file(file.checkpoint), reason)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """A finding for each norm beyond a limit, or one verdict that passes the network."""
        norms = [
            norm
            for norm in file.result(self._analysis, network)
            if norm.total >= self.options.min_channels
        ]
        shares = [_share(norm) for norm in norms]
        findings = [n for n, s in zip(norms, shares, strict=True) if s >= self.options.note_share]
        for norm in findings:
            yield self._finding(norm, network)
        if norms and not findings:
            yield self.passed(
                of_network(network),
                f"{count(len(norms), 'norm')}, at most {max(shares):.1%} of a norm's channels are"
                " silenced",
                values={"norms": len(norms), "share": max(shares)},
                confidence=network.confidence,
            )

    def _finding(self, norm: NormScales, network: Network) -> Verdict:
        share, options = _share(norm), self.options
        strong = share >= options.max_share
        bound = options.max_share if strong else options.note_share
        parts = [f"{len(norm.faint):,} by a scale below {options.min_scale:g} of the mean"]
        if norm.shut:
            parts.append(f"{len(norm.shut):,} by a shift that keeps them below a ReLU's zero")
        silenced = len(norm.faint) + len(norm.shut)
        return self.failed(
            Target("tensor", norm.tensor, network=network.id),
            f"{silenced:,} of {count(norm.total, 'channel')} silenced ({share:.1%}):"
            f" {' and '.join(parts)}; what makes them is computed for nothing",
            help="remove these channels, or train again with less weight decay on norms, or a lower"
            " learning rate",
            values={
                "share": share,
                "silenced": silenced,
                "faint": norm.faint,
                "shut": norm.shut,
                "total": norm.total,
                "zero": norm.zero,
            },
            limit={"share": {"max": bound}},
            severity=Severity.WARNING if strong else Severity.NOTE,
            confidence=network.confidence,
        )

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:
        """The settings' severity is that of shares from max-share on; smaller ones stay notes."""
        below = verdict.values.get("share", 1.0) < self.options.max_share
        return verdict.severity if below else super().weigh(verdict, configured)


def _share(norm: NormScales) -> float:
    return (len(norm.faint) + len(norm.shut)) / norm.total
