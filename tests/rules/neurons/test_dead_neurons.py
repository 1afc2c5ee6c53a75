"""NEU001's options."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.errors import UsageError


def test_a_warning_below_a_note_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "m.pt")
    with pytest.raises(UsageError, match=r"rules.dead-neurons: note-share 0.2 .* max-share 0.1"):
        verdicts(tmp_path / "m.pt", load_registry(), "dead-neurons", {"note-share": 0.2})
