"""Labels, positions, patches and experts: sizes that are stated outside of the layers' widths.

Source: transformers 5.24, `models/*/modeling_*.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modlint.checkpoint import Tensor
from modlint.results.model_config import ModelConfig, Section
from modlint.verdict import Severity
from modlint_rules.base.config_sections import section_of
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model

_CLASSIFIES = re.compile(r"For(Sequence|Token|Image|Audio)Classification$")
_CLASSES = re.compile(
    r"(classifier|score|classifier\.(out_proj|1)|classification_head\.out_proj)\.weight"
)
_BERT = "albert bert camembert deberta deberta-v2 distilbert electra mobilebert roberta xlm-roberta"
_VIT = "beit deit dinov2 vit vit_mae vit_msn"
_ENDS = (
    (r"wpe\.weight", "gpt2 gpt_neo", 0, ("n_positions", "max_position_embeddings"), 0),
    (r"embeddings\.position_embeddings\.weight", _BERT, 0, ("max_position_embeddings",), 0),
    (r"position_embedding\.weight", "clip_text_model", 0, ("max_position_embeddings",), 0),
    (r"embed_positions\.weight", "bart mbart opt", 0, ("max_position_embeddings",), 2),
    (r"encoder\.embed_positions\.weight", "whisper", 0, ("max_source_positions",), 0),
    (r"decoder\.embed_positions\.weight", "whisper", 0, ("max_target_positions",), 0),
    (r"encoder\.conv1\.weight", "whisper", 1, ("num_mel_bins",), 0),
    (r"patch_embeddings\.projection\.weight", _VIT, 3, ("patch_size",), 0),
    (r"patch_embedding\.weight", "clip_vision_model siglip_vision_model", 3, ("patch_size",), 0),
    (r"(block_sparse_moe|mlp)\.gate\.weight", "mixtral", 0, ("num_local_experts",), 0),
    (r"mlp\.gate\.weight", "olmoe qwen2_moe qwen3_moe", 0, ("num_experts",), 0),
    (r"mlp\.gate\.weight", "deepseek_v2 deepseek_v3", 0, ("n_routed_experts",), 0),
)
"""Ends of names, the model types that have them, an axis, what states its size, what is added."""
_TABLE = tuple(
    (re.compile(rf"(^|\.){ends}$"), frozenset(types.split()), axis, keys, more)
    for ends, types, axis, keys, more in _ENDS
)


def compare_outside(model: Model, comparison: Comparison) -> None:
    """Tensors of other sizes than are stated cannot be loaded; of many alike one is told."""
    if model.config.custom:
        return
    labels = _labels(model.config)
    told = set[str]()
    for tensor in model.weights():
        if tensor.dtype.kind != "float":
            continue
        if labels is not None and _CLASSES.fullmatch(tensor.key) and len(tensor.shape) == 2:
            _compare(tensor, 0, "id2label", labels, comparison, told)
        for ends, types, axis, keys, more in _TABLE:
            if len(tensor.shape) > axis and ends.search(tensor.key):
                _compare_row(model.config, tensor, (types, axis, keys, more), comparison, told)


def _compare_row(
    config: ModelConfig,
    tensor: Tensor,
    row: tuple[frozenset[str], int, tuple[str, ...], int],
    comparison: Comparison,
    told: set[str],
) -> None:
    types, axis, keys, more = row
    section = section_of(config, tensor.key.split(".")[:-1], keys)
    if section is None or _type(config, section) not in types:
        return
    stated = next(section.sizes(*keys), None)
    if stated is not None:
        key, size = stated
        _compare(tensor, axis, section.called(key), size + more, comparison, told)


def _compare(
    tensor: Tensor, axis: int, key: str, size: int, comparison: Comparison, told: set[str]
) -> None:
    if tensor.shape[axis] == size:
        comparison.agree()
    elif key not in told:
        told.add(key)
        comparison.differ(
            Mismatch(
                f"has the shape {list(tensor.shape)}, and {key} in config.json asks for {size:,}"
                f" along axis {axis}: loading fails",
                "use the config.json that belongs to these weights",
                Severity.ERROR,
                tensor.name,
                {"held": tensor.shape[axis], "stated": size},
            )
        )


def _labels(config: ModelConfig) -> int | None:
    """How many classes a classifier has; None where it is none, or nothing states it."""
    if not any(_CLASSIFIES.search(name) for name in config.architectures):
        return None
    labels = config.root.values.get("id2label")
    return len(labels) if isinstance(labels, Mapping) and labels else None


def _type(config: ModelConfig, section: Section) -> str:
    return section.text("model_type") or (config.model_type if not section.path else "")
