"""What the configuration beside a model says, whatever the types of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from msgspec import Struct

MAX_NUMBER = 1 << 40
"""No size of a model is larger."""


class Section(Struct, frozen=True):
    """A configuration, or one within it that describes a part of the model.

    Attributes:
        path: keys that lead to it: () for the document, ("text_config",) for one within it.
        values: what it holds, as parsed: values of any type.
    """

    path: tuple[str, ...]
    values: Mapping[str, Any]

    def size(self, *keys: str) -> int | None:
        """The first of the keys that states a size: a whole number of at least 1."""
        return next((size for _, size in self.sizes(*keys)), None)

    def sizes(self, *keys: str) -> Iterator[tuple[str, int]]:
        """Those of the keys that state a size, with it."""
        for key in keys:
            value = self.values.get(key)
            if is_whole(value) and value >= 1:
                yield key, value

    def flag(self, key: str) -> bool | None:
        """A truth value; None where the key states none."""
        value = self.values.get(key)
        return value if isinstance(value, bool) else None

    def text(self, *keys: str) -> str:
        """The first of the keys that states a text; "" where none does."""
        return next((v for k in keys if isinstance(v := self.values.get(k), str)), "")

    def called(self, key: str) -> str:
        """The key with the way to it ("text_config.vocab_size")."""
        return ".".join((*self.path, key))


class ModelConfig(Struct, frozen=True):
    """The `config.json` of a model of the transformers library.

    Attributes:
        model_type: what the library calls the architecture ("llama"), "" where it is not said.
        architectures: names of the classes that were saved ("LlamaForCausalLM").
        sections: the document, then those within it, outer ones first.
        custom: whether code beside the file defines the architecture.
        quantised: whether it says that weights are stored as codes.
    """

    model_type: str
    architectures: tuple[str, ...]
    sections: tuple[Section, ...]
    custom: bool = False
    quantised: bool = False

    @property
    def root(self) -> Section:
        """The document itself."""
        return self.sections[0]

    def sized(self, *keys: str) -> Iterator[tuple[Section, str, int]]:
        """Every section and key, of the keys given, that states a size."""
        for section in self.sections:
            for key, size in section.sizes(*keys):
                yield section, key, size


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value of a document is a whole number that a size or an index could be."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_NUMBER


def number_of(value: object) -> float | None:
    """The number that a value of a document is; None of any other, and of what has no float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
