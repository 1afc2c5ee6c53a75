"""Rules by what they judge: the file, each tensor, each layer, each network.

Each says in one method what it judges, and what a healthy file is called. The base walks, folds
findings that are many, passes what has none, and says what could not be examined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from modlint.analysis.base import Analysis, TensorAnalysis
from modlint.checkpoint import NOT_WHOLLY_READ, Checkpoint, Status, Tensor
from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.rule import Examination, OptionsT, Rule
from modlint.targets import of_network, whole_file
from modlint.text import count
from modlint.verdict import Confidence, Outcome, Severity, Verdict


def unread(checkpoint: Checkpoint) -> str | None:
    """Why a rule that found nothing cannot pass the file; None where all of it was read."""
    return None if checkpoint.is_whole else NOT_WHOLLY_READ


def if_examined(rule: Rule[Any], checkpoint: Checkpoint, passed: Verdict) -> Verdict:
    """A pass on tensors, or what is said in its place: none is there, or not all could be read."""
    if passed.outcome is not Outcome.PASS:
        return passed
    reason = unread(checkpoint)
    if reason is not None:
        return rule.inconclusive(whole_file(checkpoint), reason)
    if not checkpoint.tensors:
        return rule.not_applicable(whole_file(checkpoint), "the file holds no tensor")
    return passed


class _Folding(Rule[OptionsT]):
    """A rule that may find much of the same.

    Attributes:
        advice: what to do about findings.
        listed: how many are told one by one; the others are one finding together.
    """

    advice: ClassVar[str] = ""
    listed: ClassVar[int] = 20

    def folded(self, verdicts: Sequence[Verdict], file: Examination) -> Iterator[Verdict]:
        """The verdicts, those past the first few findings as one."""
        rest, listed = [], 0
        for verdict in verdicts:
            listed += verdict.outcome is Outcome.FAIL
            if verdict.outcome is Outcome.FAIL and listed > self.listed:
                rest.append(verdict)
            else:
                yield verdict
        if rest:
            yield self.rest(rest, file)

    def rest(self, findings: Sequence[Verdict], file: Examination) -> Verdict:
        """One finding for those that are not listed; it weighs as much as the worst of them."""
        return self.failed(
            whole_file(file.checkpoint),
            f"{count(len(findings), 'further finding')} of the same kind not listed",
            help=self.advice,
            values={"count": len(findings)},
            severity=max((verdict.severity for verdict in findings), key=lambda s: s.rank),
        )


class FileRule(_Folding[OptionsT]):
    """A check of the file as a whole.

    Attributes:
        sound: what is said of a file without findings.
        of_tensors: whether it judges the tensors: where there is none it does not apply.
    """

    sound: ClassVar[str] = ""
    of_tensors: ClassVar[bool] = False

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Every verdict, or one that passes a file that was read."""
        verdicts = list(self.judge(file))
        if self.of_tensors:
            verdicts = [if_examined(self, file.checkpoint, verdict) for verdict in verdicts]
        yield from self.folded(verdicts, file)
        if not verdicts and file.checkpoint.status is Status.CHECKED:
            sound = self.healthy(file)
            yield if_examined(self, file.checkpoint, sound) if self.of_tensors else sound

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """Every finding, or verdict that carries what was measured.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError

    def healthy(self, file: Examination) -> Verdict:
        """What is said of a file of which `judge` says nothing."""
        return self.passed(whole_file(file.checkpoint), self.sound)


class TensorRule(_Folding[OptionsT]):
    """A check of each tensor, one at a time.

    Attributes:
        analyses: what it asks of each tensor.
        kind: what the tensors are called that it judges ("weight matrix").
        sound: what is said of a file whose tensors have no findings, to follow their number.
    """

    analyses: ClassVar[tuple[TensorAnalysis[Any], ...]] = ()
    kind: ClassVar[str] = "tensor"
    sound: ClassVar[str] = ""

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The analyses of each tensor."""
        return self.analyses

    def accepts(self, tensor: Tensor) -> bool:
        """Whether it judges such a tensor: those that all of its analyses examine."""
        return all(analysis.accepts(tensor) for analysis in self.analyses)

    def subjects(self, file: Examination) -> Iterator[Tensor]:
        """The tensors of the file that it judges."""
        return filter(self.accepts, file.checkpoint.tensors.values())

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A verdict on a tensor; None where it is healthy and not worth a word of its own.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError

    def check(self, file: Examination) -> Iterator[Verdict]:
        """What is to be said of single tensors, or one verdict for the file."""
        verdicts, examined, unread = [], 0, dict[str, str]()
        for tensor in self.subjects(file):
            try:
                verdict = self.judge(tensor, file)
            except Unavailable as unavailable:
                unread[tensor.name] = file.unexamined.get(tensor.name, str(unavailable))
                continue
            examined += 1
            verdicts += [verdict] if verdict is not None else []
        yield from self.folded(verdicts, file)
        if any(verdict.outcome is Outcome.FAIL for verdict in verdicts):
            return
        if unread:
            yield self.unread(file, examined, unread)
        elif not verdicts:
            sound = self.healthy(file, examined) if examined else self.nothing(file)
            yield if_examined(self, file.checkpoint, sound)

    def healthy(self, file: Examination, examined: int) -> Verdict:
        """What is said of a file of whose tensors `judge` says nothing."""
        message = f"{count(examined, self.kind)}, {self.sound}"
        return self.passed(whole_file(file.checkpoint), message, values={"tensors": examined})

    def nothing(self, file: Examination) -> Verdict:
        """What is said of a file that has no tensor of the kind."""
        message = f"the file holds no {self.kind} to judge"
        return self.not_applicable(whole_file(file.checkpoint), message)

    def unread(self, file: Examination, examined: int, unread: Mapping[str, str]) -> Verdict:
        """What is said where nothing was found and some tensors could not be examined."""
        total = count(len(file.checkpoint.tensors), "tensor")
        if not examined:
            message = f"none of its {total} could be examined"
        else:
            name, reason = next(iter(unread.items()))
            message = f"{len(unread):,} of {total} could not be examined ({name}: {reason})"
        return self.inconclusive(whole_file(file.checkpoint), message)


def weaker(*confidences: Confidence | None) -> Confidence | None:
    """The lowest confidence, None where none is known."""
    known = [confidence for confidence in confidences if confidence is not None]
    return min(known, key=lambda confidence: confidence.rank, default=None)


def as_sure_as(network: Network, verdict: Verdict) -> Verdict:
    """A verdict on a network that is no surer than the network.

    What is found of a network of low confidence is a note at most: it may be wired otherwise.
    """
    confidence = weaker(network.confidence, verdict.confidence) or verdict.confidence
    severity = verdict.severity
    if network.confidence is Confidence.LOW and verdict.outcome is Outcome.FAIL:
        severity = min(severity, Severity.NOTE, key=lambda severity: severity.rank)
    return replace(verdict, confidence=confidence, severity=severity)


class _OfNetworks(Rule[OptionsT]):
    """A rule whose findings are as sure as the network that they are of."""

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:
        """The settings' severity; of low confidence a note at most."""
        if verdict.confidence is Confidence.LOW:
            return min(configured, Severity.NOTE, key=lambda severity: severity.rank)
        return configured


class NetworkRule(_OfNetworks[OptionsT]):
    """A check of each network; inconclusive where a need cannot be met.

    Attributes:
        absent: what a file lacks, of whose networks `judge` says nothing.
    """

    absent: ClassVar[str] = "no network of the file has what the rule judges"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network of the file."""
        verdict = None
        for verdict in _each_network(self, file, lambda network: self.judge(network, file)):
            yield verdict
        if verdict is None:
            yield self.nothing(file)

    def nothing(self, file: Examination) -> Verdict:
        """What is said of a file of whose networks `judge` says nothing."""
        return self.not_applicable(whole_file(file.checkpoint), self.absent)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Judge one network that was rebuilt.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError


class LayerRule(_OfNetworks[OptionsT], _Folding[OptionsT]):
    """A check of each layer of each network, one at a time.

    Attributes:
        sound: what is said of a network whose layers have no findings, to follow their number.
    """

    sound: ClassVar[str] = ""

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network's layers."""
        return _each_network(self, file, lambda network: self._judge_layers(network, file))

    def judge(self, layer: Call, network: Network, file: Examination) -> Verdict | None:
        """A verdict on a layer; None where it is healthy and not worth a word of its own.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError

    def _judge_layers(self, network: Network, file: Examination) -> Iterator[Verdict]:
        verdicts, unread = [], dict[str, str]()
        for layer in network.calls:
            try:
                verdict = self.judge(layer, network, file)
            except Unavailable as unavailable:
                unread[layer.name] = str(unavailable)
                continue
            verdicts += [verdict] if verdict is not None else []
        yield from self.folded(verdicts, file)
        if any(verdict.outcome is Outcome.FAIL for verdict in verdicts):
            return
        layers = count(len(network.calls), "layer")
        if unread:
            name, reason = next(iter(unread.items()))
            message = f"{len(unread):,} of {layers} could not be examined ({name}: {reason})"
            yield self.inconclusive(of_network(network), message)
        elif not verdicts:
            values = {"layers": len(network.calls)}
            message = f"{layers}, {self.sound}"
            confidence = network.confidence
            target = of_network(network)
            yield self.passed(target, message, values=values, confidence=confidence)


def _each_network(
    rule: Rule[Any], file: Examination, judge: Callable[[Network], Iterator[Verdict]]
) -> Iterator[Verdict]:
    """Judge each network that was rebuilt; of those that could not be, say so once."""
    for network in file.networks:
        if network.reason is not None:
            if network.failed:
                yield rule.inconclusive(of_network(network), network.reason)
            continue
        try:
            yield from (as_sure_as(network, verdict) for verdict in judge(network))
        except Unavailable as unavailable:
            yield rule.inconclusive(of_network(network), str(unavailable))
    reason = no_network(file.networks)
    if reason is not None:
        yield rule.not_applicable(whole_file(file.checkpoint), reason)


def no_network(networks: Sequence[Network]) -> str | None:
    """Why a file has no network, or not all of them, to judge; None where nothing is missing."""
    missing = [n.reason for n in networks if n.reason is not None and not n.failed]
    if not missing:
        return None if networks else "the file holds no network"
    if len(missing) == len(networks):
        return missing[0]
    return f"{len(missing):,} of {len(networks):,} networks not rebuilt: {missing[0]}"
