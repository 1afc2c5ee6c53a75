"""The bases of analyses: pure computations that rules share, each done once for each subject.

An analysis is a frozen struct whose fields are its parameters: two rules that ask for equal
analyses share one result. Its base says what its subject is. The modules here declare analyses and
stay light; what comes out lies in `modlint.results`, and the numerics, which import numpy and
torch, in `modlint.numerics`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypeVar,
)

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Tensor
from modlint.network import Call, Network

if TYPE_CHECKING:
    import torch

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S")

Array: TypeAlias = Any
"""A numpy array on the CPU, a torch tensor where torch computes."""

Device: TypeAlias = "Literal['cpu'] | torch.device"
"""Where to compute: "cpu" with numpy, a `torch.device` with torch."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


class Pair(NamedTuple, Generic[S]):
    """A subject beside its counterpart in the reference.

    Attributes:
        subject: of the file that is examined.
        reference: of the checkpoint that it is compared with.
    """

    subject: S
    reference: S


class Opened(NamedTuple):
    """Another checkpoint of the same folder.

    Attributes:
        checkpoint: as its readers read it.
        inputs: what an analysis may read of it.
    """

    checkpoint: Checkpoint
    inputs: Inputs


class Analysis(Struct, Generic[S, R], frozen=True):
    """Base of all analyses: of a subject S a result R.

    Attributes:
        name: for `modlint plugins` ("tensor-statistics").
        description: one line for `modlint plugins`.
        by_plugin: whether it is only declared: a plugin offers a subclass that computes it.
        is_large: whether its results are kept for one subject at a time: the graph of a network.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    by_plugin: ClassVar[bool] = False
    is_large: ClassVar[bool] = False

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The analyses, of any subject, that it asks its inputs for: all of them."""
        return ()


class Inputs(Protocol):
    """What an analysis may read."""

    @property
    def device(self) -> Device:
        """Where to compute, with numpy or torch alike."""
        ...

    @property
    def torch_device(self) -> torch.device:
        """Where to compute what only torch computes.

        Raises:
            Unavailable: torch is not installed.
        """
        ...

    def device_for(self, work: int) -> Device:
        """Where to compute with a network's graph, by the edges that are to be visited in all."""
        ...

    @property
    def progress(self) -> Progress:
        """To be called as work is done."""
        ...

    @property
    def reference(self) -> Inputs:
        """The same of the checkpoint that the file is compared with.

        Raises:
            Unavailable: there is none, or it cannot be read.
        """
        ...

    def beside(self, name: str) -> Opened:
        """The checkpoint of that name in the file's folder, read once for all who ask.

        Raises:
            Unavailable: there is none, or it cannot wholly be read.
        """
        ...

    def weight(self, name: str) -> Array:
        """A tensor's values by its name, on the device, in its own shape and type; read-only.

        Those of a quantised weight, by its name or that of its codes, are dequantised: float32.

        Raises:
            Unavailable: they are codes that are not understood, or cannot be read.
        """
        ...

    def stored(self, name: str) -> Array:
        """A tensor's elements as they are stored, codes too: enough to tell which are zero.

        A quantised weight that is no tensor of the file is dequantised.

        Raises:
            Unavailable: they cannot be read.
        """
        ...

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        """Another analysis' result, computed once for each subject; `needs` names the analysis.

        Raises:
            Unavailable: it has none.
        """
        ...


class FileAnalysis(Analysis[Checkpoint, R], frozen=True):
    """Computed on the file's structure; never needs torch."""

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this file; rules become inconclusive.
        """
        raise NotImplementedError


class Chunk(Protocol):
    """Some of a tensor's elements: a block of its first two axes with all that lies behind them.

    Its arrays have the shape (rows, columns, rest); tensors of one axis have one column. They are
    read-only, and only good until the next chunk comes: their memory is used again.
    """

    @property
    def stored(self) -> Array:
        """As they are stored, in the tensor's own type; of complex32 two fields, real and imag."""
        ...

    @property
    def floats(self) -> Array:
        """In float32 where that holds every value of the tensor's type, else as `values`.

        Converted when first asked for, and without cost where they are stored so.
        """
        ...

    @property
    def values(self) -> Array:
        """In float64, or complex128 for complex types, whatever the tensor's own type.

        Converted when first asked for; that alone costs as much as `floats` takes to be measured.
        """
        ...

    @property
    def rows(self) -> slice:
        """Which indices of the first axis they are of."""
        ...

    @property
    def columns(self) -> slice:
        """Which indices of the second axis."""
        ...

    @property
    def start(self) -> int:
        """Row-major index of the first of them."""
        ...


class Accumulator(Protocol[R_co]):
    """What measures one tensor, chunk by chunk.

    Those of an analysis with `in_parts` have a method `join(later)` too, which takes in what
    another has measured of the elements that follow.
    """

    def add(self, chunk: Chunk, /) -> None:
        """Take in the next elements; chunks come in row-major order."""
        ...

    def end(self) -> R_co:
        """The result, after the last chunk; a tensor without elements has none."""
        ...


class TensorAnalysis(Analysis[Tensor, R], frozen=True):
    """Computed on one tensor at a time.

    The engine reads each tensor once, in chunks that stay in cache, and hands each chunk to every
    analysis that is needed. Tensors are measured on several threads, and a large one on several at
    once where every analysis that accepts it has accumulators that can be joined.

    Attributes:
        in_parts: whether they can. A large tensor is then always measured in parts, whatever the
            number of threads, so that this does not show in the result.
    """

    in_parts: ClassVar[bool] = False

    def accepts(self, tensor: Tensor) -> bool:
        """Whether the analysis has something to say of such a tensor."""
        raise NotImplementedError

    def begin(self, tensor: Tensor) -> Accumulator[R]:
        """What is to be given the tensor's chunks.

        Args:
            tensor: what the file says of it.
        """
        raise NotImplementedError


class WholeTensorAnalysis(Analysis[Tensor, R], frozen=True):
    """Computed on one tensor whose values it needs more than once, or in another order.

    It reads them by `inputs.weight`, a bounded piece at a time; whoever needs one pass only is a
    `TensorAnalysis`.
    """

    def compute(self, tensor: Tensor, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this tensor; rules become inconclusive.
        """
        raise NotImplementedError


class LayerAnalysis(Analysis[Call, R], frozen=True):
    """Computed on one layer of a network."""

    def compute(self, layer: Call, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this layer; rules become inconclusive.
        """
        raise NotImplementedError


class NetworkAnalysis(Analysis[Network, R], frozen=True):
    """Computed on one network."""

    def compute(self, network: Network, inputs: Inputs) -> R:
        """Compute.

        Raises:
            Unavailable: there is no answer for this network; rules become inconclusive.
        """
        raise NotImplementedError


class PairAnalysis(Analysis[Pair[S], R], frozen=True):
    """Computed on a subject and its counterpart in the reference."""

    def compute(self, pair: Pair[S], inputs: Inputs) -> R:
        """Compute; `inputs.reference` answers for the counterpart.

        Raises:
            Unavailable: there is no answer for this pair; rules become inconclusive.
        """
        raise NotImplementedError
