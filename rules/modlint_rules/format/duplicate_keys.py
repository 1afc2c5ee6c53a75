"""FMT013: one name for two things."""

from __future__ import annotations

from modlint.rule import Options
from modlint.verdict import Severity
from modlint_rules.base.remarks import RemarkRule


class DuplicateKeys(RemarkRule[Options]):
    """A name that is given twice: which of the two is loaded depends on the loader."""

    code = "FMT013"
    name = "duplicate-keys"
    summary = "an archive, a header or a state_dict names something twice"
    severity = Severity.ERROR
    source = "PKWARE APPNOTE 6.3.10; safetensors format, 'Duplicate keys are disallowed'"
    kinds = {  # noqa: RUF012
        "duplicate-key": Severity.ERROR,
        "duplicate-member": Severity.ERROR,
        "duplicate-tensor": Severity.WARNING,
    }
    sound = "every name is given once"
    advice = "write the file again; ask its author which of the two is meant"
