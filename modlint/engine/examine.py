"""One file under examination: runs the analyses that rules need, each once, and keeps results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from modlint.analysis.base import FileAnalysis, NetworkAnalysis, Progress, TensorAnalysis
from modlint.analysis.values import device_for, values_on
from modlint.checkpoint import Checkpoint, Tensor
from modlint.engine.bounds import most_viewed
from modlint.errors import Unavailable, UnreadableError, explained
from modlint.network import Network

if TYPE_CHECKING:
    import torch

R = TypeVar("R")

_PAST_LIMIT = "the tensors before it view as many bytes as are examined of one file"


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
        self._device: torch.device | None = None
        self._of_file: dict[FileAnalysis[Any], Any] = {}
        self._of_tensors: dict[TensorAnalysis[Any], dict[str, Any]] = {}
        self._of_networks: dict[tuple[NetworkAnalysis[Any], str], Any] = {}

    @property
    def device(self) -> torch.device:
        """Where the analyses compute, chosen when first needed."""
        if self._device is None:
            self._device = device_for(self._device_setting, self.checkpoint.parameters)
        return self._device

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
        return self._device.type if self._device else None

    def visit_tensors(self, analyses: Iterable[TensorAnalysis[Any]]) -> None:
        """Visit each tensor once, run on it every analysis that accepts it, and let it go.

        Analyses that ran in an earlier visit do not run again.
        """
        new = [analysis for analysis in analyses if analysis not in self._of_tensors]
        self._of_tensors |= {analysis: {} for analysis in new}
        tensors = self.checkpoint.tensors
        if not new:
            return
        most = most_viewed(tensors.values())
        viewed = 0
        for done, tensor in enumerate(tensors.values()):
            self.progress("examining tensors", done, len(tensors))
            viewed += tensor.nbytes
            reason = self._visit(tensor, new) if viewed <= most else _PAST_LIMIT
            if reason is not None:
                self.unexamined[tensor.name] = reason

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

    def values(self, tensor: Tensor) -> torch.Tensor:
        """A tensor's values on the device, not to be written to.

        Raises:
            Unavailable: torch cannot hold them.
            UnreadableError: the bytes cannot be read.
        """
        return values_on(self.device, tensor)

    def _visit(self, tensor: Tensor, analyses: Iterable[TensorAnalysis[Any]]) -> str | None:
        """Run tensor analyses on one tensor; why it could not be examined, if so."""
        try:
            accepting = [analysis for analysis in analyses if analysis.accepts(tensor)]
            if not accepting:
                return f"elements of type {tensor.dtype.name} are not examined"
            values = self.values(tensor)
            for analysis in accepting:
                self._of_tensors[analysis][tensor.name] = analysis.measure(values, tensor)
        except (Unavailable, UnreadableError) as error:
            return str(error)
        except Exception as error:  # a plugin's analysis may raise anything
            reason = f"internal error: {explained(error)}"
            self.internal_errors.append(f"tensor {tensor.name}: {reason}")
            return reason
        return None


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
    def device(self) -> torch.device:
        return self._examination.device

    def weight(self, name: str) -> torch.Tensor:
        try:
            return self._examination.values(self._examination.checkpoint.tensors[name])
        except (Unavailable, UnreadableError) as error:
            raise Unavailable(f"tensor {name}: {error}") from error

    def result(self, analysis: NetworkAnalysis[R]) -> R:
        return self._examination.network(analysis, self._network)
