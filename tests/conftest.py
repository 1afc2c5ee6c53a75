"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from benign.collection import Benign, Written

settings.register_profile("modlint", deadline=None)  # other work on the machine takes time too
settings.load_profile("modlint")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test takes an outcome from the user's cache, or leaves one there."""
    os.environ["MODLINT_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """A folder of real checkpoints beside the repository; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real checkpoints is not beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Writes the benign files, each once and where it is first asked for."""
    paths: dict[str, Path] = {}

    def write(benign: Benign) -> Path:
        if benign.id not in paths:
            paths[benign.id] = benign.write(tmp_path_factory.mktemp("benign"))
        return paths[benign.id]

    return write
