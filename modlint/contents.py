"""What is in a file, inert: what `modlint inspect` shows, as JSON names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from modlint.builder import Built
from modlint.checkpoint import Checkpoint, Status, Tensor
from modlint.json_text import json_text, plain
from modlint.network_contents import NetworkContents, UnplacedContents
from modlint.secret_texts import masked, masked_value
from modlint.text import count

if TYPE_CHECKING:
    import pandas


class TensorContents(msgspec.Struct, frozen=True):
    """A tensor, as the JSON contract names its facts; `bytes` are those of its elements."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    member: str | None
    offset: int | None

    @classmethod
    def of(cls, tensor: Tensor) -> TensorContents:
        """Summarise a tensor."""
        member = tensor.storage.member
        return cls(
            tensor.name, tensor.dtype.name, tensor.shape, tensor.nbytes, member, tensor.offset
        )


class Contents(msgspec.Struct, frozen=True):
    """Everything in a file, inert."""

    path: str
    status: Status
    format: str
    bytes: int
    parameters: int
    metadata: Mapping[str, Any]
    remarks: tuple[str, ...]
    faults: tuple[str, ...]
    tensors: tuple[TensorContents, ...]
    networks: tuple[NetworkContents, ...]
    unplaced: tuple[UnplacedContents, ...]

    @classmethod
    def of(cls, checkpoint: Checkpoint, built: Built, *, edges: bool = False) -> Contents:
        """Summarise a checkpoint and its networks; with their edges, where those are asked for."""
        return cls(
            str(checkpoint.path),
            checkpoint.status,
            checkpoint.format,
            checkpoint.nbytes,
            checkpoint.parameters,
            {masked(str(key)): masked_value(held) for key, held in checkpoint.metadata.items()},
            tuple(masked(remark.message) for remark in checkpoint.remarks),
            tuple(masked(fault.message) for fault in checkpoint.faults),
            tuple(TensorContents.of(tensor) for tensor in checkpoint.tensors.values()),
            tuple(
                NetworkContents.of(network, checkpoint.tensors, edges=edges)
                for network in built.networks
            ),
            tuple(UnplacedContents(weight.tensor, weight.reason) for weight in built.unplaced),
        )

    @classmethod
    def merged(cls, found: Iterable[Contents]) -> Contents:
        """The contents of a file that is several containers at once."""
        first, *others = found
        for other in others:
            first = cls(
                first.path,
                first.status,
                f"{first.format}+{other.format}",
                first.bytes,
                first.parameters + other.parameters,
                {**other.metadata, **first.metadata},
                first.remarks + other.remarks,
                first.faults + other.faults,
                first.tensors + other.tensors,
                first.networks + other.networks,
                first.unplaced + other.unplaced,
            )
        return first

    def to_json(self) -> str:
        """The contents as indented JSON; what JSON cannot hold is shown as Python spells it."""
        return json_text(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `modlint inspect`, as dictionaries and lists."""
        return plain(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each tensor.

        Raises:
            ImportError: pandas is not installed.
        """
        from modlint.frames import dataframe

        return dataframe(self.to_dict()["tensors"], TensorContents.__struct_fields__)

    def _repr_html_(self) -> str:
        from modlint.notebook.contents import contents_html

        networks = [network.summary for network in self.networks]
        return contents_html(self.to_dict(), self._summary(), networks)

    def __repr__(self) -> str:
        return f"<modlint.Contents of {self.path}: {self._summary()}>"

    def _summary(self) -> str:
        tensors, parameters = (
            count(len(self.tensors), "tensor"),
            count(self.parameters, "parameter"),
        )
        return f"{self.format}, {tensors}, {parameters}"
