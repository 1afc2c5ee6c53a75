"""FMT013: one name for two things."""

from __future__ import annotations

from modlint.rule import Options
from modlint.verdict import Severity
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.format import DUPLICATE_KEYS


class DuplicateKeys(RemarkRule[Options], reference=DUPLICATE_KEYS):
    """A name that is given twice: which of the two is loaded depends on the loader."""

    kinds = {  # noqa: RUF012
        "duplicate-key": Severity.ERROR,
        "duplicate-member": Severity.ERROR,
        "duplicate-tensor": Severity.WARNING,
    }
    sound = "every name is given once"
    advice = "write the file again; ask its author which of the two is meant"
