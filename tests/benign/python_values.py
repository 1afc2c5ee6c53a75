"""What people keep beside their weights: values of the standard library, and classes of theirs."""

from __future__ import annotations

import argparse
import array
import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import http
import io
import ipaddress
import logging
import math
import pathlib
import pickle
import random
import re
import signal
import statistics
import string
import sys
import time
import types
import urllib.parse
import uuid
import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benign.collection import Collection

FILES = Collection("python")


class Mode(enum.Enum):
    TRAIN = 1


class Level(enum.IntFlag):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Config:
    """Settings of a run, as an author writes them."""

    width: int = 3
    mode: Mode = Mode.TRAIN
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    width: int = 3


class Pair(collections.namedtuple("Pair", "a b")):
    __slots__ = ()


def main(options: argparse.Namespace) -> None:
    """A command's function, as argparse stores it."""


def beside(value: Any) -> dict[str, Any]:
    return {"state_dict": nn.Linear(3, 2).state_dict(), "value": value}


@FILES.saved()
def dates_and_paths() -> Any:
    return beside(
        [
            datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC),
            datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            datetime.date(2026, 1, 2),
            datetime.time(3, 4),
            datetime.timedelta(seconds=3),
            pathlib.PurePosixPath("runs/1"),
            pathlib.Path("runs") / "2",
            pathlib.PureWindowsPath("runs/3"),
        ]
    )


@FILES.saved()
def containers() -> Any:
    return beside(
        [
            collections.OrderedDict(a=1),
            collections.defaultdict(list, loss=[1.0]),
            collections.defaultdict(dict),
            collections.defaultdict(int),
            collections.Counter("abca"),
            collections.deque([1, 2], maxlen=3),
            types.SimpleNamespace(lr=0.1),
            {1, 2},
            frozenset({3}),
            bytearray(b"abc"),
            slice(1, 2),
            range(3),
            2j,
        ]
    )


@FILES.saved()
def numbers_and_identifiers() -> Any:
    return beside(
        [
            decimal.Decimal("0.1"),
            fractions.Fraction(1, 3),
            uuid.UUID(int=3),
        ]
    )


@FILES.saved()
def loggers_and_patterns() -> Any:
    return beside([logging.getLogger("train"), logging.getLogger(), re.compile(r"layer\.(\d+)")])


@FILES.saved()
def streams_of_bytes() -> Any:
    return beside([io.BytesIO(b"extra state"), io.BytesIO()])


@FILES.saved()
def enums_of_the_standard_library() -> Any:
    return beside([re.IGNORECASE, uuid.SafeUUID.unknown])


@FILES.saved("warning")
def rarer_values_of_the_standard_library() -> Any:
    return beside(
        [
            time.gmtime(0),
            collections.ChainMap({"a": 1}),
            array.array("d", [1.0]),
            ...,
            io.StringIO("text"),
            ipaddress.ip_address("127.0.0.1"),
            random.Random(3),
        ]
    )


@FILES.saved()
def partials() -> Any:
    return beside(
        [
            functools.partial(nn.LayerNorm, eps=1e-6),
            functools.partial(torch.nn.functional.gelu, approximate="tanh"),
            functools.partial(torch.optim.AdamW, lr=0.1, betas=(0.9, 0.99)),
        ]
    )


@FILES.saved()
def types_and_builtins() -> Any:
    return beside({"type": [int, float, str, dict, list, tuple, bool], "key": len, "unset": None})


@FILES.saved()
def random_generators() -> Any:
    return beside(
        [
            random.getstate(),
            np.random.RandomState(0),
            np.random.default_rng(0),
            np.random.get_state(),
            torch.get_rng_state(),
        ]
    )


@FILES.saved()
def numpy_values() -> Any:
    return beside(
        [
            np.float64(0.5),
            np.int64(3),
            np.bool_(True),
            np.str_("text"),
            np.datetime64("2026-01-02"),
            np.dtype("float32"),
            np.dtype([("a", "<f4"), ("b", "<i2", (2,))]),
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.ones((2, 3))),
            np.array(["a", "bc"]),
            np.array([{"a": 1}, None], dtype=object),
            np.ma.masked_array([1.0, 2.0], mask=[True, False]),
            np.float32,
            np.finfo(np.float32).max,
        ]
    )


@FILES.saved("warning")
def arguments_with_a_function() -> Any:
    return beside(argparse.Namespace(lr=0.1, device=torch.device("cpu"), func=main))


@FILES.saved("warning")
def dataclasses_enums_and_tuples_of_an_author() -> Any:
    return beside(
        [Config(extra={"a": 1}), Slotted(), Mode.TRAIN, Level.HIGH | Level.LOW, Pair(1, 2)]
    )


@FILES.saved("warning")
def a_bound_method_of_an_author() -> Any:
    return beside(copy.copy(Config().__eq__))


@FILES.saved("warning")
def a_class_of_the_script_that_saved_it() -> Any:
    script = sys.modules["__main__"]
    kind = type("RunState", (), {"__module__": "__main__"})
    script.RunState = kind  # type: ignore[attr-defined]
    state = kind()
    state.epoch = 3
    return beside(state)


@FILES.file()
def plain_pickle_of_tensors(folder: Path) -> Path:
    state = nn.Linear(3, 2).state_dict()
    (folder / "model.pkl").write_bytes(pickle.dumps({"model": state, "epoch": 3}))
    return folder / "model.pkl"


def _add_pickle(protocol: int) -> None:
    def write(folder: Path) -> Path:
        value = {"weights": [np.arange(6.0).reshape(2, 3), np.float32(1)], "name": "é", "n": 2**70}
        (folder / "model.pkl").write_bytes(pickle.dumps(value, protocol))
        return folder / "model.pkl"

    FILES.add(f"plain pickle of arrays, protocol {protocol}", write)


for _protocol in range(6):
    _add_pickle(_protocol)


def _plain_values() -> dict[str, Any]:
    """Values that run nothing, by what they are."""
    return {
        "time zones": [zoneinfo.ZoneInfo("UTC"), datetime.datetime(2026, 1, 1, tzinfo=ZONE)],
        "decimal contexts": [decimal.Context(prec=5), decimal.getcontext()],
        "user containers": [
            collections.UserDict({1: 2}),
            collections.UserList([1]),
            collections.UserString("a"),
        ],
        "interfaces": [ipaddress.ip_interface("10.0.0.1/8"), ipaddress.ip_interface("::1/8")],
        "functions": [math.sqrt, max, functools.partial(min, default=0)],
        "exceptions": [ValueError("x"), FileNotFoundError(2, "none", "x"), UserWarning("x")],
        "members": [http.HTTPStatus.OK, signal.Signals.SIGINT],
        "iterators": [iter([1, 2]), type(None), NotImplemented],
        "texts": [urllib.parse.urlparse("http://x/y"), string.Template("$a")],
        "distributions": [statistics.NormalDist(0, 1), random.Random(1)],
        "compiled patterns": [re.compile("a+", re.IGNORECASE), re.compile(b"a+")],
        "arrays": [array.array("d", [1.0]), array.array("u", "ab")],
    }


ZONE = zoneinfo.ZoneInfo("Europe/Berlin")


def _add_value(name: str, protocol: int) -> None:
    def write(folder: Path) -> Path:
        (folder / "model.pkl").write_bytes(pickle.dumps(_plain_values()[name], protocol))
        return folder / "model.pkl"

    FILES.add(f"{name}, protocol {protocol}", write)


for _name in _plain_values():
    for _protocol in (2, 4):
        _add_value(_name, _protocol)


@FILES.file()
def a_dict_that_contains_itself(folder: Path) -> Path:
    state: dict[str, Any] = {"weight": np.ones(3)}
    state["again"] = [state]
    (folder / "model.pkl").write_bytes(pickle.dumps(state))
    return folder / "model.pkl"
