"""The allow-list holds what torch's own restricted loader holds, and nothing that runs code."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
import torch
from torch._weights_only_unpickler import _get_allowed_globals

from modlint_rules.safety.allowlist import (
    CALLED,
    CALLED_WITH_LITERALS,
    CALLS_ITS_ARGUMENTS,
    FOLLOWED,
    NAMED,
)
from modlint_rules.safety.standard_library import OTHER_VERSIONS, reaches_standard_library
from modlint_rules.safety.torch_classes import TORCH_CLASSES
from modlint_rules.safety.torch_objects import TORCH_OBJECTS


def _distributions() -> Iterator[type]:
    exported = vars(torch.distributions).values()
    bases = ("Distribution", "ExponentialFamily", "Transform")
    return (value for value in exported if inspect.isclass(value) and value.__name__ not in bases)


DANGEROUS = {
    "eval",
    "exec",
    "compile",
    "getattr",
    "setattr",
    "open",
    "input",
    "__import__",
    "type",
    "globals",
    "locals",
    "vars",
    "breakpoint",
    "map",
    "filter",
    "apply",
    "execfile",
    "reload",
    "_load_from_bytes",
    "load",
    "loads",
    "system",
    "popen",
    "partial",
    "attrgetter",
    "methodcaller",
    "itemgetter",
    "import_module",
    "resolve_name",
}

REGISTERING = (
    "torch.distributed._serialization",
    "torch.distributed.device_mesh",
    "torch.distributed.tensor",
    "torch._dynamo",
    "torch.nested",
)
"""Modules of torch that register safe globals when they are imported."""

NOT_MERELY_REBUILT = {
    ("torch.nn.parallel.distributed", "DistributedDataParallel"),
    ("torch.nn.parallel", "DistributedDataParallelCPU"),
}
"""Modules whose `__setstate__` does more than to restore attributes."""

RESTORING = {
    *("GradScaler", "Module", "RemovableHandle", "_DimRange", "_WrappedHook"),
    *("AvgPool3d", "LogSoftmax", "MultiheadAttention", "RNNBase", "Softmax", "Softmin"),
    *("TransformerDecoderLayer", "TransformerEncoderLayer", "Upsample", "_ConvNd"),
}
"""Classes whose own `__setstate__` was read, and does no more than to set attributes."""


def test_it_holds_all_that_torch_allows() -> None:
    allowed = {tuple(qualified.rsplit(".", 1)) for qualified in _get_allowed_globals()}
    assert allowed <= NAMED | FOLLOWED


def test_it_holds_all_safe_globals_that_torch_registers() -> None:
    for module in REGISTERING:
        importlib.import_module(module)
    registered = {
        tuple(known[1].rsplit(".", 1))
        if isinstance(known, tuple)
        else (known.__module__, known.__qualname__)
        for known in torch.serialization.get_safe_globals()
    }
    own = {pair for pair in registered if pair[0].split(".")[0] == "torch"}
    assert ("torch.distributed.tensor", "DTensor") in own
    assert own <= NAMED
    functions = {
        pair
        for pair in own
        if inspect.isfunction(getattr(importlib.import_module(pair[0]), pair[1]))
    }
    assert functions <= CALLED


def defined_in(package: str) -> Iterator[type]:
    """The public classes of every module below a package of torch."""
    found = importlib.import_module(package)
    for info in pkgutil.walk_packages(found.__path__, f"{package}."):
        module = importlib.import_module(info.name)
        for cls in vars(module).values():
            own = inspect.isclass(cls) and cls.__module__ == info.name
            if own and getattr(module, cls.__name__, None) is cls:
                yield cls


@pytest.mark.parametrize("package", ["torch.nn.modules", "torch.nn.parallel"])
def test_it_holds_every_layer_of_the_installed_torch(package: str) -> None:
    layers = {
        (cls.__module__, cls.__name__)
        for cls in defined_in(package)
        if issubclass(cls, torch.nn.Module) and not cls.__name__.startswith("_")
    }
    assert layers - NOT_MERELY_REBUILT <= NAMED
    assert not NOT_MERELY_REBUILT & NAMED


def test_it_holds_every_optimiser_and_schedule_of_the_installed_torch() -> None:
    kinds = (torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)
    found = {
        (cls.__module__, cls.__name__)
        for cls in (*defined_in("torch.optim"), *vars(torch.optim).values())
        if inspect.isclass(cls) and issubclass(cls, kinds)
    }
    assert len(found) > 25
    assert found <= NAMED


def test_no_name_runs_code_by_itself() -> None:
    assert {(module, name) for module, name in NAMED if name in DANGEROUS} == set()
    assert {name for _, name in CALLED_WITH_LITERALS} & DANGEROUS == set()
    modules = {module.split(".")[0] for module, _ in NAMED | CALLED_WITH_LITERALS}
    assert not modules & {"os", "posix", "nt", "sys", "subprocess", "importlib", "operator"}


def test_what_calls_its_arguments_is_listed() -> None:
    assert CALLS_ITS_ARGUMENTS <= CALLED <= NAMED
    assert not FOLLOWED & NAMED


def listed_classes() -> Iterator[type]:
    """The classes of the two tables that the installed torch has."""
    for module, names in (TORCH_CLASSES | TORCH_OBJECTS).items():
        with contextlib.suppress(ModuleNotFoundError):  # a module of an older torch
            loaded = importlib.import_module(module)
            found = (getattr(loaded, name, None) for name in names.split())
            yield from (cls for cls in found if inspect.isclass(cls))


def test_rebuilding_a_class_of_torch_restores_attributes() -> None:
    classes = list(listed_classes())
    assert len(classes) > 300
    for cls in classes:
        if issubclass(cls, torch.Tensor) or "Opaque" in type(cls).__name__:
            continue  # torch._utils rebuilds the ones, pybind11 pickles the others by their values
        assert cls.__reduce__ is object.__reduce__, cls
        assert cls.__reduce_ex__ is object.__reduce_ex__, cls
        if not issubclass(cls, torch.optim.Optimizer):  # the machine follows what those call
            owners = {base.__name__ for base in cls.__mro__ if "__setstate__" in vars(base)}
            assert owners <= RESTORING, cls


def test_module_lists_hold_plain_names() -> None:
    assert all(name.isidentifier() for name in OTHER_VERSIONS)


@pytest.mark.parametrize(
    ("module", "name", "reaches"),
    [
        ("os.path", "join", True),
        ("commands", "getoutput", True),
        ("pip", "main", True),
        ("setuptools.command.easy_install", "easy_install", True),
        ("_distutils_hack", "DistutilsMetaFinder", True),
        ("thirdparty", "os.system", True),
        ("torch.serialization", "os.system", True),
        ("thirdparty", "os", False),
        ("thirdparty", "Net.Block", False),
        ("torch.hub", "load", False),
        ("ossaudio", "system", False),
    ],
)
def test_what_reaches_the_standard_library(module: str, name: str, reaches: bool) -> None:
    assert reaches_standard_library(module, name) is reaches


def test_distributions_of_torch_are_listed() -> None:
    listed = {pair for pair in NAMED if pair[0].startswith("torch.distributions.")}
    missing = {(cls.__module__, cls.__name__) for cls in _distributions()} - listed
    assert not missing
