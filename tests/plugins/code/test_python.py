"""Python source: that it is there, and whether it does more than compute."""

from __future__ import annotations

import inspect
import time

import pytest
import torch
from transformers.models.llama import modeling_llama

from modlint_plugins.code import examine
from modlint_plugins.code.python_source import examine_python

COMPUTES = [
    "import torch\nclass Net(torch.nn.Module):\n    pass",
    "import os\npath = os.path.join('a', 'b')\nrank = os.environ.get('RANK')",
    "from os import environ, path\nimport os.path as p\np.join('a')",
    "import sys\nif sys.version_info >= (3, 11): x = sys.maxsize",
    "import importlib.util\nfound = importlib.util.find_spec('flash_attn')",
    "from urllib.parse import urlparse\nfrom http import HTTPStatus",
    "import re\nmodel.eval()\nre.compile('a')\ntorch.compile(model)\nself.open()",
    "def f(self, i): return getattr(self, f'layer{i}')",
    "import torch\nstate = torch.load('m.pt', weights_only=True)",
    "from .configuration_x import XConfig\nfrom torch import nn",
    "def f(x, compile=False):\n    return x if compile else -x",
]
ACTS = {
    "import os as x\nx.system('a')": "os.system",
    "from os import system as s\ns('a')": "os.system",
    "import os\ngetattr(os, 'sys' + 'tem')('a')": "os.system",
    "import os\ngetattr(os, f'system')('a')": "os.system",
    "import os\nf = os\ng = f\ng.system('a')": "os.system",
    "import os\nrun = os.system\nrun('a')": "os.system",
    "import os\nx = [os]\nx[0].system('a')": "os",
    "import os\ngetattr(os, name)('a')": "computed name",
    "import torch\ngetattr(torch, 'o' + 's').system('a')": "torch.os",
    "import torch\ntorch.os.system('a')": "torch.os.system",
    "from torch import os": "torch.os",
    "import torch\nvars(torch)['os']": "vars",
    "import torch\ntorch.__dict__['os']": "__dict__",
    "__import__('os').system('a')": "__import__",
    "e = eval\ne('1')": "eval",
    "def f(open): pass\nopen('x')": "open",
    "().__class__.__bases__[0].__subclasses__()": "__subclasses__",
    "x['__builtins__']": "__builtins__",
    "f.__globals__['os']": "__globals__",
    "import sys\nsys.modules['os'].system('a')": "sys.modules",
    "from importlib import import_module as im\nim('os')": "importlib.import_module",
    "from subprocess import *": "subprocess",
    "import pickle": "pickle",
    "import torch\ntorch.load('m.pt')": "torch.load",
    "import torch as t\nt.hub.load('a', 'b')": "torch.hub.load",
    "from torch.utils import cpp_extension": "torch.utils.cpp_extension",
    "import numpy as np\nnp.load('a', allow_pickle=True)": "numpy.load",
    "AutoModel.from_pretrained('a', trust_remote_code=True)": "trust_remote_code",
    "lambda p: p.write_text('a')": "write_text",
    "def f(x=open('a')): pass": "open",
    "@eval\nclass A: pass": "eval",
    "try:\n    import socket\nexcept ImportError:\n    pass": "socket",
}


def told(
    source: str | bytes, name: str = "x.py", siblings: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    data = source if isinstance(source, bytes) else source.encode()
    return [(remark.kind, remark.message) for remark in examine(memoryview(data), name, siblings)]


@pytest.mark.parametrize("source", COMPUTES)
def test_source_that_computes_is_noted(source: str) -> None:
    assert [kind for kind, _ in told(source)] == ["python-code"]


@pytest.mark.parametrize("source", ACTS)
def test_source_that_acts_is_told_by_what_it_does(source: str) -> None:
    ((kind, message),) = told(source)

    assert kind == "acting-code"
    assert ACTS[source] in message


@pytest.mark.parametrize("module", [modeling_llama, torch.nn.modules.transformer])
def test_a_library_s_model_computes(module: object) -> None:
    source = inspect.getsource(module).encode()  # type: ignore[arg-type]

    assert [remark.kind for remark in examine_python(source, "modeling.py", ())] == ["python-code"]


@pytest.mark.parametrize("source", ["", "# a comment\n", '"""Docs."""\n', "pass"])
def test_an_empty_file_is_silent(source: str) -> None:
    assert told(source, "m/__init__.py", ("m/.data/extern_modules",)) == []


@pytest.mark.parametrize(
    "source",
    [
        b"print 'x'\nos.system('a')",
        b"\0import os",
        b"(" * 1000,
        b"a." * 100_000 + b"b",
        b"-" * 100_000 + b"1",
        b"x = 1\n" * 200_000,
        b"# coding: no-such-thing\nimport os",
        b"\xff\xfe\xfd",
    ],
)
def test_what_does_not_parse_is_never_clean(source: bytes) -> None:
    started = time.process_time()

    assert [kind for kind, _ in told(source)] == ["unparsed-code"]
    assert time.process_time() - started < 5


def test_source_is_decoded_as_it_says() -> None:
    hidden = b"# coding: utf-7\n+AGkAbQBwAG8AcgB0 subprocess\n"

    assert [kind for kind, _ in told(hidden)] == ["acting-code"]


@pytest.mark.parametrize(
    ("name", "siblings", "runner"),
    [
        ("handler.py", ("MAR-INF/MANIFEST.json", "handler.py"), "TorchServe"),
        ("m/net.py", ("m/.data/extern_modules", "m/net.py"), "torch.package"),
        ("code/inference.py", ("model.pth", "code/inference.py"), "SageMaker"),
        ("./code/inference.py", ("./model.pth", "./code/inference.py"), "SageMaker"),
    ],
)
def test_who_runs_it_is_said(name: str, siblings: tuple[str, ...], runner: str) -> None:
    ((_, message),) = told("x = 1", name, siblings)

    assert f"that {runner} runs" in message


def test_python_under_another_name_is_told_where_it_acts() -> None:
    assert [kind for kind, _ in told("import os\nos.system('a')\n", "notes.txt")] == ["acting-code"]
    assert told("import tax\nfrom the authorities, with love", "notes.txt") == []
    assert told("from torch import nn\nx = nn.Linear(1, 1)\n", "notes.txt") == []


def test_compiled_code_is_never_clean() -> None:
    assert [kind for kind, _ in told(b"\xa7\r\r\n" + bytes(12), "a.pyc")] == ["compiled-code"]
