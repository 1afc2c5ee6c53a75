"""The walk over a file and everything in it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Remark
from modlint.errors import UnreadableError
from modlint.pickles import PickleTrace
from modlint.reader import Found
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
from modlint_plugins.code import examine
from modlint_plugins.code.bytecode import examine_scripted
from modlint_plugins.pickling.scan import Interpretation
from modlint_plugins.readers.contained import Allowance
from modlint_plugins.readers.torch.reading import within
from modlint_plugins.remarks import Remarks
from modlint_plugins.sweep.arrays import pickle_offsets
from modlint_plugins.sweep.containers import inside
from modlint_plugins.sweep.explained import Explained
from modlint_plugins.sweep.pickles import chain
from modlint_plugins.sweep.programs import program_remark
from modlint_plugins.sweep.run import Run
from modlint_plugins.sweep.texts import encoded, encoded_in
from modlint_plugins.sweep.trees import trees_remark

MAX_DEPTH = 6
"""Containers and literals around what is searched."""
MAX_CODE_SECONDS = 15.0
"""Seconds spent on looking for code in one file."""
_SHARED = 64
"""Bytes that a run must have for another at the same place to be the same."""


class ContentSweep:
    """Searches every run of bytes by content."""

    name = "content"
    description = "pickles, archives, programs and code in every byte, whatever holds them"

    def sweep(self, source: Source, checkpoints: Sequence[Checkpoint]) -> Found:
        """Search the file and every member, and give what no reader explained."""
        whole = Run(source.view, None, source.path.name, 0)
        walk = _Walk(Explained(checkpoints))
        try:
            walk.visit(whole)
            for checkpoint in checkpoints:
                walk.visit_metadata(whole, checkpoint)
        except UnreadableError as error:
            walk.faults.add(Remark("unsearched", f"is not wholly searched: {error}"))
        return Found(tuple(walk.traces), tuple(walk.remarks), tuple(walk.faults))


class _Walk:
    """One file being searched; nothing is looked at twice.

    Attributes:
        traces: pickles that no reader interpreted.
        remarks: what was noticed.
        faults: what could not be searched.
    """

    def __init__(self, explained: Explained) -> None:
        self.traces: list[PickleTrace] = []
        self.remarks = Remarks()
        self.faults = Remarks()
        self._explained = explained
        self._allowance = Allowance()
        self._visited: set[tuple[int, int, str]] = set()
        self._seconds = 0.0

    def visit(self, run: Run) -> None:
        """Search a run and everything in it.

        Raises:
            UnreadableError: a limit is reached.
        """
        if self._was_visited(run) or not len(run.view):
            return
        self._allowance.check_time()
        if run.depth > MAX_DEPTH:
            message = f"{run.member}: containers are nested more than {MAX_DEPTH} deep"
            self.faults.add(Remark("limit", message, run.member))
            return
        self._look_at(run)
        for found in inside(run, self._allowance):
            self.visit(found)
        for found in encoded(run):
            self._visit_hidden(found)
        self._search_pickles(run)

    def visit_metadata(self, run: Run, checkpoint: Checkpoint) -> None:
        """Search the texts that a reader found beside the tensors."""
        for key, value in checkpoint.metadata.items():
            if isinstance(value, str):
                for found in encoded_in(run, f"metadata {key[:100]!r}", value):
                    self._visit_hidden(found)

    def _was_visited(self, run: Run) -> bool:
        if run.origin is None or len(run.view) < _SHARED:
            return False
        place = run.origin, len(run.view), run.name
        known = place in self._visited
        self._visited.add(place)
        return known

    def _look_at(self, run: Run) -> None:
        """Note code and programs."""
        if not self._explained.is_storage(run) or not _is_key(run.name):
            program = program_remark(run)
            if program is not None:
                self.remarks.add(program)
            self._examine(run)

    def _examine(self, run: Run) -> None:
        """Note code, while there is time."""
        if self._seconds > MAX_CODE_SECONDS:
            message = f"its texts take more than {MAX_CODE_SECONDS:g} seconds to search for code"
            self.faults.add(Remark("limit", message))
            return
        started = time.thread_time()
        for remark in examine(run.view, run.name, run.siblings):
            self.remarks.add(replace(remark, member=run.member))
        self._seconds += time.thread_time() - started

    def _search_pickles(self, run: Run) -> None:
        storage = self._explained.is_storage(run)
        for start in (0, *pickle_offsets(run.view)):
            data = storage and not start  # behind an array's header a loader looks for objects
            for found in chain(run, start, self._allowance.budget, storage=data):
                self._keep(run, found)
                for remark in examine_scripted(found.trace, run.name):
                    self.remarks.add(replace(remark, member=run.member))
                trees = trees_remark(found.trace)
                if trees is not None:
                    self.remarks.add(trees)
                for literal in _literals(run, found):
                    self._visit_hidden(literal)

    def _visit_hidden(self, run: Run) -> None:
        self.visit(run)

    def _keep(self, run: Run, found: Interpretation) -> None:
        trace = found.trace
        if self._explained.has_pickle(run, trace):
            return
        if run.origin is None:
            self._explained.add(trace)
        self.traces.append(trace)
        if not run.nested and not self._explained.is_read(run, trace):
            message = f"{trace.nbytes:,} bytes that no loader takes for a pickle are one"
            self.remarks.add(Remark("hidden-pickle", message, run.member, trace.offset))
        for offset, kind, what in found.hazards:
            self.remarks.add(Remark(kind, what, run.member, offset))


def _is_key(name: str) -> bool:
    """Whether a storage is called as writers call it; others may be taken for a module as well."""
    return "." not in name.rpartition("/")[2]


def _literals(run: Run, found: Interpretation) -> Iterator[Run]:
    """What the bytes literals of a pickle hold."""
    blobs = (*found.embedded, *(nested.blob for nested in found.nested))
    for blob in blobs:
        member = within(run.segment, blob)
        nested = bytes(blob.view[:4]) == LOCAL_MAGIC
        yield Run(blob.view, member, member, blob.offset, (), run.depth + 1, nested)
