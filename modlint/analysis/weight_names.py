"""What names of tensors say: whether a layer reads it as its weight, or what else it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

WRAPPERS = {
    "module": "DataParallel or DistributedDataParallel",
    "_orig_mod": "torch.compile",
    "_fsdp_wrapped_module": "FullyShardedDataParallel",
    "_checkpoint_wrapped_module": "checkpoint_wrapper",
    "_forward_module": "Lightning Fabric",
    "_fpw_module": "FairScale's FullyShardedDataParallel",
    "_module": "Opacus' GradSampleModule",
}
"""By the segment that a wrapper puts into each key, what it is."""

TOKEN_TABLES = (
    r"embed_tokens|embed_in|wte|word_embeddings?|tok_embeddings?|token_embeddings?|token_embd"
    r"|tokens_embed|shared"
)
"""What architectures call the table that gives each token its vector, as alternatives."""
HEADS = r"lm_head|embed_out|vocab_projector"
"""What they call the layer that gives each token its score, likewise."""

_EMBEDDING = re.compile(rf"emb|(^|[._/])tok|(^|[._/])({TOKEN_TABLES})([._/]|$)", re.IGNORECASE)
_AVERAGED = re.compile(
    r"(^|[._])(ema|target|teacher|momentum|averaged?|shadow|swa|old|ref|reference|frozen|copy|best)"
    r"([._]|\d|$)|_k\b|_target|module_copy|original_module",
    re.IGNORECASE,
)

_NO_WEIGHT = re.compile(
    r"(^|[.]|(?<!lora)_)("
    r"bias\w*|b\d?|beta\d?|gamma\d?|alpha\d?|masks?|mask_\w+|\w+_mask|alibi|slopes?|eye|\w+_eye"
    r"|pos|pe|ape|position\w*(?<!proj)|pos_\w+|\w+_pos|positional\w*|\w*pos_?embed\w*"
    r"|\w*pos_?emb|rel_pos\w*|relative_\w+(?<!proj)|emb_rel_\w+|time_embed\w*|freqs?\w*|inv_freq"
    r"|cos|sin|\w+_cached|\w+_decay|rope\w*|rotary\w*"
    r"|cls|cls_token|class_embed\w*|class_token|\w+_token|tokens|register_tokens|level_embed\w*"
    r"|seg_embed\w*|latents?\w*|query|queries|query_embed\w*|\w+_query|\w*prompts?|\w+_pointer"
    r"|anchors?\w*|priors?\w*|grid\w*|strides?|\w+_grid|pad_\w+"
    r"|running_\w+|num_batches_tracked|means?|vars?|stds?|\w+_mean|\w+_std|\w+_var"
    r"|h0|c0|h_0|c_0|hidden\w*|states?|\w+_state|memory|cache\w*|buffers?|\w+_buffer|queue\w*"
    r"|windows?|filters?_bank|filter_?banks?|fbank\w*|fb|mel_\w+|\w*basis|dft\w*|stft\w*"
    r"|kernels?_1d|mel_?w|A_log|codebooks?|embed_avg|embed_sum|cluster_\w+"
    r"|min_vals?|max_vals?|scales?|zero_points?|zeros?|shifts?|\w+_shift|\w+_scales?"
    r"|\w+_scale_inv|scale_\w+|\w+_scale_2|\w+_integer|absmax|\w+_absmax|quant_map"
    r"|\w+_quant_map|SCB|weight_g|original0|lr_\w+|data_\w+|one_?hot|\w*origins|observations?"
    r"|actions?|rewards?"
    r")$|(^|[.])D$",
    re.IGNORECASE,
)
_TABLES = re.compile(
    r"(^|[._])(position\w*(?<!proj)(?<!layer)|\w*position_embeds_layer|pos_?emb\w*|wpe|relative_bias"
    r"|relative_(attention_)?(pos\w*_)?bias\w*|relative_(pos|key|value|query)_?emb\w*"
    r"|\w*token_type_embeddings|segment_embeddings|\w*position_(embeddings?|ids)\w*"
    r"|\w*positional_(embed|encod)\w*(?<!proj)(?<!layer)|positional|embed_\w*positions|codebook"
    r"|(norm|ln|bn|layer_?norm|batch_?norm|group_?norm)(_?\d+)?(_[a-z]{1,5})?"
    r"|i?stft\w*|mel(_?(scale|basis|filters?|banks?|transform|spec\w*))?|dft\w*|(mel_)?spectrogram\w*|fbank\w*|blur\w*|i?erb\w*)"
    r"[._](weights?|embedding|embed)([._]\d+)?$",
    re.IGNORECASE,
)
"""Modules whose `weight` is a table of positions or of kinds, a fixed transform, or scales what a
norm gives."""
_UNNAMED = re.compile(r"([\d.:]|arr_|array|tensor_?)*", re.IGNORECASE)
"""What tensors are called that stand in a list, or alone: any array may."""

_LONGEST = 256
"""Characters at the end of a name that are looked at: names in a file may be of any length."""

_FIXED = re.compile(
    r"stft|fbank|mel_?(scale|filter|bank)|[_./-](i?dft|mel|erb)([_./-]|$)|basis|window|filter_?bank|mask|(^|[._/])pos(ition|_emb)"
    r"|cls_token|inv_freq|running_(mean|var)",
    re.IGNORECASE,
)
"""What an operand of an ONNX layer is called that no training changed; exporters rename most."""

_FACTOR = re.compile(r"lora|lokr|loha|hada_|(^|[._:])(up|down)(\.weight)?$", re.IGNORECASE)


def is_weight_name(key: str) -> bool:
    """Whether a tensor has a name, and nothing in it says that it is something else than a weight.

    Args:
        key: its key in the state_dict ("encoder.layers.0.fc1.weight").
    """
    key = key[-_LONGEST:]
    said = (_NO_WEIGHT.search(key), _TABLES.search(key), _UNNAMED.fullmatch(key))
    return not any(match is not None for match in said)


def is_embedding(key: str) -> bool:
    """Whether a tensor is called as embeddings are, of tokens or of anything else."""
    return _EMBEDDING.search(key) is not None


def is_copy(key: str) -> bool:
    """Whether a tensor is of a network that began as another's copy: a target, an average."""
    return _AVERAGED.search(key) is not None


def unwrapped(key: str, further: Iterable[str] = ()) -> str:
    """A key without the wrappers that it begins with.

    Args:
        key: its key in the state_dict.
        further: other segments, or runs of them, that are left out too ("base_model.model").
    """
    prefixes = [f"{name}." for name in (*WRAPPERS, *further)]
    while True:
        prefix = next((p for p in prefixes if key.startswith(p)), None)
        if prefix is None:
            return key
        key = key.removeprefix(prefix)


def is_fixed_operand(name: str) -> bool:
    """Whether the name of an ONNX operand says that it is a fixed transform, a table or a mask."""
    return _FIXED.search(name) is not None


def is_adapter_factor(key: str) -> bool:
    """Whether a tensor is a factor of a low-rank update, which starts from zero."""
    return _FACTOR.search(key) is not None


def role_of(name: str) -> str:
    """The name with its numbers taken out: layers that repeat have equal roles."""
    return re.sub(r"\d+", "*", name)


def place_of(name: str) -> str:
    """The place in a block that repeats: numbers are taken out, but for those of the module itself.

    `h.3.fc1.weight` and `h.4.fc1.weight` stand at one place, `h.3.fc2.weight` at another, as do
    `conv2d_3.w` and `conv2d_4.w`, whose numbers count all modules of a kind. A module that has
    a number for a name, as in a sequence, and the layers of a recurrent module are alike.
    """
    *before, module, parameter = ("", "", *name.split("."))
    own = "*" if module.isdigit() else module
    parameter = re.sub(r"_l\d+(?=_reverse$|$)", "_l*", parameter)
    return ".".join((*map(role_of, before), own, parameter))
