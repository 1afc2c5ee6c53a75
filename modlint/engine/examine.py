"""One file under examination: runs the analyses that rules need, each once, and keeps results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from modlint.analysis.base import (
    Array,
    Device,
    FileAnalysis,
    NetworkAnalysis,
    Progress,
    TensorAnalysis,
)
from modlint.analysis.codes import scale_of
from modlint.analysis.values import device_for, torch_device_for, values_on
from modlint.checkpoint import Checkpoint, Tensor
from modlint.engine.visit import visit
from modlint.errors import Unavailable, UnreadableError
from modlint.network import Network

if TYPE_CHECKING:
    import torch

R = TypeVar("R")


class FileExamination:
    """The results of analyses on one checkpoint; implements `modlint.rule.Examination`."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        networks: tuple[Network, ...],
        device: str,
        progress: Progress,
        internal_errors: list[str],
        baseline: FileExamination | Unavailable | None = None,
        computing: Callable[[FileAnalysis[Any]], FileAnalysis[Any]] = lambda analysis: analysis,
    ) -> None:
        self.checkpoint = checkpoint
        self.networks = networks
        self.progress = progress
        self.internal_errors = internal_errors
        self.unexamined: dict[str, str] = {}
        self._baseline = baseline
        self._computing = computing
        self._device_setting = device
        self._device: Device | None = None
        self._torch_device: torch.device | None = None
        self._of_file: dict[FileAnalysis[Any], Any] = {}
        self._of_tensors: dict[TensorAnalysis[Any], dict[str, Any]] = {}
        self._of_networks: dict[tuple[NetworkAnalysis[Any], str], Any] = {}

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

    @property
    def baseline(self) -> FileExamination | None:
        """The checkpoint that this one is compared with, None where there is none.

        Raises:
            Unavailable: it cannot be read.
        """
        return _available(self._baseline)  # type: ignore[no-any-return]

    @property
    def used_device(self) -> str | None:
        """The device's type ("cpu"), None where nothing was computed."""
        used = (device for device in (self._device, self._torch_device) if device is not None)
        return max((getattr(device, "type", "cpu") for device in used), default=None)

    @property
    def used_torch(self) -> bool:
        """Whether torch computed anything."""
        return self._torch_device is not None or self._device not in (None, "cpu")

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

    def file(self, analysis: FileAnalysis[R]) -> R:
        """The analysis' result on the file, computed when first asked for.

        Raises:
            Unavailable: it has none.
        """
        if analysis not in self._of_file:
            self._of_file[analysis] = _computed(
                lambda: self._computing(analysis).compute(self.checkpoint)
            )
        return _available(self._of_file[analysis])  # type: ignore[no-any-return]

    def tensors(self, analysis: TensorAnalysis[R]) -> Iterator[tuple[Tensor, R]]:
        """Every tensor that the analysis examined, with its result, in the file's order."""
        results: Mapping[str, R] = self._of_tensors[analysis]
        for name, result in results.items():
            yield self.checkpoint.tensors[name], result

    def network(self, analysis: NetworkAnalysis[R], network: Network) -> R:
        """The analysis' result on a network, computed when first asked for.

        Raises:
            Unavailable: it has none.
        """
        key = (analysis, network.id)
        if key not in self._of_networks:
            inputs = _NetworkInputs(self, network)
            self._of_networks[key] = _computed(lambda: analysis.compute(network, inputs))
        return _available(self._of_networks[key])  # type: ignore[no-any-return]

    def values(self, tensor: Tensor) -> Array:
        """A tensor's values on the device, not to be written to.

        Raises:
            Unavailable: they are none to compute with.
            UnreadableError: the bytes cannot be read.
        """
        return values_on(self.device, tensor)


def _computed(compute: Callable[[], Any]) -> Any:
    """A result, or the reason why there is none, to be kept in its place."""
    try:
        return compute()
    except Unavailable as unavailable:
        return unavailable


def _available(result: Any) -> Any:
    if isinstance(result, Unavailable):
        raise Unavailable(str(result))
    return result


class _NetworkInputs:
    """What a network analysis may read; implements `modlint.analysis.base.Inputs`."""

    def __init__(self, examination: FileExamination, network: Network) -> None:
        self._examination = examination
        self._network = network
        self.progress = examination.progress

    @property
    def device(self) -> Device:
        return self._examination.device

    @property
    def torch_device(self) -> torch.device:
        return self._examination.torch_device

    def weight(self, name: str) -> Array:
        tensors = self._examination.checkpoint.tensors
        scale = scale_of(tensors[name], tensors)
        if scale is not None:
            kind = tensors[name].dtype.name
            raise Unavailable(
                f"tensor {name}: {kind} codes, which {scale} scales: their values are not computed"
            )
        return self.stored(name)

    def stored(self, name: str) -> Array:
        try:
            return self._examination.values(self._examination.checkpoint.tensors[name])
        except (Unavailable, UnreadableError) as error:
            raise Unavailable(f"tensor {name}: {error}") from error

    def result(self, analysis: NetworkAnalysis[R]) -> R:
        return self._examination.network(analysis, self._network)
