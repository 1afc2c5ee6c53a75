"""Reader of any other file that is a pickle: one, or several that follow one another."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint.source import Source
from modlint_plugins.archives.zip.archive import LOCAL_MAGIC
from modlint_plugins.pickling.scan import begins_as_pickle
from modlint_plugins.pickling.stacked import is_legacy
from modlint_plugins.readers.contained import budget_of
from modlint_plugins.readers.torch.distributed import is_distributed
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment
from modlint_plugins.readers.torch.tensors import TensorCollector


class PlainPickleReader:
    """Pickles that are not PyTorch's own."""

    name = "pickle"
    description = "plain pickles; read symbolically, never executed"
    family = "pickle"

    def sniff(self, source: Source) -> bool:
        """Whether the bytes are a pickle's, and not PyTorch's stacked ones."""
        view = source.view
        if not len(view) or is_legacy(view) or source.startswith(LOCAL_MAGIC):
            return False  # "P" begins a persistent id: no plain unpickler goes beyond it
        return not is_distributed(source) and begins_as_pickle(view)

    def read(self, source: Source) -> Checkpoint:
        """Read the file; what it holds beside arrays and tensors is only traced."""
        reading = Reading(open_nested, budget_of(source), fragment=True, joblib=True)
        segment = Segment(source.view)
        first = reading.interpret(segment)
        values = [first.value]
        if first.trace.incomplete is None:
            values += reading.scan_further(segment, first.end)
        collector = TensorCollector(reading)
        for index, value in enumerate(values):
            collector.collect(value, str(index) if len(values) > 1 else "")
        return collector.checkpoint(source, self.name)
