"""Cases of SEC001; the payloads are harmless, and nothing here loads them."""

from __future__ import annotations

import argparse
import base64
import collections
import datetime
import decimal
import fractions
import functools
import io
import json
import logging
import os
import pathlib
import pickle
import re
import subprocess
import sys
import types
import uuid
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file
from torch.nn.utils import prune

CLEAN = Expected("pass", message="all on the allow-list")


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


THIRD_PARTY = types.ModuleType("thirdparty")
Net = type("Net", (), {"__module__": "thirdparty"})
THIRD_PARTY.Net = Net  # type: ignore[attr-defined]
sys.modules["thirdparty"] = THIRD_PARTY  # where pickle looks for the class


def rebuilt() -> Any:
    instance = Net()
    instance.width = 3
    return instance


def a_schedule_of_stable_baselines(folder: Path) -> Path:
    """Written as cloudpickle writes a function with a closure."""
    kind = b"ccloudpickle.cloudpickle\n_builtin_type\nV%s\n\x85R"
    code = kind % b"CodeType" + b"(K\x01K\x00tR"
    function = b"\x80\x04" + kind % b"LambdaType" + b"(" + code + b"}tR."
    value = {":type:": "<class 'function'>", ":serialized:": base64.b64encode(function).decode()}
    path = folder / "agent.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_stable_baselines3_version", "1.2.0")
        archive.writestr("data", json.dumps({"clip_range": value}))
    return path


def a_memory_format(folder: Path) -> Path:
    """Pickle names the first loaded module that has `torch` in it, so only torch's are loaded."""
    path = folder / "model.pt"
    script = f"import torch; torch.save([torch.channels_last], {str(path)!r}, pickle_protocol=4)"
    subprocess.run([sys.executable, "-c", script], check=True)
    return path


def saved(content: Any, protocol: int = 2) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt", pickle_protocol=protocol)
        return folder / "model.pt"

    return write


def archive(opcodes: bytes) -> Callable[[Path], Path]:
    """A zip archive as torch.save lays it out, around hand-made opcodes."""

    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "model.pt", "w") as file:
            file.writestr("model/data.pkl", opcodes)
            file.writestr("model/version", "3\n")
        return folder / "model.pt"

    return write


def tensors_only(folder: Path) -> Path:
    save_file({"w": torch.ones(2)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def pickled(folder: Path) -> Path:
    (folder / "model.pkl").write_bytes(pickle.dumps({"w": torch.ones(2)}))
    return folder / "model.pkl"


def nested_call(folder: Path) -> Path:
    inner = io.BytesIO()
    torch.save(Calls(os.system, "id"), inner)
    outer = Calls(torch.storage._load_from_bytes, inner.getvalue())
    (folder / "model.pkl").write_bytes(pickle.dumps(outer))
    return folder / "model.pkl"


def one_storage_short(folder: Path) -> Path:
    """A checkpoint of two tensors that lacks the bytes of one."""
    torch.save({"a": torch.ones(2), "b": torch.ones(3)}, folder / "whole.pt")
    with zipfile.ZipFile(folder / "whole.pt") as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(folder / "model.pt", "w") as file:
        for name, data in members.items():
            if not name.endswith("data/1"):
                file.writestr(name.replace("whole/", "model/"), data)
    return folder / "model.pt"


def scripted(folder: Path) -> Path:
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
        torch.jit.trace(module, torch.ones(1, 2)).save(str(folder / "model.pt"))
    return folder / "model.pt"


def finding(severity: str, name: str, use: str, message: str = "", **values: Any) -> Expected:
    target = ("member", "model/data.pkl")
    return Expected(
        "fail",
        severity,
        target=target,
        values={"global": name, "use": use, **values},
        message=message,
    )


def names(*globals_: str) -> bytes:
    """A pickle that names globals ("os system") and uses none."""
    return (
        b"\x80\x02]" + b"".join(f"c{g.replace(' ', chr(10))}\n0".encode() for g in globals_) + b"."
    )


TRAINING = {
    "model": torch.nn.Linear(2, 3).state_dict(),
    "optimizer": torch.optim.Adam([torch.nn.Parameter(torch.ones(2))]).state_dict(),
    "args": argparse.Namespace(lr=0.1, device=torch.device("cpu")),
    "when": datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
    "where": pathlib.PurePosixPath("runs/1"),
    "history": collections.defaultdict(list, {"loss": [1.0]}),
    "array": np.arange(3.0),
    "scalar": np.float32(1),
    "random": np.random.RandomState(0),
    "kinds": {torch.float16, torch.int64},
    "shape": torch.Size([2, 3]),
}


def whole_objects() -> Any:
    """A model with hooks, wrapped for two devices, its optimiser, schedule and scaler."""
    layers = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
    torch.nn.utils.spectral_norm(layers[0])
    prune.l1_unstructured(layers[1], "weight", 0.5)
    muon = torch.optim.Muon([torch.nn.Parameter(torch.ones(2, 2))])
    adam = torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 10)
    scaler = torch.amp.GradScaler("cpu")
    normal = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    return [torch.nn.DataParallel(layers), muon, schedule, scaler, normal]


VALUES = [
    decimal.Decimal("0.1"),
    fractions.Fraction(1, 3),
    io.BytesIO(b"state"),
    logging.getLogger("train"),
    re.compile("a+"),
    uuid.UUID(int=1),
]
PATCH = b"\x80\x02ctorch\nTensor\n}X\x01\x00\x00\x00aK\x01sb."

CASES = (
    Case("a state_dict passes", saved(torch.nn.Linear(2, 3).state_dict()), (CLEAN,)),
    *(
        Case(f"a training state passes, protocol {n}", saved(TRAINING, n), (CLEAN,))
        for n in (2, 3, 4, 5)
    ),
    Case(
        "a whole module of torch.nn passes",
        saved(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))),
        (CLEAN,),
    ),
    Case("whole objects of torch pass", saved(whole_objects()), (CLEAN,)),
    Case("harmless values of the standard library pass", saved(VALUES), (CLEAN,)),
    Case("memory formats pass", a_memory_format, (CLEAN,)),
    Case(
        "functions by value are told once for a file of Stable-Baselines3, as a warning",
        a_schedule_of_stable_baselines,
        (Expected("fail", "warning", message="rebuilds a function from code"),),
    ),
    Case(
        "a partial of a listed class that is only stored passes",
        saved([functools.partial(torch.nn.LayerNorm, eps=1e-6)]),
        (CLEAN,),
    ),
    Case("tensors in a plain pickle pass: what they load is read too", pickled, (CLEAN,)),
    Case(
        "a call in the checkpoint that a plain pickle loads is an error",
        nested_call,
        (Expected("fail", "error", values={"global": f"{os.name}.system", "use": "called"}),),
    ),
    Case("an activation of torch that is named by getattr passes", saved([torch.tanh]), (CLEAN,)),
    Case(
        "what getattr reads of a global is judged as a global",
        saved([Calls(getattr, collections.OrderedDict, "fromkeys")]),
        (finding("error", "collections.OrderedDict.fromkeys", "pushed"),),
    ),
    Case(
        "getattr of anything else is an error, beside a harmless one too",
        saved([*[torch.tanh] * 10, torch.relu, Calls(getattr, "text", "join")]),
        (finding("error", "__builtin__.getattr", "called", "'text', 'join'"),),
    ),
    Case("safetensors holds no pickle", tensors_only, (Expected("pass", message="no pickle"),)),
    Case("TorchScript's own classes pass", scripted, (CLEAN,)),
    Case(
        "a call of the standard library is an error",
        saved({"w": torch.ones(2), "x": Calls(os.system, "id")}),
        (finding("error", f"{os.name}.system", "called", "id"),),
    ),
    Case(
        "a call of a builtin is an error",
        saved(Calls(eval, "1 + 1"), 4),
        (finding("error", "builtins.eval", "called", opcode="REDUCE"),),
    ),
    Case(
        "a call of an unlisted function of torch is an error",
        saved(Calls(torch.hub.load, "a", "b")),
        (finding("error", "torch.hub.load", "called"),),
    ),
    Case(
        "a call of a listed class that may only be rebuilt is an error",
        saved(Calls(torch.nn.Linear, 2, 3)),
        (finding("error", "torch.nn.modules.linear.Linear", "called"),),
    ),
    Case(
        "a standard library's name that is only pushed is an error",
        archive(names("os system", "pip main", "setuptools.dist Distribution")),
        (
            finding("error", "os.system", "pushed"),
            finding("error", "pip.main", "pushed"),
            finding("error", "setuptools.dist.Distribution", "pushed"),
        ),
    ),
    Case(
        "what reaches it through another module's name is an error too",
        archive(b"\x80\x04\x8c\x0athirdparty\x8c\x09os.system\x93."),
        (finding("error", "thirdparty.os.system", "pushed"),),
    ),
    Case(
        "unlisted names of torch and numpy weigh as a third party's, but for those that act",
        archive(names("torch.hub load", "numpy load", "torch.nn.utils.prune identity")),
        (
            finding("error", "torch.hub.load", "pushed"),
            finding("error", "numpy.load", "pushed"),
            finding("warning", "torch.nn.utils.prune.identity", "pushed"),
        ),
    ),
    Case(
        "unlisted classes of torch that are rebuilt weigh as a third party's",
        archive(b"\x80\x02ctorch.nn.parallel.distributed\nDistributedDataParallel\n)\x81."),
        (
            finding(
                "warning",
                "torch.nn.parallel.distributed.DistributedDataParallel",
                "instantiated",
            ),
        ),
    ),
    Case(
        "names of Python 2 and of other versions are the standard library's too",
        archive(names("__builtin__ eval", "commands getoutput", "_pyrepl x", "imp load_source")),
        tuple(
            finding("error", name, "pushed")
            for name in ("__builtin__.eval", "commands.getoutput", "_pyrepl.x", "imp.load_source")
        ),
    ),
    Case(
        "a third party's class that is rebuilt is a warning",
        saved([rebuilt(), rebuilt()]),
        (finding("warning", "thirdparty.Net", "instantiated", count=1),),
    ),
    Case(
        "a third party's name that is only pushed is a warning",
        archive(names("thirdparty Net")),
        (finding("warning", "thirdparty.Net", "pushed", count=1),),
    ),
    Case(
        "beside a function that calls its arguments it is handed on",
        saved(collections.defaultdict(Net)),
        (finding("error", "thirdparty.Net", "handed-on"),),
    ),
    Case(
        "protocol 1 rebuilds through copyreg: a third party's class is a warning there too",
        saved([rebuilt()], 1),
        (finding("warning", "thirdparty.Net", "instantiated"),),
    ),
    Case(
        "a third party's base class that copyreg calls is an error",
        archive(
            b"\x80\x02ccopy_reg\n_reconstructor\n(cargparse\nNamespace\ncthirdparty\nNet\nNtR."
        ),
        (finding("error", "thirdparty.Net", "called"),),
    ),
    Case(
        "what copyreg calls is not seen: an error",
        archive(
            b"\x80\x02ccopy_reg\n_reconstructor\n(ccollections\nOrderedDict\ncthirdparty\nNet\nNtR."
        ),
        (
            finding("error", "copy_reg._reconstructor", "called"),
            finding("warning", "thirdparty.Net", "pushed"),
        ),
    ),
    Case(
        "a third party's class that is called is an error",
        saved(Calls(Net, [1])),
        (finding("error", "thirdparty.Net", "called"),),
    ),
    Case(
        "a class called with one number may be an enumeration: a warning",
        saved([Calls(Net, 3)]),
        (finding("warning", "thirdparty.Net", "called", "as a member of an enumeration"),),
    ),
    Case(
        "a text may be a command: an error",
        saved(Calls(Net, "id")),
        (finding("error", "thirdparty.Net", "called"),),
    ),
    Case(
        "a listed class that is patched is an error",
        archive(PATCH),
        (finding("error", "torch.Tensor", "called", "patched"),),
    ),
    Case(
        "a dotted name does not reach through a listed one",
        archive(names("collections OrderedDict.__init__.__globals__")),
        (finding("error", "collections.OrderedDict.__init__.__globals__", "pushed"),),
    ),
    Case(
        "__torch__ outside TorchScript is no type of the archive",
        archive(names("__torch__ Net")),
        (finding("warning", "__torch__.Net", "pushed"),),
    ),
    Case(
        "the errors come first, one finding for each global",
        archive(names("thirdparty Net", "os system", "thirdparty Net")),
        (
            finding("error", "os.system", "pushed", count=1),
            finding("warning", "thirdparty.Net", "pushed", count=2),
        ),
    ),
    Case(
        "allow-globals takes exact names as safe",
        archive(names("thirdparty Net", "thirdparty Other")),
        (finding("warning", "thirdparty.Other", "pushed"),),
        {"allow-globals": ["thirdparty.Net"]},
    ),
    Case(
        "allow-globals takes a package's classes as safe where they are rebuilt",
        saved([rebuilt()]),
        (CLEAN,),
        {"allow-globals": ["thirdparty.*"]},
    ),
    Case(
        "a call of one stays an error",
        saved([rebuilt(), Calls(Net, [1])]),
        (finding("error", "thirdparty.Net", "called"),),
        {"allow-globals": ["thirdparty.*"]},
    ),
    Case(
        "what a known library writes is one note for the library",
        archive(
            b"\x80\x02]("
            b"csklearn.svm.classes\nSVC\n)\x81"
            b"csklearn.pipeline\nPipeline\n)\x81"
            b"csklearn.tree._tree\nTree\n)R"
            b"csklearn.metrics.classification\naccuracy_score\ne."
        ),
        (
            Expected(
                "fail",
                "note",
                target=("member", "model/data.pkl"),
                values={"library": "sklearn", "count": 4},
                message="4 globals of sklearn, used as sklearn writes them"
                " (2 rebuilt, 1 called, 1 named)",
            ),
        ),
    ),
    Case(
        "what it does not write is judged as any third party's",
        archive(b"\x80\x02csklearn.svm.classes\nSVC\n)R."),
        (finding("error", "sklearn.svm.classes.SVC", "called"),),
    ),
    Case(
        "a class that evaluates its state is an error when it is rebuilt",
        archive(b"\x80\x02cscipy.stats._continuous_distns\nnorm_gen\n)\x81}b."),
        (finding("error", "scipy.stats._continuous_distns.norm_gen", "instantiated", "evaluates"),),
    ),
    Case(
        "beside a fault nothing passes",
        one_storage_short,
        (Expected("inconclusive", message="all on the allow-list, but the file was not wholly"),),
    ),
    Case(
        "what comes before a broken tail counts, and the tail does",
        archive(names("os system")[:-1] + b"\xff"),
        (
            Expected("fail", "error", target=("member", "model/data.pkl"), message="interpreted"),
            finding("error", "os.system", "pushed"),
        ),
    ),
    Case(
        "a hundred findings are listed, the rest counted",
        archive(names(*(f"thirdparty N{i}" for i in range(105)))),
        (
            *(finding("warning", f"thirdparty.N{i}", "pushed") for i in range(100)),
            Expected("fail", "error", values={"count": 5}),
        ),
    ),
)
