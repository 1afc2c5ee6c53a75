"""Rules that judge the dataflow of an ONNX model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modlint.analysis.dataflow import OnnxDataflow
from modlint.results.dataflow import Dataflow
from modlint.rule import Examination, Need, OptionsT
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.verdict import Verdict

DATAFLOW = OnnxDataflow()
NO_GRAPH = "the file is no ONNX model"
_SHOWN = 3


class OnnxGraphRule(FileRule[OptionsT]):
    """A check of an ONNX model; it does not apply to other files."""

    def needs(self) -> tuple[Need, ...]:
        """The dataflow."""
        return (DATAFLOW,)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Every verdict on a model."""
        if file.checkpoint.format == "onnx":
            yield from super().check(file)
        else:
            yield self.not_applicable(whole_file(file.checkpoint), NO_GRAPH)

    def flow(self, file: Examination) -> Dataflow:
        """The dataflow of the file.

        Raises:
            Unavailable: there is none.
        """
        return file.result(DATAFLOW, file.checkpoint)


def shown(names: Iterable[str]) -> str:
    """The first few names, quoted."""
    listed = [repr(name) for name in names]
    more = ", …" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
