"""The allow-list holds what torch's own restricted loader holds, and nothing that runs code."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch._weights_only_unpickler import _get_allowed_globals

from modlint_rules.safety.allowlist import CALLED, CALLS_ITS_ARGUMENTS, FOLLOWED, NAMED
from modlint_rules.safety.standard_library import OTHER_VERSIONS
from modlint_rules.safety.torch_classes import TORCH_CLASSES

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


def test_it_holds_all_that_torch_allows() -> None:
    allowed = {tuple(qualified.rsplit(".", 1)) for qualified in _get_allowed_globals()}
    assert allowed <= NAMED | FOLLOWED


def test_no_name_runs_code_by_itself() -> None:
    assert {(module, name) for module, name in NAMED if name in DANGEROUS} == set()
    modules = {module.split(".")[0] for module, _ in NAMED}
    assert not modules & {"os", "posix", "nt", "sys", "subprocess", "importlib", "operator"}


def test_what_calls_its_arguments_is_listed() -> None:
    assert CALLS_ITS_ARGUMENTS <= CALLED <= NAMED
    assert not FOLLOWED & NAMED


@pytest.mark.parametrize("module", sorted(TORCH_CLASSES))
def test_torch_classes_are_classes_without_a_reduce_of_their_own(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in TORCH_CLASSES[module].split():
        cls = getattr(loaded, name, torch.nn.Module)  # some are gone from the newest torch
        assert isinstance(cls, type)
        assert cls.__reduce__ is object.__reduce__
        assert cls.__reduce_ex__ is object.__reduce_ex__


def test_module_lists_hold_plain_names() -> None:
    assert all(name.isidentifier() for name in OTHER_VERSIONS)
