"""FMT005: every key begins with the name of a wrapper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modlint.checkpoint import Role
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.format import WRAPPER_PREFIX

_WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FullyShardedDataParallel",
}


class WrapperPrefix(FileRule[Options], reference=WRAPPER_PREFIX):
    """A state_dict of the wrapper instead of the model."""

    of_tensors = True
    advice = "save the wrapped model's own state_dict"

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each section."""
        for section, keys in _keys(file).items():
            prefix = _prefix(keys)
            if prefix:
                wrappers = " in ".join(what for part, what in _WRAPPERS.items() if part in prefix)
                yield self.failed(
                    Target("file", section or file.checkpoint.path.name),
                    f"{count(len(keys), 'key')} all begin with {prefix!r}: saved from {wrappers}",
                    help=f"{self.advice}, or strip {prefix!r} from every key",
                    values={"prefix": prefix, "keys": len(keys)},
                )

    def healthy(self, file: Examination) -> Verdict:
        """The number of sections."""
        values = {"sections": len(_keys(file))}
        message = "no key bears a wrapper's name"
        return self.passed(whole_file(file.checkpoint), message, values=values)


def _keys(file: Examination) -> dict[str, list[str]]:
    """By section, the keys of its weights."""
    keys: dict[str, list[str]] = defaultdict(list)
    for tensor in file.checkpoint.tensors.values():
        if tensor.role is Role.WEIGHT:
            keys[tensor.section].append(tensor.key)
    return keys


def _prefix(names: list[str]) -> str:
    """Wrappers' names that begin every key, outermost first."""
    prefix = ""
    found = True
    while found:
        found = False
        for part in _WRAPPERS:
            if all(name.startswith(prefix + part) for name in names):
                prefix, found = prefix + part, True
    return prefix
