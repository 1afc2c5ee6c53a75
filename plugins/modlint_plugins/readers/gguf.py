"""GGUF (llama.cpp): the header is read, the tensors are not."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint, Remark, Status
from modlint.reader import FORMAT_NOT_READ
from modlint.source import Source
from modlint_plugins.archives.gguf import MAGIC, read_header, shown

_MESSAGE = (
    "is a GGUF file (llama.cpp): its header was examined, its tensors are not read by this "
    "version of modlint"
)
_HELP = "check the model as safetensors, as a PyTorch state_dict or as ONNX"


class GgufReader:
    """Reads the pairs of the header; SEC003 judges the templates among them."""

    name = "gguf"
    description = "GGUF (llama.cpp): header read, tensors not"
    family = "gguf"

    def sniff(self, source: Source) -> bool:
        """Whether the file begins as GGUF does."""
        return source.startswith(MAGIC)

    def read(self, source: Source) -> Checkpoint:
        """Read the header; `metadata` holds its pairs, the file counts as unreadable."""
        header = read_header(source.view)
        return Checkpoint(
            path=source.path,
            format=self.name,
            nbytes=source.nbytes,
            status=Status.UNREADABLE,
            metadata=dict(shown(header.metadata)),
            faults=(Remark(FORMAT_NOT_READ, _MESSAGE, help=_HELP), *header.faults),
        )
