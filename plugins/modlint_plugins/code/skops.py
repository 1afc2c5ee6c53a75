"""skops: a schema of the objects that loading rebuilds, each by module and class.

Nodes: skops/io/_general.py. Loading resolves what they name (CVE-2025-54412, CVE-2025-54413).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import acts
from modlint_plugins.code.documents import Table
from modlint_plugins.code.words import words

FOREIGN = "foreign-class"

_LIBRARIES = words(
    "numpy scipy sklearn skops xgboost lightgbm catboost quantile_forest pandas joblib"
)
_PLAIN = re.compile(
    r"builtins\.(?:dict|list|tuple|set|frozenset|int|float|str|bool|bytes|bytearray|complex|slice|range|type"
    r"|NoneType|object)|collections\.(?:OrderedDict|defaultdict|deque|Counter)|datetime\.\w+"
    r"|functools\.partial|re\.Pattern"
)
_CALLS = frozenset(("ConstructorFromReduceNode", "MethodNode", "OperatorFuncNode", "ReduceNode"))
_HELP = "do not load this file: skops imports what it names"
_SHOWN = 100


def examine_skops(table: Table) -> Iterator[Remark]:
    """A remark on a node of a schema that names what no estimator is made of."""
    if not table.holds("__loader__", "__module__", "__class__"):
        return
    loader = next((each for each in table.texts("__loader__") if each in _CALLS), "")
    for module in table.texts("__module__"):
        for cls in table.texts("__class__"):
            name = f"{module}.{cls}"
            deed = acts(name)
            if loader:
                why = f"by {loader}, which calls what it names"
            elif deed is not None:
                why = f"which {deed}"
            elif module.split(".")[0] in _LIBRARIES or _PLAIN.fullmatch(name):
                continue
            else:
                why = "which is none of numpy, scipy and scikit-learn"
            yield Remark(FOREIGN, f"names {name[:_SHOWN]}, {why}", help=_HELP)
