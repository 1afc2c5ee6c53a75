"""TRN003: an adapter that changes nothing, or not what its configuration says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modlint.analysis.statistics import TensorStatistics
from modlint.results.lora import Lora, LoraModule
from modlint.rule import Examination, Need, Options
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.base.adapter_config import AdapterConfig
from modlint_rules.base.lora import LoraRule
from modlint_rules.training import NO_OP_ADAPTER

_STATISTICS = TensorStatistics()
_CONFIG_HELP = "put the adapter_config.json of the same run beside the adapter"
_OF_TEXT_ENCODERS = ("lora_te", "text_encoder", "text_model")
"""Modules whose last layers no loss reaches where an earlier one is read ("clip skip")."""


class NoOpAdapter(LoraRule[Options], reference=NO_OP_ADAPTER):
    """Factors that multiply to nothing, and factors that a loader ignores or refuses."""

    sound = "each with factors that change it, as the configuration says"
    advice = "train the adapter, or save it after training; loading it as it is changes nothing"

    def needs(self) -> tuple[Need, ...]:
        """The elements of the factors too."""
        return (*super().needs(), _STATISTICS)

    def judge_lora(
        self, file: Examination, lora: Lora, config: AdapterConfig | None
    ) -> Iterator[Verdict]:
        """What holds of the factors alone, then against the configuration."""
        yield from self._pairs(file, lora)
        yield from self._zeros(file, lora)
        yield from self._neutral(file, lora)
        if config is None or not config.is_lora or not is_of_peft(lora):
            return
        yield from self._ranks(file, lora, config)
        yield from self._targets(file, lora, config)
        yield from self._dora(file, lora, config)
        if config.scales_to_zero:
            names = [module.module for module in lora.modules]
            yield self.found(file, "zero-scale", names, "lora_alpha is 0, which scales all to zero")

    def _pairs(self, file: Examination, lora: Lora) -> Iterator[Verdict]:
        alone = [m.module for m in lora.modules if m.down is None or m.up is None]
        if alone:
            message = f"{count(len(alone), 'module has', 'modules have')} one factor of two"
            yield self.found(file, "unpaired", alone, f"{message}: the other is lost")
        unlike = [m.module for m in lora.modules if not _fit(m)]
        if unlike:
            message = f"the two factors of {count(len(unlike), 'module')} differ in rank"
            yield self.found(file, "unlike-factors", unlike, message)

    def _zeros(self, file: Examination, lora: Lora) -> Iterator[Verdict]:
        zero = [module.module for module in lora.modules if _is_zero(module, file)]
        if not zero:
            return
        partly = len(zero) < len(lora.modules)
        message = f"in {len(zero):,} of {count(len(lora.modules), 'adapted module')} a factor is "
        message += "all zero, so that the adapter changes nothing there"
        idle = partly and all(name.startswith(_OF_TEXT_ENCODERS) for name in zero)
        severity = Severity.NOTE if idle else None
        of = len(lora.modules)
        yield self.found(file, "zero-factor", zero, message, severity=severity, modules=of)

    def _neutral(self, file: Examination, lora: Lora) -> Iterator[Verdict]:
        """Modules of other methods whose parameters are as before the first step."""
        idle = [m for m in lora.further if any(_is_all(n, m.neutral, file) for n in m.switches)]
        pruned = len(idle) < len(lora.further)
        names = [module.module for module in idle if not (pruned and module.prunes)]
        if names:
            of = len(lora.further)
            message = (
                f"in {len(names):,} of {count(of, 'adapted module')} a parameter is all "
                f"{idle[0].neutral}, so that the adapter changes nothing there"
            )
            only_text = pruned and all(name.startswith(_OF_TEXT_ENCODERS) for name in names)
            severity = Severity.NOTE if only_text else None
            yield self.found(file, "neutral", names, message, severity=severity, modules=of)

    def _ranks(self, file: Examination, lora: Lora, config: AdapterConfig) -> Iterator[Verdict]:
        unlike = [m for m in lora.modules if not _has_rank(m, config)]
        if unlike:
            first = unlike[0]
            rank, stated = first.down_rank, config.rank(first.module)
            message = (
                f"{count(len(unlike), 'module has', 'modules have')} another rank than "
                f"adapter_config.json states ({rank}, not {stated}): loaders refuse the factors"
            )
            names = [module.module for module in unlike]
            yield self.found(file, "rank", names, message, _CONFIG_HELP, rank=rank, stated=stated)

    def _targets(self, file: Examination, lora: Lora, config: AdapterConfig) -> Iterator[Verdict]:
        ignored = [m.module for m in lora.modules if not config.is_target(m.module)]
        if ignored:
            message = (
                f"{count(len(ignored), 'adapted module is', 'adapted modules are')} no target by "
                "adapter_config.json: loaders ignore the factors"
            )
            yield self.found(file, "target", ignored, message, _CONFIG_HELP)

    def _dora(self, file: Examination, lora: Lora, config: AdapterConfig) -> Iterator[Verdict]:
        holds: Callable[[LoraModule], bool] = lambda m: m.magnitude is not None  # noqa: E731
        if config.is_dora:
            names = [m.module for m in lora.modules if not holds(m)]
            message = "use_dora is true, and magnitude vectors are missing"
        else:
            names = [m.module for m in lora.modules if holds(m)]
            message = "use_dora is not set, so that loaders ignore the magnitude vectors"
        if names:
            yield self.found(file, "dora", names, message, _CONFIG_HELP)


def is_of_peft(lora: Lora) -> bool:
    """Whether the adapter is one that adapter_config.json describes."""
    return all(module.layout in ("peft", "mlx", "torchtune") for module in lora.modules)


def _fit(module: LoraModule) -> bool:
    down, up = module.down_rank, module.up_rank
    if down is None or up is None:
        return True
    return down == up or (module.layout == "loralib" and up > 0 and down % up == 0)


def _is_zero(module: LoraModule, file: Examination) -> bool:
    """Whether a factor, or the scale, is zero throughout."""
    names = (module.down, module.up, module.alpha)
    return any(_is_all(name, 0, file) for name in names if name is not None)


def _is_all(name: str, value: int, file: Examination) -> bool:
    """Whether every element of a tensor is one value."""
    tensor = file.checkpoint.tensors[name]
    if not tensor.elements or not _STATISTICS.accepts(tensor):
        return False
    statistics = file.result(_STATISTICS, tensor)
    alike = statistics.minimum == statistics.maximum == value
    return alike and statistics.non_finite == 0


def _has_rank(module: LoraModule, config: AdapterConfig) -> bool:
    stated = config.rank(module.module)
    if stated is None or module.down_rank is None:
        return True
    if config.adapts_parameter(module.module):
        return module.down_rank % stated == 0
    return module.down_rank == stated
