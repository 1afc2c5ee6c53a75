"""FMT017: an adapter that holds what it should not, or lacks what it should hold."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from modlint.analysis.weight_names import HEADS, TOKEN_TABLES
from modlint.checkpoint import Role
from modlint.file_names import is_adapter
from modlint.results.lora import Lora
from modlint.rule import Examination, Options
from modlint.text import count, file_size
from modlint.verdict import Verdict
from modlint_rules.base.adapter_config import AdapterConfig, is_part
from modlint_rules.base.lora import LoraRule
from modlint_rules.format import ADAPTER_CONTENT

_MERGE = "merge it into the base model (merge_and_unload), or save the adapter alone"
_SAVED_BY_PEFT = re.compile(
    rf"(^|\.)({TOKEN_TABLES}|{HEADS}|score|classifier|qa_outputs|v_head|output(?=\.weight$))(\.|$)"
)
"""Embeddings, which PEFT saves with an adapter where the vocabulary was resized, and heads."""
_OF_ADAPTERS = re.compile(r"(^|\.)(\w*lora\w*|\w*token\w*delta|prompt_\w+|hada_\w+|lokr_\w+)(\.|$)")

_HEADS = frozenset({"classifier", "score", "qa_outputs"})
_NUMBER = re.compile(r"\d+")
_MOST = 0.75
"""Share of the layers that hold a module which is missed in the others."""
_MOST_OF_OTHERS = 0.6
"""The same of modules that are neither keys nor values."""
_SHARED = re.compile(r"(k|v|kv|key|value)(_proj|_lin|_a_proj|_b_proj)?")
"""Keys and values, which some architectures share between layers."""
_LAYER = re.compile(r"(.*?(?:^|\.)[A-Za-z_]+)\.(\d{1,6})\..+")


class AdapterContent(LoraRule[Options], reference=ADAPTER_CONTENT):
    """Base weights, names of adapters within keys, targets without factors."""

    sound = "nothing else that is no part of an adapter, and no target is missing"

    def judge_lora(
        self, file: Examination, lora: Lora, config: AdapterConfig | None
    ) -> Iterator[Verdict]:
        """The base layers, which may say that the file is no adapter at all, then the rest."""
        adapter = config is not None or is_adapter(file.checkpoint.path)
        kept = config is not None and config.trains_biases
        bases = [name for name in lora.base_layers if not (kept and name.endswith(".bias"))]
        if bases:
            yield from self._base_layers(file, lora, bases, adapter=adapter)
        named = [module for module in lora.adapted if module.adapter]
        if adapter and named:
            name = named[0].adapter
            message = f"keys contain the adapter's name {name!r}, which loaders insert themselves"
            yield self.found(file, "adapter-name", [m.module for m in named], message)
        if config is not None:
            yield from self._base_weights(file, lora, config)
            yield from self._not_saved(file, config)
            yield from self._missing(file, lora, config)

    def _base_layers(
        self, file: Examination, lora: Lora, names: Sequence[str], *, adapter: bool
    ) -> Iterator[Verdict]:
        """Weights of the adapted layers; a checkpoint to resume from rightly holds them."""
        tensors = file.checkpoint.tensors
        if not adapter and any(t.role is Role.TRAINING_STATE for t in tensors.values()):
            return
        held = sum(tensors[name].nbytes for name in names)
        total = lora.factor_bytes + lora.rest_bytes
        share = f"{file_size(held)} of {file_size(total)} are weights of base layers"
        told = (
            "which loaders take from the base model"
            if adapter
            else "saved from PEFT's wrapper: the model's own class does not know these keys"
        )
        yield self.found(
            file,
            "base-layer",
            names,
            f"{share}, {told}",
            None if adapter else _MERGE,
            bytes=held,
        )

    def _base_weights(
        self, file: Examination, lora: Lora, config: AdapterConfig
    ) -> Iterator[Verdict]:
        names = [name for name in lora.others if _is_base_weight(name, config.saved_whole)]
        if names:
            message = f"{count(len(names), 'tensor is', 'tensors are')} weights of the base model"
            yield self.found(file, "base-weight", names, message)

    def _not_saved(self, file: Examination, config: AdapterConfig) -> Iterator[Verdict]:
        """Modules that were trained as a whole, of which the file holds nothing."""
        held = {part for t in file.checkpoint.tensors.values() for part in t.key.split(".")}
        lost = [name for name in config.saved_whole if not held >= set(name.split("."))]
        if held & _HEADS:  # PEFT lists every name that a head may have, and a model has one of them
            lost = [name for name in lost if name not in _HEADS]
        if lost:
            message = (
                f"{count(len(lost), 'module')} of modules_to_save without weights here: where the"
                " base model has them, they stay as they were"
            )
            yield self.found(file, "not-saved", lost, message)

    def _missing(self, file: Examination, lora: Lora, config: AdapterConfig) -> Iterator[Verdict]:
        """Targets that no adapted module bears, or one that its like in other layers does."""
        if isinstance(config.targets, str) or config.targets is None:
            return
        modules = lora.paths
        missing = [t for t in config.targets if not any(is_part(m, t) for m in modules)]
        if not config.chooses_layers:
            missing += [*holes(modules), *lost_layers(modules)]
        if missing:
            message = (
                f"{count(len(missing), 'target module has', 'target modules have')} no factors: "
                "where the base model has them, loaders give them new ones that change nothing"
            )
            yield self.found(file, "missing-target", missing, message)


def holes(modules: Sequence[str]) -> list[str]:
    """Modules that are absent where their like are there in most of the layers.

    Layers that share their keys and values lack them by design, up to half of the layers.
    """
    parents: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module in modules:
        parent, _, name = module.rpartition(".")
        parents[_NUMBER.sub("#", parent)][parent].add(name)
    found = []
    for alike in parents.values():
        held = Counter(name for names in alike.values() for name in names)
        usual = [name for name, number in held.items() if number >= _share(name) * len(alike)]
        found += [
            f"{p}.{name}" for p, names in alike.items() for name in usual if name not in names
        ]
    return found


def lost_layers(modules: Sequence[str]) -> list[str]:
    """Layers between others of which no module is adapted, where most are."""
    stacks: dict[str, set[int]] = defaultdict(set)
    for module in modules:
        layer = _LAYER.fullmatch(module)
        if layer is not None:
            stacks[layer[1]].add(int(layer[2]))
    found = []
    for stack, numbers in stacks.items():
        span = range(min(numbers), max(numbers) + 1)
        if len(numbers) < len(span) and len(numbers) >= _MOST * len(span):
            found += [f"{stack}.{number}" for number in span if number not in numbers]
    return found


def _share(name: str) -> float:
    return _MOST if _SHARED.fullmatch(name) else _MOST_OF_OTHERS


def _is_base_weight(name: str, whole: tuple[str, ...]) -> bool:
    module, _, last = name.rpartition(".")
    if last != "weight" or _SAVED_BY_PEFT.search(name) or _OF_ADAPTERS.search(name):
        return False
    parts = module.split(".")
    return not any(set(saved.split(".")) <= set(parts) for saved in whole)
