"""What config.json says of a model: sizes, layers, vocabulary, ties and types, nested or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs
from modlint.analysis.beside import Document
from modlint.checkpoint import Checkpoint
from modlint.results.model_config import ModelConfig, Section

CONFIG = Document("config.json")

_PARTS = frozenset({"decoder", "encoder", "generator", "llm", "language_model", "vision_model"})
"""Keys of configurations of parts that do not end in `_config`."""
_OF_ANOTHER_KIND = frozenset({"quantization_config", "compression_config", "rope_parameters"})
_QUANTISED = ("quantization_config", "quantization", "compression_config")
_MAX_DEPTH = 4
_MAX_SECTIONS = 64


class Config(FileAnalysis["ModelConfig | None"], frozen=True):
    """The configuration of a transformers model that stands beside the file.

    None where there is no config.json, or one of another library: neither a model type nor
    architectures are stated, as in those of timm and diffusers.
    """

    name: ClassVar[str] = "model-config"
    description: ClassVar[str] = "what config.json beside the checkpoint says of the model"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The parsed document."""
        return (CONFIG,)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> ModelConfig | None:
        """Read it.

        Raises:
            Unavailable: config.json is damaged.
        """
        document = inputs.result(CONFIG, checkpoint)
        return None if document is None else config_of(document)


def config_of(document: Mapping[str, Any]) -> ModelConfig | None:
    """What a parsed config.json says; None where it is no configuration of transformers."""
    stated = document.get("architectures")
    names = stated if isinstance(stated, list) else []
    architectures = tuple(name for name in names if isinstance(name, str))
    root = Section((), document)
    model_type = root.text("model_type")
    if not (model_type or architectures) or "_class_name" in document:
        return None
    sections = (root, *_within(root))[:_MAX_SECTIONS]
    return ModelConfig(
        model_type,
        architectures,
        sections,
        custom=any(isinstance(section.values.get("auto_map"), dict) for section in sections),
        quantised=any(isinstance(s.values.get(key), dict) for s in sections for key in _QUANTISED),
    )


def _within(outer: Section) -> Iterator[Section]:
    """The configurations of parts, those of a part after its own."""
    if len(outer.path) >= _MAX_DEPTH:
        return
    for key, value in list(outer.values.items())[:1000]:
        part = key in _PARTS or (key.endswith("_config") and key not in _OF_ANOTHER_KIND)
        if part and isinstance(value, dict):
            section = Section((*outer.path, key), value)
            yield section
            yield from _within(section)
