"""Line 38 of the list: packages that a server installs before it loads what lies beside them."""

from __future__ import annotations

import gzip
import json

from threats.boxes import HEALTHY, tar_of
from threats.build import ANYWHERE, Entry, Finding, Threat, alone, zip_archive
from threats.literature.paths import folder_of

_WARNING = Finding("SEC003", "warning", ANYWHERE, None)
_ERROR = Finding("SEC003", "error", ANYWHERE, None, "SageMaker installs")

_FOREIGN = {
    "an index": b"torch\n--extra-index-url https://packages.example.org/simple\nhelpers\n",
    "an index, cut off and joined": b"--ext\\\nra=https://packages.example.org/simple\n",
    "an index behind a comment that ends in a backslash": b"# torch \\\n-ihttps://example.org/x\n",
    "an index that is not checked": b"--index-url http://pypi.org/simple\n",
    "an index behind a known name": b"--index-url https://pypi.org@example.org/simple\n",
    "a list of files": b"-f https://example.org/wheels.html\ntorch\n",
    "a package by its address": b"helpers @ https://example.org/helpers-1.0.tar.gz\n",
    "a wheel by its address": b"https://example.org/helpers-1.0-py3-none-any.whl\n",
    "a repository": b"git+https://github.com/someone/helpers.git@main\n",
    "anybody's commit of a known repository": (
        b"git+https://github.com/huggingface/peft@0123456789abcdef0123456789abcdef01234567\n"
    ),
    "a repository to be edited": b"-e git+ssh://git@example.org/helpers#egg=helpers\n",
    "a package of the model's own": b"./wheels/helpers-1.0-py3-none-any.whl\n",
    "a folder of the model's own": b"torch\n.\n",
    "a host that is trusted": b"--trusted-host pypi.org\ntorch\n",
    "requirements elsewhere": b"-r https://example.org/requirements.txt\n",
    "requirements of another name": b"-r notes\n",
    "another encoding": b"# coding: utf-7\ntorch\n",
    "a line of options that is too long": b"--index-url https://pypi.org/simple " + b"x" * 5000,
    "UTF-16": "--index-url https://example.org/simple\n".encode("utf-16"),
}
_KNOWN = b"""# what the model needs
torch==2.1.0+cu118 ; python_version >= "3.9"
transformers[torch]>=4.30,<5  # with its extras
--extra-index-url https://download.pytorch.org/whl/cu118
-f https://data.pyg.org/whl/torch-2.1.0+cu118.html
git+https://github.com/huggingface/transformers.git@v4.40.0#egg=transformers
https://github.com/explosion/spacy-models/releases/download/en_core_web_sm-3.7.1/x.whl
certifi @ file:///croot/certifi_1700501669400/work/certifi
numpy==1.26.4 \\
    --hash=sha256:2a02aba9ed12e4ac4eb3ea9421c420301a0c6460d9830d74a9df87efa4912010
-r requirements-extra.txt
"""


def _tar(content: bytes, name: str = "code/requirements.txt") -> bytes:
    return gzip.compress(tar_of(("model.pt", HEALTHY), (name, content)), mtime=0)


def _mar(content: bytes, name: str = "requirements.txt") -> bytes:
    manifest = {"modelName": "m", "serializedFile": "m.pt", "requirementsFile": name}
    return zip_archive(
        [
            Entry("MAR-INF/MANIFEST.json", json.dumps({"model": manifest}).encode()),
            Entry("m.pt", HEALTHY),
            Entry(name, content),
        ]
    ).content


def _conda(*lines: str, channel: str = "conda-forge") -> bytes:
    packages = ["python=3.10", "pip", {"pip": ["mlflow", *lines]}]
    return json.dumps({"channels": [channel], "dependencies": packages}).encode()


_MLMODEL = b"flavors:\n  pytorch:\n    model_data: data\n"
_HUB = "beside weights, as Inference Endpoints install them: "

THREATS = (
    *(
        Threat(38, f"packages of SageMaker: {title}", alone("m.tar.gz", _tar(content), _ERROR))
        for title, content in _FOREIGN.items()
        if title not in ("requirements of another name", "another encoding")
    ),
    *(
        Threat(38, f"packages of TorchServe: {title}", alone("m.mar", _mar(content), _WARNING))
        for title, content in _FOREIGN.items()
    ),
    *(
        Threat(
            38,
            f"packages {_HUB}{title}",
            folder_of({"model.pt": HEALTHY, "requirements.txt": content}, _WARNING),
        )
        for title, content in _FOREIGN.items()
    ),
    Threat(
        38,
        "packages in a folder of code beside weights",
        folder_of({"model.pt": HEALTHY, "code/requirements.txt": _FOREIGN["an index"]}, _WARNING),
    ),
    Threat(
        38,
        "packages of MLflow",
        folder_of(
            {
                "MLmodel": _MLMODEL,
                "data/model.pt": HEALTHY,
                "requirements.txt": _FOREIGN["a repository"],
            },
            _WARNING,
        ),
    ),
    *(
        Threat(
            38,
            f"packages of MLflow, by {name}",
            folder_of({"MLmodel": _MLMODEL, "data/model.pt": HEALTHY, name: content}, _WARNING),
        )
        for name, content in {
            "conda.yaml": _conda("--index-url https://example.org/simple"),
            "environment.yml": _conda(channel="https://example.org/channel"),
            "python_env.yaml": b"dependencies:\n- -r https://example.org/requirements.txt\n",
        }.items()
    ),
    Threat(
        38,
        "requirements by a name that nobody gives them",
        alone("m.mar", _mar(b"torch\n", "notes.bin"), _WARNING),
    ),
    Threat(
        38,
        "an index in a list that another one names",
        folder_of({"model.mar": _mar(_FOREIGN["an index"], "notes.txt")}, _WARNING),
    ),
    Threat(38, "silent: known packages of SageMaker", alone("m.tar.gz", _tar(_KNOWN))),
    Threat(38, "silent: known packages of TorchServe", alone("m.mar", _mar(_KNOWN))),
    Threat(
        38,
        "silent: known packages beside weights",
        folder_of(
            {
                "model.pt": HEALTHY,
                "requirements.txt": _KNOWN,
                "conda.yaml": _conda("--extra-index-url https://download.pytorch.org/whl/cpu"),
                "urls.txt": b"https://example.org/data.zip\n- a list\n-r 0.5\n--flag x\n",
            }
        ),
    ),
)
