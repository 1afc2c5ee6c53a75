"""Samples with their classes, from a file or from memory."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from modlint.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXPECTED = "a .npz archive of NumPy's with the arrays `inputs` and `labels`"


class Batch(Struct, frozen=True, eq=False):
    """Samples with their classes.

    Attributes:
        inputs: (samples, …), finite numbers.
        labels: (samples,) whole numbers from 0.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


def batch_of(data: object) -> Batch:
    """The batch that a .npz file or a mapping holds as `inputs` and `labels`.

    Nothing pickled is loaded.

    Args:
        data: a path, or a mapping of names to arrays or tensors.

    Raises:
        UsageError: it cannot be read, or does not hold the two as they must be.
    """
    if isinstance(data, str | os.PathLike):
        return _checked(str(Path(data)), _read(Path(data)))
    if isinstance(data, Mapping):
        return _checked("data", {str(name): _array(value) for name, value in data.items()})
    raise UsageError(f"data is a {type(data).__name__}: give a mapping, or {_EXPECTED}")


def _array(value: Any) -> Any:
    import numpy as np

    if hasattr(value, "detach"):  # a tensor of torch's, on whichever device
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    return np.asarray(value)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            return {n: _member(archive, n) if n in ("inputs", "labels") else None for n in names}
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read as {_EXPECTED}") from error


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """An array; of objects, which only unpickling would give, there is none."""
    from numpy.lib.format import read_array

    try:
        with archive.open(f"{name}.npy") as member:
            return read_array(member, allow_pickle=False)
    except (ValueError, KeyError, MemoryError, NotImplementedError, zlib.error) as error:
        raise UsageError(f"`{name}` cannot be read: give an array of numbers") from error


def _checked(name: str, arrays: Mapping[str, Any]) -> Batch:
    import numpy as np

    missing = [f"`{each}`" for each in ("inputs", "labels") if each not in arrays]
    if missing:
        held = ", ".join(sorted(arrays)) or "nothing"
        raise UsageError(f"{name} has no {' and no '.join(missing)} (it holds: {held})")
    inputs, labels = arrays["inputs"], arrays["labels"]
    for which, array in (("inputs", inputs), ("labels", labels)):
        if array.dtype.kind not in "fiub":
            raise UsageError(f"{name}: `{which}` are of type {array.dtype}: give numbers")
    if labels.ndim != 1 or inputs.ndim < 2 or len(inputs) != len(labels):
        raise UsageError(
            f"{name}: `inputs` have the shape {inputs.shape} and `labels` {labels.shape}: give"
            " (samples, …) and (samples,), one class for each sample"
        )
    if not len(labels):
        raise UsageError(f"{name} holds no samples")
    if not np.isfinite(inputs).all():
        raise UsageError(f"{name}: some of `inputs` are not finite")
    whole = np.isfinite(labels).all() and (labels == np.floor(labels)).all()
    if not whole or labels.min() < 0:
        raise UsageError(f"{name}: `labels` must be whole numbers from 0")
    return Batch(inputs, labels.astype(np.int64))
