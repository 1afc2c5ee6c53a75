"""What cannot be done with a module, in words fit for its author."""

from __future__ import annotations

from modlint.errors import ModlintError


class NotInferred(ModlintError):
    """modlint rebuilds no network from the module's parameters; the text says why."""


class NotScalable(ModlintError):
    """Units cannot be rescaled without changing the function; the text names the layer."""
