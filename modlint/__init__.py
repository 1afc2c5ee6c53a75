"""modlint: a static-analysis linter for model checkpoints.

This module imports nothing: `python -m modlint` runs it while the current folder, which may be
somebody else's, still stands first on the path for imports.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modlint.markers import hookimpl

__version__ = "0.1.0"

__all__ = ["__version__", "hookimpl"]


def __getattr__(name: str) -> object:
    if name == "hookimpl":
        from modlint.markers import hookimpl

        return hookimpl
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
