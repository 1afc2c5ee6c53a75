"""Models of scikit-learn, written by joblib in every compression and by pickle."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from benign.collection import Collection

FILES = Collection("sklearn")

COMPRESSIONS: dict[str, Any] = {
    "raw": 0,
    "zlib": ("zlib", 3),
    "gzip": ("gzip", 3),
    "bz2": ("bz2", 3),
    "lzma": ("lzma", 3),
    "xz": ("xz", 3),
}
TEXTS = ["a cat sat", "the dog ran", "a bird flew", "the fish swam"] * 8


def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(32, 4))
    return inputs, (inputs[:, 0] > 0).astype(int)


def pipeline() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*data())


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(3, random_state=0).fit(*data())


def boosting() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(n_estimators=3, random_state=0).fit(*data())


def histogram_boosting() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2).fit(*data())


def grid_search() -> Any:
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    search = GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2, scoring=make_scorer(f1_score))
    return search.fit(*data())


def neighbours() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(3, algorithm="kd_tree").fit(*data())


def ball_tree() -> Any:
    from sklearn.neighbors import BallTree

    return BallTree(data()[0])


def support_vectors() -> Any:
    from sklearn.svm import SVC

    return SVC(probability=False).fit(*data())


def isolation_forest() -> Any:
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=3, random_state=0).fit(data()[0])


def texts() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import Pipeline

    steps = [("tfidf", TfidfVectorizer()), ("clf", SGDClassifier(max_iter=5, tol=None))]
    return Pipeline(steps).fit(TEXTS, [0, 1, 0, 1] * 8)


def columns() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    steps = [
        ("numbers", SimpleImputer(), [0, 1]),
        ("kinds", OneHotEncoder(), [2]),
        ("log", FunctionTransformer(np.abs), [3]),
    ]
    inputs, kinds = data()
    inputs[:, 2] = kinds
    return ColumnTransformer(steps).fit(inputs)


def others() -> Any:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.isotonic import IsotonicRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import LabelEncoder, SplineTransformer

    inputs, kinds = data()
    return {
        "kmeans": KMeans(2, n_init=1, random_state=0).fit(inputs),
        "pca": PCA(2, random_state=0).fit(inputs),
        "process": GaussianProcessRegressor().fit(inputs, kinds),
        "isotonic": IsotonicRegression().fit(inputs[:, 0], kinds),
        "bayes": GaussianNB().fit(inputs, kinds),
        "mlp": MLPClassifier((3,), max_iter=2, random_state=0).fit(inputs, kinds),
        "labels": LabelEncoder().fit(["a", "b"]),
        "splines": SplineTransformer().fit(inputs),
    }


def ensembles() -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import AdaBoostClassifier, StackingClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.tree import DecisionTreeClassifier

    inputs, kinds = data()
    parts = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]
    return {
        "voting": VotingClassifier(parts).fit(inputs, kinds),
        "stacking": StackingClassifier(parts, cv=2).fit(inputs, kinds),
        "ada": AdaBoostClassifier(n_estimators=2).fit(inputs, kinds),
        "calibrated": CalibratedClassifierCV(RidgeClassifier(), cv=2).fit(inputs, kinds),
    }


MODELS: dict[str, Callable[[], Any]] = {
    make.__name__.replace("_", " "): make
    for make in (
        pipeline,
        forest,
        boosting,
        histogram_boosting,
        grid_search,
        neighbours,
        ball_tree,
        support_vectors,
        isolation_forest,
        texts,
        columns,
        others,
        ensembles,
    )
}


RARE = ("columns", "others", "ensembles")
"""Models with classes or functions that no list of a linter need hold."""


def _most(name: str) -> str:
    return "warning" if name.startswith(RARE) else "note"


def _joblib(name: str, make: Callable[[], Any], file: str, compress: Any) -> None:
    def write(folder: Path) -> Path:
        joblib.dump(make(), folder / file, compress=compress)
        return folder / file

    FILES.add(name, write, _most(name))


def _pickle(name: str, make: Callable[[], Any]) -> None:
    def write(folder: Path) -> Path:
        (folder / "model.pkl").write_bytes(pickle.dumps(make()))
        return folder / "model.pkl"

    FILES.add(name, write, _most(name))


for _name, _make in MODELS.items():
    _joblib(f"{_name}, joblib", _make, "model.joblib", 0)
    _pickle(f"{_name}, pickle", _make)
for _name, _compress in COMPRESSIONS.items():
    _joblib(f"forest, joblib with {_name}", forest, f"{_name}.joblib", _compress)


@FILES.file()
def arrays_alone_by_joblib(folder: Path) -> Path:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.ones((2, 3)))}
    joblib.dump(arrays | {"text": np.array(["a", "b"]), "empty": np.ones(0)}, folder / "a.joblib")
    return folder / "a.joblib"
