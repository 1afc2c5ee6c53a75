"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """A folder of real checkpoints beside the repository; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real checkpoints is not beside the repository")
    return SHARED
