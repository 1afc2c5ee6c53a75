"""Sizes in configurations that no machine can make a network of.

Loaders build what a configuration describes before they look at a tensor: a module in Python for
each layer, a label for each class, a table of positions or of filters, and, but for releases of
transformers from 5 on, every tensor in memory. Sources: transformers, `num_labels` of
`PreTrainedConfig`, `WhisperFeatureExtractor`; diffusers, `DDPMScheduler`, `UNet2DModel`; peft,
`LoraLayer`; timm, `create_model`; Sentence Transformers, `Dense`; Keras, `Dense`; GGUF's keys as
transformers reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table
from modlint_plugins.code.words import words

KIND = "absurd-size"
MAX_LAYERS = 10_000
"""Layers of a network; published ones have up to about a thousand."""
MAX_BLOCKS = 100_000
"""Blocks and stages by other names; a server's blocks of a cache go up to some ten thousands."""
MAX_LABELS = 10_000_000
"""Classes that a network tells apart; published ones have up to three millions."""
MAX_STEPS = 1_000_000
"""Steps of a noise schedule, virtual tokens, points of a Fourier transform."""
MAX_RANK = 100_000
"""Rank of an adapter, of which a matrix of a network has at most some ten thousands."""
MAX_POSITIONS = 100_000_000
"""Positions of a text; published models have up to ten millions."""
MAX_WIDTH = 10_000_000
"""Elements of one vector of a layer, vocabularies included."""
MAX_ELEMENTS = 1 << 38
"""Elements of one matrix, a tebibyte in single precision; published ones have up to 2 ** 34."""
MAX_LAYER = 1 << 31
"""Elements of the matrix of a layer that is described by itself: its two sizes."""


class _Limit(Struct, frozen=True):
    """Keys of sizes, the most that one may be, and what it counts."""

    keys: re.Pattern[str]
    most: int
    what: str


_LAYERS = re.compile(
    r"num_hidden_layers|n_layers?|num_layers|(?:encoder|decoder)_layers|num_(?:encoder|decoder)_layers"
    r"|layers_per_block|block_count"
    r"|n_(?:text|audio)_layer|transformer_layers_per_block|(?:num|n)_heads|num_attention_heads|n_head"
)
_LIMITS = (
    _Limit(_LAYERS, MAX_LAYERS, "layers or parts"),
    _Limit(
        re.compile(r"(?:\w+_)?(?:num|n)_(?:\w+_)?(?:layers|blocks|stages|experts)"
                   r"|depths?|layers|blocks|expert_count"),
        MAX_BLOCKS, "layers or parts",
    ),
    _Limit(re.compile(r"num_labels|num_classes|n_classes|num_queries"), MAX_LABELS, "classes"),
    _Limit(
        re.compile(r"num_train_timesteps|num_virtual_tokens|n_fft|fft_(?:length|size)"
                   r"|num_mel_bins|num_mel_filters|n_mels|(?:relative_attention_)?num_buckets"
                   r"|num_conv_pos_embeddings"),
        MAX_STEPS, "steps or points",
    ),
    _Limit(re.compile(r"r|rank|lora_r(?:ank)?|(?:init|target)_r"), MAX_RANK, "ranks of an adapter"),
    _Limit(
        re.compile(r"n_positions|max_(?:source|target)_positions|n_ctx"),
        MAX_POSITIONS, "positions",
    ),
    _Limit(
        re.compile(r"block_out_channels|hidden_sizes|conv_dim|embed_dims?|channels|units|filters"
                   r"|intermediate_size|hidden_size|d_model|n_embd|cross_attention_dim"
                   r"|embedding_length|feed_forward_length|type_vocab_size|token_dim|vector_length|num_vectors"),
        MAX_WIDTH, "elements of a vector",
    ),
)  # fmt: skip
_WIDTHS = ("hidden_size", "n_embd", "d_model", "dim", "embedding_size", "embedding_length")
_HEIGHTS = (
    *_WIDTHS,
    "vocab_size",
    "intermediate_size",
    "n_inner",
    "ffn_dim",
    "d_ff",
    "encoder_ffn_dim",
    "decoder_ffn_dim",
    "feed_forward_length",
)
_PAIRS = (("in_features", "out_features"), ("input_dim", "output_dim"))
"""Two sizes of one layer."""
_TOWERS = (("embed_dim", "depth"), ("width", "layers"))
"""A width, and how many layers there are of matrices of that width: timm's, open_clip's."""
_SQUARE = words("clvp gpt2 gpt_bigcode gpt_neo imagegpt")
"""Types of models with a mask of as many rows and columns as a text has positions."""
_SQUARES = ("n_positions", "n_ctx", "max_position_embeddings")
MAX_SQUARE = 262_144
"""Positions of such a model; published ones have up to some ten thousands."""
_WINDOWED = re.compile(r"[\w-]*swin[\w-]*|clap_audio_model", re.IGNORECASE)
MAX_WINDOW = 200
"""Patches on a side of a window, whose table of positions has the fourth power of it."""
MAX_PATCHES = 4096
"""Patches on a side of an image; published models have up to some hundreds."""
_PATTERN = "rank_pattern"
"""Ranks of an adapter by the names of its modules."""
_MARKS = (
    *("model_type", "architectures", "architecture", "_class_name", "class_name", "peft_type"),
    *("feature_extractor_type", "image_processor_type", "processor_class", "general.architecture"),
)
"""Keys of which a configuration of a network, or of what goes before it, has one."""
_POSITIONS = "max_position_embeddings"
_LEARNED = words(
    "albert bart bert big_bird bigbird_pegasus blip_text_model camembert clip clip_text_model"
    " deberta deberta-v2 distilbert"
    " electra ernie layoutlm layoutlmv2 layoutlmv3 longformer mbart m2m_100"
    " megatron-bert mobilebert mpnet mvp nezha opt pegasus roberta siglip splinter tapas trocr"
    " vilt visual_bert xlm-roberta xlm-roberta-xl xmod yoso"
)
"""Types of models with a table of positions; others compute them."""
_WITHIN = ("config", "model_args", "model_cfg", "vision_cfg", "text_cfg", "audio_cfg", "dims")
"""Keys that lead to one."""
_LONGEST = 20
"""Digits of a number that is read; a longer one is the largest size."""
_HELP = "do not build this network; ask its author for its configuration"


def examine_sizes(table: Table, within: str = "") -> Iterator[Remark]:
    """Remarks on the sizes of a configuration that a loader builds something of.

    Args:
        table: the table.
        within: the key that leads to it.
    """
    yield from _of_pairs(table)
    if within not in _WITHIN and not any(table.holds(mark) for mark in _MARKS):
        return
    limited = set()
    for key, size, what in _beyond(table):
        limited.add(key)
        yield Remark(KIND, f"asks for {size:,} {what} ({key})", help=_HELP)
    yield from _of_towers(table)
    yield from _of_squares(table)
    yield from _of_ranks(table)
    width = max((size for key in _WIDTHS for size in _numbers(table, key)), default=1)
    for key in (key for key in _HEIGHTS if key not in limited):
        for height in _numbers(table, key):
            if height * width > MAX_ELEMENTS:
                yield _matrix(height, width, key)


def _beyond(table: Table) -> Iterator[tuple[str, int, str]]:
    """Each key of a size beyond its limit, the size, and what it counts."""
    for key in dict.fromkeys(key for key, _ in table.pairs):
        limit = next((limit for limit in _LIMITS if limit.keys.fullmatch(key)), None)
        if key == _POSITIONS and not _LEARNED.isdisjoint(table.texts("model_type")):
            limit = _Limit(re.compile(key), MAX_POSITIONS, "positions")
        if limit is not None:
            beyond = (size for size in _numbers(table, key) if size > limit.most)
            yield from ((key, size, limit.what) for size in beyond)


def _of_pairs(table: Table) -> Iterator[Remark]:
    for one, other in _PAIRS:
        for height in _numbers(table, one):
            for width in _numbers(table, other):
                if height * width > MAX_LAYER:
                    yield _matrix(height, width, one)


def _of_towers(table: Table) -> Iterator[Remark]:
    for one, other in _TOWERS:
        width = max(_numbers(table, one), default=0)
        layers = sum(_numbers(table, other))
        if width * width * layers > MAX_ELEMENTS:
            message = f"asks for {layers:,} layers of {width:,} × {width:,} elements ({one})"
            yield Remark(KIND, message, help=_HELP)


def _of_squares(table: Table) -> Iterator[Remark]:
    """Remarks on a side whose square, or fourth power, a network has as many elements of."""
    types = {*table.texts("model_type"), *table.texts("architecture")}
    sides: list[tuple[str, int]] = []
    if not types.isdisjoint(_SQUARE):
        sides += ((key, MAX_SQUARE) for key in _SQUARES)
    if any(_WINDOWED.fullmatch(each) for each in types):
        sides.append(("window_size", MAX_WINDOW))
    patch = min(_numbers(table, "patch_size"), default=1)
    sides.append(("image_size", MAX_PATCHES * patch))
    for key, most in sides:
        side = max(_numbers(table, key), default=0)
        if side > most:
            yield Remark(KIND, f"asks for a square of {side:,} a side ({key})", help=_HELP)


def _of_ranks(table: Table) -> Iterator[Remark]:
    for pattern in table.values(_PATTERN):
        ranks = [value for _, value in pattern.pairs] if isinstance(pattern, Table) else []
        rank = max(_sizes(ranks), default=0)
        if rank > MAX_RANK:
            yield Remark(KIND, f"asks for {rank:,} ranks of an adapter ({_PATTERN})", help=_HELP)


def _matrix(height: int, width: int, key: str) -> Remark:
    message = f"asks for a matrix of {height:,} × {width:,} elements ({key})"
    return Remark(KIND, message, help=_HELP)


def _numbers(table: Table, key: str) -> Iterator[int]:
    """The sizes that a key gives, in lists too."""
    return _sizes(list(table.values(key)))


def _sizes(pending: list[object]) -> Iterator[int]:
    """The sizes among values; what is longer than a size is the largest."""
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            yield int(min(value, 1 << 63))
        elif isinstance(value, str) and value.isdecimal() and len(value) < _LONGEST:
            yield int(value)
        elif isinstance(value, str) and value.isdecimal():
            yield 1 << 63
