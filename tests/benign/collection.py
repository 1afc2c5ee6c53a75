"""What a collection of benign files is: writers by name, and the worst that is right to say."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

SEVERITIES = ("none", "note", "warning", "error")


@dataclass(frozen=True)
class Benign:
    """A file, or a folder, that a library writes and that nothing is wrong with.

    Attributes:
        library: whose save call writes it.
        name: what it holds.
        writer: writes it into an empty folder and returns the path to check.
        most: the worst that the safety rules may say of it: "none" where all of it is known,
            "note" where a known library's classes are in it, "warning" where it names classes
            or carries code that nobody but its author knows.
    """

    library: str
    name: str
    writer: Callable[[Path], Path]
    most: str = "none"

    @property
    def id(self) -> str:
        """How the test calls it."""
        return f"{self.library}-{self.name.replace(' ', '_')}"

    def write(self, folder: Path) -> Path:
        """Write it; what the library warns of while saving is not the test's concern."""
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.writer(folder)


class Collection:
    """The files of one library, in the order in which they were added."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.files: list[Benign] = []

    def __iter__(self) -> Iterator[Benign]:
        return iter(self.files)

    def add(self, name: str, writer: Callable[[Path], Path], most: str = "none") -> None:
        """Add a file."""
        assert most in SEVERITIES
        self.files.append(Benign(self.library, name, writer, most))

    def file(self, most: str = "none") -> Callable[[Callable[[Path], Path]], Any]:
        """Add the file that the decorated function writes, under the function's name."""

        def register(writer: Callable[[Path], Path]) -> Callable[[Path], Path]:
            self.add(writer.__name__.replace("_", " "), writer, most)
            return writer

        return register

    def saved(self, most: str = "none", **options: Any) -> Callable[[Callable[[], Any]], Any]:
        """Add the file in which torch.save puts what the decorated function returns."""

        def register(make: Callable[[], Any]) -> Callable[[], Any]:
            self.add(make.__name__.replace("_", " "), torch_saved(make, **options), most)
            return make

        return register


def torch_saved(make: Callable[[], Any], name: str = "model.pt", **options: Any) -> Any:
    """A writer of the file in which torch.save puts what `make` returns."""

    def write(folder: Path) -> Path:
        torch.save(make(), folder / name, **options)
        return folder / name

    return write


Written = Callable[[Benign], Path]
"""Writes a benign file, once a session, and returns its path."""
