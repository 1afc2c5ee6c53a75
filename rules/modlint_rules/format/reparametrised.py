"""FMT018: parameters stored as what a reparametrisation computes them from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from modlint.checkpoint import Tensor
from modlint.rule import Examination, Options
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Severity, Verdict
from modlint_rules.base.keys import KeysRule, of_section, sections
from modlint_rules.format import REPARAMETRISED


class _Kind(Struct, frozen=True):
    """A reparametrisation.

    Attributes:
        what: its name.
        main: pattern of one tensor's key, in groups the module and the parameter.
        beside: templates of the keys that must stand beside it.
        like: whether the first of these has the same shape.
        help: how to undo it.
        severity: of a finding.
    """

    what: str
    main: re.Pattern[str]
    beside: tuple[str, ...]
    like: bool
    help: str
    severity: Severity


_KINDS = (
    _Kind(
        "pruning masks (torch.nn.utils.prune)",
        re.compile(r"(.*\.|^)(\w+)_orig$"),
        ("{0}{1}_mask",),
        True,
        "call torch.nn.utils.prune.remove(module, name) for each, then save",
        Severity.WARNING,
    ),
    _Kind(
        "spectral norm (torch.nn.utils.spectral_norm)",
        re.compile(r"(.*\.|^)(\w+)_orig$"),
        ("{0}{1}_u",),
        False,
        "for inference alone call torch.nn.utils.remove_spectral_norm, then save",
        Severity.NOTE,
    ),
    _Kind(
        "weight norm (torch.nn.utils.weight_norm)",
        re.compile(r"(.*\.|^)(\w+)_v$"),
        ("{0}{1}_g",),
        False,
        "for inference alone call torch.nn.utils.remove_weight_norm, then save",
        Severity.NOTE,
    ),
    _Kind(
        "a parametrisation (torch.nn.utils.parametrize)",
        re.compile(r"(.*\.|^)parametrizations\.(\w+)\.original[01]?$"),
        (),
        False,
        "for inference alone call torch.nn.utils.parametrize.remove_parametrizations, then save",
        Severity.NOTE,
    ),
)


class Reparametrised(KeysRule[Options], reference=REPARAMETRISED):
    """Masks of pruning, and factors of norms, in place of the weights."""

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each kind in each section."""
        for section, tensors in sections(file.checkpoint).items():
            keys = {tensor.key: tensor for tensor in tensors}
            for kind in _KINDS:
                found = dict(_found(kind, keys))
                if found:
                    modules = {*found.values()}
                    nbytes = sum(keys[key].nbytes for key in found)
                    yield self.failed(
                        of_section(section, file.checkpoint),
                        f"{kind.what} left in {count(len(modules), 'parameter')}"
                        f" ({next(iter(found))!r}, {file_size(nbytes)} in all): a model without"
                        " them lacks these keys and expects others",
                        help=kind.help,
                        values={"parameters": len(modules), "bytes": nbytes},
                        severity=kind.severity,
                    )

    def healthy(self, file: Examination) -> Verdict:
        """The number of keys."""
        keys = sum(map(len, sections(file.checkpoint).values()))
        message = f"{count(keys, 'key')}, none of a reparametrisation"
        return self.passed(whole_file(file.checkpoint), message, values={"keys": keys})


def _found(kind: _Kind, keys: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Keys of the kind, with the parameter that each belongs to."""
    for key, tensor in keys.items():
        match = kind.main.match(key)
        if match is None:
            continue
        module, parameter = match.groups()
        beside = [template.format(module, parameter) for template in kind.beside]
        if all(name in keys for name in beside) and _fits(kind, tensor, keys, beside):
            yield key, module + parameter


def _fits(kind: _Kind, tensor: Tensor, keys: Mapping[str, Tensor], beside: list[str]) -> bool:
    """Whether shapes are those of such parts."""
    if kind.like:
        return keys[beside[0]].shape == tensor.shape
    if beside and beside[0].endswith("_g"):
        scale = keys[beside[0]]
        kept = [size for size in scale.shape if size != 1]
        axes = len(scale.shape) in (0, len(tensor.shape))
        return axes and len(kept) < 2 and all(size in tensor.shape for size in kept)
    return True
