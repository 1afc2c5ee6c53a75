"""Run in a process of its own: unpickles streams with the real classes, records marker's calls.

Usage: python recorder.py FOLDER < numbers; one line of JSON for each stream: which unpicklers
called the marker.
"""

from __future__ import annotations

import faulthandler
import io
import json
import pickle
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import torch.distributed.checkpoint  # noqa: F401 (listed classes live there)

import protocol.marker as marker


def main() -> None:
    """Unpickle each stream with C's unpickler and with Python's."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    folder = Path(sys.argv[1])
    for line in sys.stdin:
        name = line.strip()
        data = (folder / name).read_bytes()
        called = {}
        for kind in (pickle.Unpickler, pickle._Unpickler):  # type: ignore[attr-defined]
            marker.CALLS.clear()
            _load(kind, data)
            called[kind.__module__ + "." + kind.__name__] = list(marker.CALLS)
        sys.stdout.write(json.dumps({"name": name, "called": called}) + "\n")
        sys.stdout.flush()


def _load(kind: Any, data: bytes) -> None:
    try:
        value = kind(io.BytesIO(data)).load()
    except BaseException:  # whatever a class raises; what was called before counts
        return
    del value


if __name__ == "__main__":
    main()
