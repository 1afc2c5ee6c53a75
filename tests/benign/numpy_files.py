"""Files of NumPy: arrays of every type and order, archives, structured arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benign.collection import Collection

FILES = Collection("numpy")

ARRAYS: dict[str, Any] = {
    "row-major": np.arange(6.0).reshape(2, 3),
    "column-major": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "scalar": np.array(3.0),
    "empty": np.ones((0, 3)),
    "big-endian": np.arange(4, dtype=">i4"),
    "booleans": np.array([True, False]),
    "half": np.ones(3, np.float16),
    "complex": np.ones(3, np.complex64),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2026-01-02"], dtype="M8[D]"),
    "durations": np.array([3], dtype="m8[s]"),
    "structured": np.array([(1, 2.0, "x")], dtype=[("O", "i4"), ("value", "f8"), ("name", "U3")]),
    "nested fields": np.zeros(2, dtype=[("point", [("x", "f4"), ("y", "f4", (2,))])]),
    "aligned fields": np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "titled fields": np.zeros(2, dtype=[(("a title", "a"), "f4")]),
    "raw bytes": np.zeros(2, dtype="V5"),
    "many fields": np.zeros(1, dtype=[(f"field_{i:04}", "f4") for i in range(300)]),
}


def _add(name: str) -> None:
    def write(folder: Path) -> Path:
        np.save(folder / "array.npy", ARRAYS[name], allow_pickle=False)
        return folder / "array.npy"

    FILES.add(f"array, {name}", write)


for _name in ARRAYS:
    _add(_name)


def _add_version(major: int) -> None:
    def write(folder: Path) -> Path:
        with (folder / "array.npy").open("wb") as file:
            np.lib.format.write_array(file, np.arange(5.0), version=(major, 0))
        return folder / "array.npy"

    FILES.add(f"array in version {major} of the format", write)


for _major in (1, 2, 3):
    _add_version(_major)


@FILES.file()
def archive_of_weights(folder: Path) -> Path:
    np.savez(folder / "weights.npz", **{"layer/kernel": np.ones((3, 2)), "bias": np.zeros(2)})
    return folder / "weights.npz"


@FILES.file()
def compressed_archive(folder: Path) -> Path:
    arrays = {f"arr_{n}": np.arange(n, dtype=np.float32) for n in range(5)}
    np.savez_compressed(folder / "weights.npz", **arrays)
    return folder / "weights.npz"


@FILES.file("warning")
def archive_with_a_dict(folder: Path) -> Path:
    settings = np.array({"lr": 0.1, "layers": [3, 2], "array": np.ones(2)}, dtype=object)
    np.savez(folder / "weights.npz", weight=np.ones(3), settings=settings)
    return folder / "weights.npz"


@FILES.file("warning")
def array_of_objects(folder: Path) -> Path:
    objects = np.array([{"a": 1}, None, "text", np.float32(3)], dtype=object)
    np.save(folder / "objects.npy", objects, allow_pickle=True)
    return folder / "objects.npy"
