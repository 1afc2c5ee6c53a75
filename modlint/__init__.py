"""modlint: a static-analysis linter for model checkpoints."""

from modlint.hookspecs import hookimpl

__version__ = "0.1.0"

__all__ = ["__version__", "hookimpl"]
