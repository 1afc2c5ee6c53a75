"""What a tensor of a file is in the module that was written to it."""

from __future__ import annotations

from dataclasses import dataclass

Place = tuple[str, int]


@dataclass(frozen=True)
class Match:
    """What a file's tensor is: one tensor of the module, or rows of several.

    Attributes:
        names: the module's tensors; of stacked recurrent weights one a direction.
        rows: for each row of the file's tensor the module's; None where they are the same.
        units: hidden units of stacked recurrent weights, else 0.
        gates: rows a unit has in one direction.
    """

    names: tuple[str, ...]
    rows: tuple[Place, ...] | None = None
    units: int = 0
    gates: int = 1

    def channel(self, number: int, *, highest: int) -> list[Place]:
        """The module's channel behind a claimed one.

        Those of stacked recurrent weights may be claimed as rows or as units, direction after
        direction: `highest`, the largest one claimed of this tensor, tells which.
        """
        if self.units:
            rows = highest >= self.units * len(self.names)
            way = number // (self.units * (self.gates if rows else 1))
            return [(self.names[way], number % self.units)] if way < len(self.names) else []
        if self.rows is None:
            return [(self.names[0], number)]
        return [self.rows[number]] if number < len(self.rows) else []

    def columns(self, number: int, producer: Place, *, stacked: bool) -> list[Place]:
        """The module's columns behind a claimed one.

        The state of stacked weights may be claimed as one (`stacked`) or as each direction's own,
        which then is the direction of the producer.
        """
        if self.units and len(self.names) > 1 and "weight_hh" in self.names[0]:
            if stacked:
                return [(self.names[number // self.units % len(self.names)], number % self.units)]
            way = producer[0].replace("weight_ih", "weight_hh")
            return [(n, number) for n in self.names if way not in self.names or n == way]
        return [(name, number) for name in self.names]
