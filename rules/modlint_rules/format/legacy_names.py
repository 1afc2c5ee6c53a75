"""FMT019: layer norms whose parameters are called gamma and beta."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modlint.checkpoint import Tensor
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.base.keys import KeysRule, of_section, sections
from modlint_rules.format import LEGACY_NAMES

_LAYER_NORM = re.compile(r"^(\w*layer_?norm\w*|ln(_?\w{1,6})?)$", re.IGNORECASE)
_STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_variance", "moving_var")
_OTHERS = re.compile(r"(^|\.)(kernel|embeddings|moving_mean|moving_variance)(:0)?$")
"""Names of Keras and TensorFlow: a file of theirs calls every norm so."""


class LegacyNames(KeysRule[Options], reference=LEGACY_NAMES):
    """Names of TensorFlow's that a converter left in a file of PyTorch's."""

    advice = "rename gamma to weight and beta to bias: torch.nn.LayerNorm has these"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each section."""
        for section, tensors in sections(file.checkpoint).items():
            keys = {tensor.key: tensor for tensor in tensors}
            found = _legacy(keys)
            if found:
                yield self.failed(
                    of_section(section, file.checkpoint),
                    f"{count(len(found), 'layer norm')} with gamma and beta, as {found[0]!r},"
                    " beside keys named weight: torch.nn.LayerNorm finds neither",
                    help=self.advice,
                    values={"norms": len(found), "keys": len(keys)},
                )

    def healthy(self, file: Examination) -> Verdict:
        """The number of keys."""
        keys = sum(map(len, sections(file.checkpoint).values()))
        message = f"{count(keys, 'key')}, no layer norm with gamma and beta"
        return self.passed(whole_file(file.checkpoint), message, values={"keys": keys})


def _legacy(keys: Mapping[str, Tensor]) -> list[str]:
    """Modules that are layer norms of other names than the rest of the file has."""
    if any(map(_OTHERS.search, keys)) or not any(_ends(key) == "weight" for key in keys):
        return []
    modules = [key.removesuffix(".gamma") for key in keys if key.endswith(".gamma")]
    norms = [module for module in modules if _is_norm(module, keys)]
    modern = {_ends(key.rpartition(".")[0]) for key in keys if _ends(key) == "weight"}
    return [m for m in norms if _LAYER_NORM.match(_ends(m)) or _ends(m) in modern]


def _is_norm(module: str, keys: Mapping[str, Tensor]) -> bool:
    """Whether a module has a gamma and a beta of one axis, and no statistics."""
    gamma, beta = keys[f"{module}.gamma"], keys.get(f"{module}.beta")
    if beta is None or gamma.shape != beta.shape or len(gamma.shape) != 1:
        return False
    return not any(f"{module}.{name}" in keys for name in _STATISTICS)


def _ends(key: str) -> str:
    """The last word of a key."""
    return key.rpartition(".")[2]
