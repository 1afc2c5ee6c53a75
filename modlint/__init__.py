"""modlint: a static-analysis linter for model checkpoints.

This module imports nothing until it is asked: `python -m modlint` runs it while the current
folder, which may be somebody else's, still stands first on the path for imports.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modlint.api import check, clusters, diff, inspect
    from modlint.contents import Contents
    from modlint.difference import Difference
    from modlint.errors import ModlintError
    from modlint.markers import hookimpl
    from modlint.portraits.documents import ClustersDocument
    from modlint.report import FindingsError, Report
    from modlint.verdict import Confidence, Outcome, Severity, Target, Verdict

__version__ = "0.2.0"

__all__ = [
    "ClustersDocument",
    "Confidence",
    "Contents",
    "Difference",
    "FindingsError",
    "ModlintError",
    "Outcome",
    "Report",
    "Severity",
    "Target",
    "Verdict",
    "__version__",
    "check",
    "clusters",
    "diff",
    "hookimpl",
    "inspect",
]

_HOMES = {
    "modlint.api": ("check", "clusters", "diff", "inspect"),
    "modlint.contents": ("Contents",),
    "modlint.difference": ("Difference",),
    "modlint.errors": ("ModlintError",),
    "modlint.markers": ("hookimpl",),
    "modlint.portraits.documents": ("ClustersDocument",),
    "modlint.report": ("FindingsError", "Report"),
    "modlint.verdict": ("Confidence", "Outcome", "Severity", "Target", "Verdict"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            import importlib

            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
