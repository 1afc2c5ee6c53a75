"""Models of decision trees: named, not read, whatever their file is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.source import open_source
from modlint_plugins.readers.recognised.magic import classify_trees

BINARY = b"{L\0\0\0\0\0\0\0\7learner{L\0gradient_booster learner_model_param"
LEARNER = b'"learner":{"gradient_booster":{"model":{}},"learner_model_param":{}}'


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"{" + LEARNER + b"}", "xgboost"),
        (b'\xef\xbb\xbf \n{"a": "' + b" " * 9000 + b'",' + LEARNER + b"}", "xgboost"),
        (BINARY, "xgboost"),
        (b"binf\0\0\0\0", "xgboost"),
        (b"tree\nversion=v4\nnum_class=1\n", "lightgbm"),
        (b"tree\r\nnum_class=1\r\nversion=v3\r\n", "lightgbm"),
        (b"tree\n" + b"x=1\n" * 90 + b"max_feature_idx=1\n", "lightgbm"),
        (b"tree\nx=" + b"y" * 9000 + b"\nversion=v4\n", "lightgbm"),
        (b"tree\rmax_feature_idx=1\r", "lightgbm"),
        (b"CBM1\0\0\0\0", "catboost"),
        (b'{"learner": {}}', None),
        (b'["gradient_booster", "learner_model_param"]', None),
        (b"tree\nof life\n", None),
        (b"", None),
    ],
)
def test_trees_are_told_by_their_content(data: bytes, name: str | None, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_bytes(data or b"\n")
    found = classify_trees(open_source(tmp_path / "model.txt"))
    assert (found.name if found else None) == name
    assert found is None or found.holds_weights
