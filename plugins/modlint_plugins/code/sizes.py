"""Sizes in a configuration of transformers that no machine can make a network of.

`from_pretrained` builds the network that `config.json` describes before it looks at a tensor: a
module in Python for each layer, and in releases before 5 every tensor in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table

KIND = "absurd-size"
MAX_LAYERS = 10_000
"""Layers of a network; published ones have up to about a thousand."""
MAX_ELEMENTS = 1 << 38
"""Elements of one matrix, a tebibyte in single precision; published ones have up to 2 ** 34."""

_LAYERS = (
    "num_hidden_layers",
    "n_layer",
    "n_layers",
    "num_layers",
    "encoder_layers",
    "decoder_layers",
    "num_encoder_layers",
    "num_decoder_layers",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
)
_WIDTHS = ("hidden_size", "n_embd", "d_model", "dim", "embedding_size")
_HEIGHTS = (
    *_WIDTHS,
    "vocab_size",
    "intermediate_size",
    "n_inner",
    "ffn_dim",
    "d_ff",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
)
_MARKS = ("model_type", "architectures")
_HELP = "do not build this network; ask its author for its configuration"


def examine_sizes(table: Table) -> Iterator[Remark]:
    """Remarks on the sizes of a configuration that names a model of transformers."""
    if not any(table.holds(mark) for mark in _MARKS):
        return
    for key in _LAYERS:
        for layers in _numbers(table, key):
            if layers > MAX_LAYERS:
                yield Remark(KIND, f"asks for {layers:,} layers or parts ({key})", help=_HELP)
    width = max((size for key in _WIDTHS for size in _numbers(table, key)), default=1)
    for key in _HEIGHTS:
        for height in _numbers(table, key):
            if height * width > MAX_ELEMENTS:
                message = f"asks for a matrix of {height:,} × {width:,} elements ({key})"
                yield Remark(KIND, message, help=_HELP)


def _numbers(table: Table, key: str) -> Iterator[int]:
    """The sizes that a key gives; what is longer than a size stands for the largest."""
    for value in table.values(key):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            yield int(min(value, 1 << 63))
        elif isinstance(value, str) and value.isdecimal():
            yield 1 << 63
