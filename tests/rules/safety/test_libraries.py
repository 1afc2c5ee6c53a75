"""The tables of known libraries hold names that exist, and what the libraries really write."""

from __future__ import annotations

import enum
import importlib
import inspect
import keyword
import pickle
import tomllib
import types
import warnings
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from rule_cases import verdicts

from modlint.engine.registry import Registry, load_registry
from modlint_rules.safety import libraries
from modlint_rules.safety.allowlist import CALLED, NAMED
from modlint_rules.safety.libraries import TABLES, library, library_of, packages
from modlint_rules.safety.standard_library import reaches_standard_library
from modlint_rules.safety.unsafe_pickle import UnsafePickle

INSTALLED = ("accelerate", "lightning", "omegaconf", "peft", "scipy", "sklearn", "transformers")
"""Those that the tests' environment holds."""

DANGEROUS = ("eval", "exec", "load", "loads", "open", "system", "import", "resolver", "pickle")


@pytest.mark.parametrize("package", sorted(packages()))
def test_each_table_holds_plain_names_of_its_own_package(package: str) -> None:
    text = resources.files(libraries).joinpath(f"{package}.toml").read_text("utf-8")
    assert set(tomllib.loads(text)) <= set(TABLES)
    assert text.startswith("# ")
    tables = library(package).tables
    assert tables
    assert sum(map(len, map(names_of, tomllib.loads(text).values()))) == len(tables)  # none twice
    for module, name in tables:
        assert module.split(".")[0] == package
        assert all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
        assert not any(keyword.iskeyword(part) for part in name.split("."))
        assert not reaches_standard_library(module, name)
        assert (module, name) not in CALLED | NAMED


def names_of(table: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (m, n) for modules, names in table.items() for m in modules.split() for n in names.split()
    ]


def test_the_page_lists_the_libraries() -> None:
    section = UnsafePickle.page().split("### Known libraries")[1].split("###")[0]
    listed = section.split(".\n")[0].replace(" and ", ", ").split(",")
    assert [name.strip() for name in listed] == sorted(packages())


def test_nothing_that_imports_or_evaluates_may_be_called() -> None:
    for package in packages():
        called = [n for (_, n), table in library(package).tables.items() if table == "called"]
        plain = [name.removeprefix("__pyx_unpickle_").lower() for name in called]
        assert not [name for name in plain if any(word in name for word in DANGEROUS)]


def test_the_library_is_found_by_the_top_level_package() -> None:
    found = library_of("sklearn.tree._tree")
    assert found is not None
    assert found.package == "sklearn"
    assert library_of("sklearn") is found
    assert library_of("sklearnx.tree") is None
    assert library_of("__init__") is None
    assert library_of("../sklearn") is None


def imported(module: str) -> types.ModuleType | None:
    """A module of the installed version; deprecated ones say so."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError:  # a module of an older version
            return None


def objects_of(package: str, table: str) -> Iterator[tuple[str, Any]]:
    """The entries of a table that the installed version has, with what they name."""
    for (module, name), own in library(package).tables.items():
        with warnings.catch_warnings(action="ignore"):
            found: Any = imported(module) if own == table else None
            for part in name.split("."):
                found = getattr(found, part, None)
        if found is not None:
            yield f"{module}.{name}", found


@pytest.mark.parametrize("package", INSTALLED)
def test_most_entries_exist_in_the_installed_version(package: str) -> None:
    of_this_version = [module for module, _ in library(package).tables if imported(module)]
    found = sum(1 for table in TABLES for _ in objects_of(package, table))
    assert found > 0.85 * len(of_this_version)


@pytest.mark.parametrize("package", INSTALLED)
def test_what_is_called_an_enumeration_is_one(package: str) -> None:
    for name, found in objects_of(package, "enums"):
        assert issubclass(found, enum.Enum), name
        assert all(isinstance(member.value, (int, str)) for member in found) or "Dtype" in name


RESTORING = {
    *("BaseContainer", "BaseEstimator", "Bunch", "Module", "Node", "_ConvNd", "ndarray"),
    *("KDTree32", "KDTree64", "BinaryTree32", "BinaryTree64", "_BinMapper", "coo_matrix"),
    *("TreePredictor", "cKDTree", "BallTree32", "BallTree64", "DynamicCache"),
}
"""Classes whose own `__setstate__` was read, and calls nothing that it finds in the state."""


@pytest.mark.parametrize("package", INSTALLED)
def test_rebuilding_restores_attributes(package: str) -> None:
    for name, found in objects_of(package, "rebuilt"):
        assert inspect.isclass(found), name
        owners = {base.__name__ for base in found.__mro__ if "__setstate__" in vars(base)}
        assert owners <= RESTORING or name.startswith("sklearn.metrics._dist_metrics"), name


def test_what_evaluates_does_so() -> None:
    """Scipy gives `exec` a text of the state, so that rebuilding a distribution is no data."""
    from scipy.stats._distn_infrastructure import rv_generic

    assert "exec(self._parse_arg_template" in inspect.getsource(rv_generic)
    for name, found in objects_of("scipy", "evaluates"):
        assert issubclass(found, rv_generic), name


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


def whole_model() -> Any:
    from transformers import BertConfig, BertModel

    return BertModel(
        BertConfig(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            vocab_size=16,
        )
    )


def training_arguments() -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(output_dir="out", use_cpu=True, report_to=[])


def hyper_parameters() -> Any:
    from lightning.fabric.utilities.data import AttributeDict
    from omegaconf import OmegaConf

    return AttributeDict(lr=0.1, model=OmegaConf.create({"width": [1, 2], "name": "${lr}"}))


def adapter() -> Any:
    from peft import LoraConfig, TaskType

    return LoraConfig(task_type=TaskType.CAUSAL_LM)


def distributed_state() -> Any:
    from accelerate.utils import DistributedType, GradientAccumulationPlugin

    return {"kind": DistributedType.MULTI_GPU, "plugin": GradientAccumulationPlugin(2)}


def fitted(name: str) -> Callable[[], Any]:
    def fit() -> Any:
        from sklearn.utils import all_estimators

        inputs = np.random.default_rng(0).random((40, 3))
        estimators: dict[str, Any] = dict(all_estimators())
        return estimators[name]().fit(inputs, (inputs[:, 0] > 0.5).astype(int))

    return fit


def searched() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, make_scorer
    from sklearn.model_selection import GridSearchCV

    inputs = np.random.default_rng(0).random((40, 3))
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring=make_scorer(accuracy_score))
    return search.fit(inputs, inputs[:, 0] > 0.5)


def matrices() -> Any:
    from scipy import sparse

    return [getattr(sparse, f"{kind}_matrix")(np.eye(3)) for kind in ("csr", "csc", "coo", "lil")]


ESTIMATORS = (
    "AdaBoostClassifier",
    "BaggingClassifier",
    "Birch",
    "DecisionTreeClassifier",
    "ExtraTreeClassifier",
    "GaussianNB",
    "GaussianProcessClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "IsolationForest",
    "KMeans",
    "KNeighborsClassifier",
    "KernelDensity",
    "LinearSVC",
    "LogisticRegression",
    "MLPClassifier",
    "PCA",
    "RandomForestRegressor",
    "RidgeCV",
    "SGDClassifier",
    "SVC",
    "StandardScaler",
)
WRITTEN: dict[str, tuple[str, Callable[[], Any]]] = {
    "whole model": ("transformers", whole_model),
    "training arguments": ("accelerate transformers", training_arguments),
    "hyper-parameters": ("lightning omegaconf", hyper_parameters),
    "adapter": ("peft", adapter),
    "distributed state": ("accelerate", distributed_state),
    "search": ("sklearn", searched),
    "sparse matrices": ("scipy", matrices),
    **{name: ("sklearn", fitted(name)) for name in ESTIMATORS},
}


@pytest.mark.parametrize("what", WRITTEN)
@pytest.mark.filterwarnings("ignore")
def test_what_a_library_writes_is_a_note_for_each_library(
    what: str, tmp_path: Path, registry: Registry
) -> None:
    packages_, make = WRITTEN[what]
    content = make()
    torch.save(content, tmp_path / "saved.pt")
    (tmp_path / "pickled.pkl").write_bytes(pickle.dumps(content, 4))
    joblib.dump(content, tmp_path / "dumped.joblib")
    for path in tmp_path.iterdir():
        found = verdicts(path, registry, "unsafe-pickle")
        told = {str(verdict.values.get("library")): str(verdict.severity) for verdict in found}
        assert told == dict.fromkeys(packages_.split(), "note"), (path.name, found)
