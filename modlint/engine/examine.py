"""One file under examination: runs the analyses that are asked for, each once, keeps results."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from modlint.analysis.base import (
    Analysis,
    Array,
    Device,
    Opened,
    Pair,
    Progress,
    TensorAnalysis,
)
from modlint.analysis.quantisation import QuantisedWeights
from modlint.analysis.values import (
    dequantised_on,
    device_for,
    graph_device_for,
    torch_device_for,
    values_on,
)
from modlint.builder import Built
from modlint.checkpoint import Checkpoint, Tensor
from modlint.engine.visit import visit
from modlint.errors import Unavailable, UndeclaredNeed, UnreadableError
from modlint.network import Network, Unplaced

if TYPE_CHECKING:
    import torch

A = TypeVar("A", bound=Analysis[Any, Any])
R = TypeVar("R")
S = TypeVar("S")


Reference: TypeAlias = "FileExamination | Unavailable | None"
"""What a file is compared with, why it cannot be read, or nothing."""


Opening: TypeAlias = "Callable[[str], FileExamination]"
"""Begins the examination of the file of that name in the folder; raises UnreadableError."""


Networks = Built | Callable[[], Built]
"""A file's networks, or how they are rebuilt."""


class FileExamination:
    """The results of analyses on one checkpoint; rules see it as `modlint.rule.Examination`."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        networks: Networks,
        device: str,
        progress: Progress,
        internal_errors: list[str],
        reference: Reference = None,
        computing: Callable[[Analysis[Any, Any]], Any] = lambda analysis: analysis,
        opening: Opening | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self._networks = networks
        self.progress = progress
        self.internal_errors = internal_errors
        self.unexamined: dict[str, str] = {}
        self.selected = frozenset[str]()
        self._reference = reference
        self._computing = computing
        self._opening = opening
        self._beside: dict[str, FileExamination | Unavailable] = {}
        self._device_setting = device
        self._device: Device | None = None
        self._torch_device: torch.device | None = None
        self._graph_devices: set[Device] = set()
        self._of_tensors: dict[TensorAnalysis[Any], dict[str, Any]] = {}
        self._results: dict[tuple[Analysis[Any, Any], object], tuple[object, Any]] = {}

    @property
    def built(self) -> Built:
        """The file's networks, rebuilt when first asked for, and what stands in none."""
        if not isinstance(self._networks, Built):
            self._networks = self._networks()
        return self._networks

    @property
    def networks(self) -> tuple[Network, ...]:
        """The file's networks."""
        return self.built.networks

    @property
    def unplaced(self) -> tuple[Unplaced, ...]:
        """Weights that stand in no network, and why."""
        return self.built.unplaced

    @property
    def known_networks(self) -> tuple[Network, ...]:
        """The networks, if anybody asked for them."""
        return self._networks.networks if isinstance(self._networks, Built) else ()

    @property
    def device(self) -> Device:
        """Where the analyses compute, chosen when first needed."""
        if self._device is None:
            self._device = device_for(self._device_setting, self.checkpoint.parameters)
        return self._device

    @property
    def torch_device(self) -> torch.device:
        """Where torch computes what only it does, chosen when first needed.

        Raises:
            Unavailable: torch is not installed.
        """
        if self._torch_device is None:
            self._torch_device = torch_device_for(self._device_setting, self.checkpoint.parameters)
        return self._torch_device

    def graph_device_for(self, work: int) -> Device:
        """Where to compute with a network's graph, by the edges that are visited in all."""
        device = graph_device_for(self._device_setting, work)
        self._graph_devices.add(device)
        return device

    @property
    def reference(self) -> FileExamination | None:
        """The checkpoint that this one is compared with, None where there is none.

        Raises:
            Unavailable: it cannot be read.
        """
        return _available(self._reference)  # type: ignore[no-any-return]

    @property
    def used_device(self) -> str | None:
        """The device's type ("cpu"), None where nothing was computed."""
        return max((getattr(device, "type", "cpu") for device in self._devices), default=None)

    @property
    def used_torch(self) -> bool:
        """Whether torch computed anything."""
        return any(device != "cpu" for device in self._devices)

    @property
    def _devices(self) -> set[Device]:
        """Those that something was computed on."""
        chosen = (self._device, self._torch_device)
        return self._graph_devices | {device for device in chosen if device is not None}

    def seen(self, progress: Progress) -> FileExamination:
        """The same examination for one more user: results are shared, what it did is its own.

        Args:
            progress: to be told of the work that this user asks for.
        """
        seen = copy.copy(self)
        seen.progress = progress
        seen.internal_errors = []
        return seen

    def visit_tensors(self, analyses: Iterable[TensorAnalysis[Any]]) -> None:
        """Visit each tensor once, with every analysis that accepts it, and let it go.

        Analyses that ran in an earlier visit do not run again.
        """
        new = [analysis for analysis in analyses if analysis not in self._of_tensors]
        tensors = self.checkpoint.tensors.values()
        found = visit(tensors, new, lambda: self.device, self.progress)
        self._of_tensors |= found.results
        self.unexamined |= found.unexamined
        self.internal_errors += found.internal_errors

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        """The analysis' result on a subject, computed when first asked for.

        Raises:
            Unavailable: it has none.
        """
        if isinstance(analysis, TensorAnalysis):
            assert isinstance(subject, Tensor)  # noqa: S101 (the analysis' type says so)
            return self._of_tensor(analysis, subject)  # type: ignore[no-any-return]
        key = analysis, _identity(subject)
        if key not in self._results:
            if analysis.is_large:
                self._let_go(key[1])
            self._results[key] = subject, self._computed(analysis, subject)
        return _available(self._results[key][1])  # type: ignore[no-any-return]

    def results(self, analysis: TensorAnalysis[R]) -> Iterator[tuple[Tensor, R]]:
        """Every tensor that the analysis examined, with its result, in the file's order."""
        self._visit_late(analysis)
        results: Mapping[str, R] = self._of_tensors[analysis]
        for name, result in results.items():
            yield self.checkpoint.tensors[name], result

    def beside(self, name: str) -> FileExamination:
        """The checkpoint of that name in the file's folder.

        Raises:
            Unavailable: there is none, or it cannot wholly be read.
        """
        if name not in self._beside:
            self._beside[name] = self._opened(name)
        return _available(self._beside[name])  # type: ignore[no-any-return]

    def asked(self, kind: type[A], subject: object) -> list[A]:
        """Analyses of a kind that were asked of a subject and have a result."""
        return [
            analysis
            for (analysis, _), (of, result) in self._results.items()
            if isinstance(analysis, kind) and of is subject and not isinstance(result, Unavailable)
        ]

    def values(self, tensor: Tensor) -> Array:
        """A tensor's values on the device, not to be written to.

        Raises:
            Unavailable: they are none to compute with.
            UnreadableError: the bytes cannot be read.
        """
        return values_on(self.device, tensor)

    def dequantised(self, name: str) -> Array:
        """A tensor's values by its name; those of a quantised weight computed from its codes.

        Raises:
            Unavailable: they are none to compute with.
            UnreadableError: the bytes cannot be read.
        """
        quantisation = self.result(QuantisedWeights(), self.checkpoint)
        weight = quantisation.weights.get(name) or quantisation.weights.get(
            quantisation.parts.get(name, "")
        )
        if weight is None or (name != weight.name and name != weight.parts["codes"].name):
            return self.values(self.checkpoint.tensors[name])
        return dequantised_on(self.device, weight)

    def _let_go(self, kept: object) -> None:
        """Drop the large results on other subjects: a network of many blocks has many."""
        for key in [key for key in self._results if key[0].is_large and key[1] != kept]:
            del self._results[key]

    def _opened(self, name: str) -> FileExamination | Unavailable:
        if self._opening is None or os.path.basename(name) != name:  # noqa: PTH119
            return Unavailable(f"nothing beside the checkpoint can be read as {name!r}")
        try:
            return self._opening(name)
        except UnreadableError as error:
            return Unavailable(f"{name} {error}")

    def _visit_late(self, analysis: TensorAnalysis[Any]) -> None:
        """A visit for an analysis that nobody announced; what others examined stays examined."""
        if analysis not in self._of_tensors:
            unexamined = dict(self.unexamined)
            self.visit_tensors([analysis])
            self.unexamined = unexamined

    def _of_tensor(self, analysis: TensorAnalysis[R], tensor: Tensor) -> R:
        self._visit_late(analysis)
        results: Mapping[str, R] = self._of_tensors[analysis]
        if tensor.name in results:
            return results[tensor.name]
        reason = self.unexamined.get(tensor.name, f"{analysis.name} does not apply to it")
        raise Unavailable(f"tensor {tensor.name}: {reason}")

    def _computed(self, analysis: Analysis[S, R], subject: S) -> Any:
        """A result, or the reason why there is none, to be kept in its place."""
        try:
            computing = self._computing(analysis)
            return computing.compute(subject, _Inputs(self, computing))
        except Unavailable as unavailable:
            return unavailable


class RuleExamination:
    """An examination as one rule sees it: it may ask for what its `needs` name, and no more."""

    def __init__(self, file: FileExamination, asker: str, needs: frozenset[Any]) -> None:
        self.checkpoint = file.checkpoint
        self._file = file
        self._asker = asker
        self._needs = needs

    @property
    def networks(self) -> tuple[Network, ...]:
        """The file's networks."""
        return self._file.networks

    @property
    def unplaced(self) -> tuple[Unplaced, ...]:
        """Weights that stand in no network, and why."""
        return self._file.unplaced

    @property
    def unexamined(self) -> Mapping[str, str]:
        """By tensor name, why no tensor analysis could examine it."""
        return self._file.unexamined

    @property
    def selected(self) -> frozenset[str]:
        """Codes of all rules that judge the file."""
        return self._file.selected

    @property
    def reference(self) -> RuleExamination | None:
        """The checkpoint that this one is compared with, seen in the same way."""
        file = self._file.reference
        return None if file is None else RuleExamination(file, self._asker, self._needs)

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        """The analysis' result on a subject."""
        _require_declared(analysis, self._needs, self._asker)
        return self._file.result(analysis, subject)

    def results(self, analysis: TensorAnalysis[R]) -> Iterator[tuple[Tensor, R]]:
        """Every tensor that the analysis examined, with its result."""
        _require_declared(analysis, self._needs, self._asker)
        return self._file.results(analysis)


class _Inputs:
    """What an analysis may read; implements `modlint.analysis.base.Inputs`."""

    def __init__(self, examination: FileExamination, analysis: Analysis[Any, Any]) -> None:
        self._examination = examination
        self._analysis = analysis
        self._needs = frozenset(analysis.needs())
        self.progress = examination.progress

    @property
    def device(self) -> Device:
        return self._examination.device

    @property
    def torch_device(self) -> torch.device:
        return self._examination.torch_device

    def device_for(self, work: int) -> Device:
        return self._examination.graph_device_for(work)

    @property
    def reference(self) -> _Inputs:
        reference = self._examination.reference
        if reference is None:
            raise Unavailable("no checkpoint to compare with: give --baseline-model")
        return _Inputs(reference, self._analysis)

    def beside(self, name: str) -> Opened:
        opened = self._examination.beside(name)
        return Opened(opened.checkpoint, _Inputs(opened, self._analysis))

    def weight(self, name: str) -> Array:
        try:
            return self._examination.dequantised(name)
        except (Unavailable, UnreadableError) as error:
            raise Unavailable(f"tensor {name}: {error}") from error

    def stored(self, name: str) -> Array:
        checkpoint = self._examination.checkpoint
        tensors = checkpoint.tensors
        quantised = self._examination.result(QuantisedWeights(), checkpoint).weights.get(name)
        packed = (
            quantised is not None and name in tensors and quantised.shape != tensors[name].shape
        )
        if name not in tensors or packed:
            return self.weight(name)
        try:
            return self._examination.values(tensors[name])
        except (Unavailable, UnreadableError) as error:
            raise Unavailable(f"tensor {name}: {error}") from error

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        _require_declared(analysis, self._needs, self._analysis.name)
        return self._examination.result(analysis, subject)


def tensor_analyses(needs: Iterable[Analysis[Any, Any]]) -> list[TensorAnalysis[Any]]:
    """The tensor analyses among these and among what they need in turn, each once."""
    found: dict[Analysis[Any, Any], None] = {}
    pending = list(needs)
    while pending:
        analysis = pending.pop(0)
        if analysis not in found:
            found[analysis] = None
            pending += analysis.needs()
    return [analysis for analysis in found if isinstance(analysis, TensorAnalysis)]


def _identity(subject: object) -> object:
    """What tells subjects apart: the object itself, however alike another may be."""
    return tuple(map(id, subject)) if isinstance(subject, Pair) else id(subject)


def _available(result: Any) -> Any:
    if isinstance(result, Unavailable):
        raise Unavailable(str(result))
    return result


def _require_declared(analysis: Analysis[Any, Any], needs: frozenset[Any], asker: str) -> None:
    if analysis not in needs:
        raise UndeclaredNeed(f"{asker} asks for {analysis!r}, which its needs() do not name")
