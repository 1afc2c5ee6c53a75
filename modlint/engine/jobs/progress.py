"""The progress of a run over files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from modlint.analysis.base import Progress

FileProgress = Callable[[Path, int, int], AbstractContextManager[Progress]]
"""Called with (file, number of files begun or finished before it, number of files); gives the
progress of work on it."""
