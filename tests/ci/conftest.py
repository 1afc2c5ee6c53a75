"""A project that is checked in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.project import write_weights


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A healthy checkpoint and one that diverged, in the project's folder `models`."""
    models = tmp_path / "workspace" / "models"
    models.mkdir(parents=True)
    write_weights(models / "healthy.safetensors")
    write_weights(models / "diverged.safetensors", nan=True)
    return models.parent
