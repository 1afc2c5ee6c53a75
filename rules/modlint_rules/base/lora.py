"""Rules of adapters: the factors, what stands beside them, and the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modlint.analysis.lora import LoraFactors
from modlint.errors import Unavailable
from modlint.file_names import is_adapter
from modlint.results.lora import Lora
from modlint.rule import Examination, Need, OptionsT
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, listed
from modlint.verdict import Severity, Verdict
from modlint_rules.base.adapter_config import CONFIG, AdapterConfig

FACTORS = LoraFactors()


class LoraRule(FileRule[OptionsT]):
    """A check of an adapter; a file without factors is none."""

    of_tensors = True
    advice = "save the adapter again by save_pretrained of the trained model"

    def needs(self) -> tuple[Need, ...]:
        """The factors and the configuration."""
        return FACTORS, CONFIG

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """Every finding; where a need cannot be met, those before it stand."""
        target = whole_file(file.checkpoint)
        lora = file.result(FACTORS, file.checkpoint)
        if not lora.paths:
            yield self.not_applicable(target, "the file holds no factors of an adapter")
            return
        try:
            yield from self.judge_lora(file, lora, config_of(file, lora))
        except Unavailable as unavailable:
            yield self.inconclusive(target, str(unavailable))

    def judge_lora(
        self, file: Examination, lora: Lora, config: AdapterConfig | None
    ) -> Iterator[Verdict]:
        """Every finding on factors, and on the adapter where `config` describes it.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError

    def healthy(self, file: Examination) -> Verdict:
        """How many modules are adapted."""
        modules = file.result(FACTORS, file.checkpoint).paths
        message = f"{count(len(modules), 'adapted module')}, {self.sound}"
        return self.passed(whole_file(file.checkpoint), message, values={"modules": len(modules)})

    def found(
        self,
        file: Examination,
        fault: str,
        names: Sequence[str],
        message: str,
        help: str | None = None,
        severity: Severity | None = None,
        **values: object,
    ) -> Verdict:
        """A finding on some of the modules or tensors, of which the first are named."""
        return self.failed(
            whole_file(file.checkpoint),
            f"{message}: {listed(names)}",
            help=help or self.advice,
            values={"fault": fault, "count": len(names), **values},
            limit={"count": {"max": 0}},
            severity=severity,
        )


def config_of(file: Examination, lora: Lora) -> AdapterConfig | None:
    """The configuration beside an adapter; None where there is none, or the file is no adapter.

    Raises:
        Unavailable: it cannot be read.
    """
    if not is_adapter(file.checkpoint.path) and lora.factor_bytes <= lora.rest_bytes:
        return None
    document = file.result(CONFIG, file.checkpoint)
    return None if document is None else AdapterConfig(document)
