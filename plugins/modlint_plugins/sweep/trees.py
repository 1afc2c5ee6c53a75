"""Models of decision trees that a pickle rebuilds: native code loads them, and checks no index.

Sources: LightGBM 4, `basic.py`, `Booster.__setstate__`; XGBoost 3, `core.py`, the same; CatBoost
1.2, `core.py`, `_CatBoostBase.__setstate__`.
"""

from __future__ import annotations

from modlint.checkpoint import Remark
from modlint.pickles import PickleTrace

_CLASSES = {"catboost": "CatBoost", "lightgbm": "Booster", "xgboost": "Booster"}
"""By package, how the names of its classes of models begin."""
_NAMES = {"catboost": "CatBoost", "lightgbm": "LightGBM", "xgboost": "XGBoost"}
_HELP = (
    "its trees are not read: a library follows their indices unchecked, so load it only from a "
    "source that you trust"
)


def trees_remark(trace: PickleTrace) -> Remark | None:
    """A remark on the first such model that a pickle rebuilds."""
    for use in trace.uses:
        package = use.module.partition(".")[0]
        begins = _CLASSES.get(package)
        if begins and use.name.rpartition(".")[2].startswith(begins) and use.use != "pushed":
            message = f"the pickle holds a model of {_NAMES[package]}, which was not examined"
            return Remark("unexamined-code", message, trace.member, use.offset, _HELP)
    return None
