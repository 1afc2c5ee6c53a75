"""Frames, series, indexes and values of pandas, written by pickle and by joblib."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from benign.collection import Collection

FILES = Collection("pandas")


def frame() -> Any:
    days = pd.to_datetime(["2020-01-01", "2021-01-01"])
    table = {
        "number": [1, 2.5],
        "text": ["x", "y"],
        "kind": pd.Categorical(["u", "v"]),
        "day": days,
    }
    written = pd.DataFrame(table)
    written.attrs["source"] = "survey"
    written.flags.allows_duplicate_labels = False
    return written


def indexes() -> Any:
    return [
        pd.Index(["a", "b"]),
        pd.RangeIndex(4),
        pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["p", "q"]),
        pd.DatetimeIndex(["2020-01-01"], tz="UTC"),
        pd.TimedeltaIndex([pd.Timedelta(1)]),
        pd.CategoricalIndex(["a", "b"]),
        pd.date_range("2020", periods=3, freq="D"),
        pd.period_range("2020", "2021", freq="M"),
        pd.interval_range(0, 3),
    ]


def arrays() -> Any:
    return [
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([1.5, 2.5], dtype="Float32"),
        pd.arrays.SparseArray([0, 0, 1]),
        pd.arrays.SparseArray([0, 0, 1], kind="block"),
    ]


def values() -> Any:
    moments = [pd.Timestamp("2020"), pd.Timedelta(1), pd.Period("2020-01", "M"), pd.NaT]
    return [*moments, pd.offsets.MonthEnd(2), pd.Interval(0, 1), pd.NA]


def _add(make: Callable[[], Any]) -> None:
    def by_pickle(folder: Path) -> Path:
        (folder / "model.pkl").write_bytes(pickle.dumps(make()))
        return folder / "model.pkl"

    def by_joblib(folder: Path) -> Path:
        joblib.dump(make(), folder / "model.joblib")
        return folder / "model.joblib"

    FILES.add(f"{make.__name__}, pickle", by_pickle, "note")
    FILES.add(f"{make.__name__}, joblib", by_joblib, "note")


for _make in (frame, indexes, arrays, values):
    _add(_make)
