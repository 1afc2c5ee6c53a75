"""Which operations belong to which block of a network."""

from __future__ import annotations

from modlint.network import Activation, Call, Network, Norm, Operation

_BEFORE = -1


class Sections:
    """A network's operations by block.

    A call belongs to the block whose name its own begins with. Whatever else makes a value belongs
    to the last block that has gone into it; a norm or activation that only a later one reads, to
    that.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._number = {name: i for i, name in enumerate(network.blocks)}
        self._lengths = sorted({name.count(".") + 1 for name in network.blocks})
        self._owner = self._owners()

    def operations(self, block: str) -> tuple[Operation, ...]:
        """Those of a block, in topological order."""
        number = self._number[block]
        return tuple(op for op in self.network.operations if self._owner[op.target] == number)

    def _owners(self) -> dict[str, int]:
        """By the value that it makes, the number of the block that each operation belongs to."""
        owner = {value.name: _BEFORE for value in self.network.values}
        after = len(self._number)
        begun = False
        for op in self.network.operations:
            if isinstance(op, Call):
                number = self._block_of(op)
                begun |= number is not None
                owner[op.target] = number if number is not None else after if begun else _BEFORE
            else:
                owner[op.target] = max((owner[span.value] for span in op.reads), default=_BEFORE)
        for op in reversed(self.network.operations):
            readers = self.network.readers[op.target]
            if isinstance(op, Norm | Activation) and readers:
                owner[op.target] = max(
                    owner[op.target], min(owner[reader.target] for reader in readers)
                )
        return owner

    def _block_of(self, call: Call) -> int | None:
        words = call.name.split(".")
        for length in self._lengths:
            number = self._number.get(".".join(words[:length]))
            if number is not None:
                return number
        return None
