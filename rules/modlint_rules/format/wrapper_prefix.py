"""FMT005: every key begins with the name of a wrapper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modlint.checkpoint import Role
from modlint.rule import Examination, Options, Rule
from modlint.text import count
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.targets import if_examined, whole_file

_WRAPPERS = {
    "module.": "DataParallel or DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FullyShardedDataParallel",
}


class WrapperPrefix(Rule[Options]):
    """A state_dict of the wrapper instead of the model."""

    code = "FMT005"
    name = "wrapper-prefix"
    summary = "every key begins with module., _orig_mod. or _fsdp_wrapped_module."
    severity = Severity.WARNING
    source = "PyTorch documentation, DataParallel; torch.compile; FSDP"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each section, or one passing verdict for the file."""
        checkpoint = file.checkpoint
        keys: dict[str, list[str]] = defaultdict(list)
        for tensor in checkpoint.tensors.values():
            if tensor.role is Role.WEIGHT:
                keys[tensor.section].append(tensor.key)
        findings = 0
        for section, names in keys.items():
            prefix = _prefix(names)
            if prefix:
                findings += 1
                yield self._finding(section or checkpoint.path.name, prefix, len(names))
        if not findings:
            sections = {"sections": len(keys)}
            message = "no key bears a wrapper's name"
            passed = self.passed(whole_file(checkpoint), message, values=sections)
            yield if_examined(self, checkpoint, passed)

    def _finding(self, section: str, prefix: str, keys: int) -> Verdict:
        wrappers = " in ".join(what for part, what in _WRAPPERS.items() if part in prefix)
        return self.failed(
            Target("file", section),
            f"{count(keys, 'key')} all begin with {prefix!r}: saved from {wrappers}",
            help=f"save the wrapped model's own state_dict, or strip {prefix!r} from every key",
            values={"prefix": prefix, "keys": keys},
        )


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
