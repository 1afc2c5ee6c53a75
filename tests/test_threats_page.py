"""The page on threats states the limits that the code has."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from modlint_plugins.pickling.limits import Limits

PAGE = Path(__file__).resolve().parents[1] / "docs" / "threats.md"
ARCHIVES = "modlint_plugins.archives"
READERS = "modlint_plugins.readers"
CONSTANTS = {
    "a pickle in an archive": (f"{READERS}.torch.zip", "_MAX_PICKLE"),
    "members of one zip or tar archive": (f"{ARCHIVES}.zip.archive", "MAX_MEMBERS"),
    "members opened over all containers of a file": (f"{READERS}.contained", "MAX_MEMBERS"),
    "bytes that a zip archive's members take together, those that share bytes counted each": (
        f"{ARCHIVES}.zip.sharing",
        "MAX_SHARING",
    ),
    "pickles, archives and programs that one text decodes to": (
        "modlint_plugins.code.encoded",
        "MAX_FOUND",
    ),
    "parts of a text that are tried": ("modlint_plugins.code.encoded", "_MAX_TRIED"),
    "tensors, and entries of archives, over all of them": (f"{READERS}.contained", "MAX_TENSORS"),
    "seconds of CPU until the last part of a file is opened": (
        f"{READERS}.contained",
        "MAX_SECONDS",
    ),
    "containers within containers": (f"{READERS}.contained", "MAX_DEPTH"),
    "inflated bytes in memory at a time": (f"{READERS}.contained", "MAX_KEPT"),
    "inflated bytes of nested containers in all": (f"{READERS}.contained", "MAX_INFLATED"),
    "inflated bytes to one compressed byte, beyond 64 MiB": (f"{READERS}.contained", "MAX_RATIO"),
    "inflated bytes beyond that ratio in all": (f"{READERS}.contained", "MAX_FREE"),
    "header of a NumPy array": (f"{READERS}.numpy.header", "MAX_HEADER"),
    "runs of a sparse file in a tar archive": (f"{ARCHIVES}.tar.members", "MAX_RUNS"),
    "header of a tar member's name and facts": (f"{ARCHIVES}.tar.members", "MAX_EXTENDED"),
    "blocks behind damage in a tar archive": (f"{ARCHIVES}.tar.members", "MAX_SOUGHT"),
    "compressed streams one behind the other": (f"{ARCHIVES}.inflating", "MAX_STREAMS"),
    "dictionary of an xz or LZMA stream": (f"{ARCHIVES}.streams", "XZ_MEMORY"),
    "inflated bytes searched in a PyTorch archive": (f"{ARCHIVES}.zip.archive", "MAX_INFLATED"),
    "bytes whose checksums are compared": ("modlint.analysis.checksums", "FREE"),
    "tensors of a PyTorch file": (f"{READERS}.torch.tensors", "_MAX_TENSORS"),
    "tensors of a safetensors file": (f"{READERS}.safetensors.header", "MAX_TENSORS"),
    "header of a safetensors file": (f"{READERS}.safetensors.header", "MAX_HEADER"),
    "bytes that all tensors view": ("modlint.engine.bounds", "FREE"),
    "fields of an ONNX model": (f"{READERS}.onnx.skeleton", "MAX_FIELDS"),
    "depth of its messages": (f"{READERS}.onnx.skeleton", "MAX_DEPTH"),
    "ONNX model without its weights": (f"{READERS}.onnx.skeleton", "MAX_BYTES"),
    "fields of an ONNX model that hold no tensor": (
        f"{READERS}.onnx.concealed",
        "MAX_FIELDS",
    ),
    "nodes once functions are unfolded": ("modlint_plugins.onnx_check.calls", "MAX_UNFOLDED"),
    "a vector whose shape is inferred": ("modlint_plugins.onnx_check.inference", "_LONG_VECTOR"),
    "Python source that is parsed": ("modlint_plugins.code.parsing", "MAX_SOURCE"),
    "JSON and other text searched for code": ("modlint_plugins.code.documents", "MAX_DOCUMENT"),
    "values of a JSON text that are looked at for code": (
        "modlint_plugins.code.documents",
        "MAX_VALUES",
    ),
    "objects among them": ("modlint_plugins.code.documents", "MAX_TABLES"),
    "seconds of CPU that the texts of a file are searched for code": (
        "modlint_plugins.sweep.walk",
        "MAX_CODE_SECONDS",
    ),
    "YAML that is parsed": ("modlint_plugins.code.yaml_documents", "MAX_YAML"),
    "a template": ("modlint_plugins.code.templates", "MAX_TEMPLATE"),
    "texts of a document that a loader may evaluate": (
        "modlint_plugins.code.evaluated",
        "MAX_EVALUATED",
    ),
    "settings of spaCy and Triton": ("modlint_plugins.code.settings", "MAX_SETTINGS"),
    "values of a file of MessagePack": (f"{ARCHIVES}.msgpack", "MAX_VALUES"),
    "JSON of a name that no loader looks for, beside weights": (
        "modlint.file_names",
        "MAX_CONFIGURATION",
    ),
    "texts that are searched": ("modlint.analysis.texts", "MAX_CHARACTERS"),
}
LIMITS = {
    "opcodes over all pickles of a file": "opcodes",
    "seconds of CPU spent on interpreting them": "seconds",
    "text and numbers copied out of pickles": "copied_bytes",
    "an integer in a pickle": "integer_bytes",
    "globals named": "globals",
    "values once sharing is undone": "unfolded",
    "pickles of a file": "streams",
    "depth of open MARKs": "marks",
}


def stated() -> dict[str, str]:
    rows = PAGE.read_text().partition("## Limits")[2].partition("\n## ")[0].splitlines()
    cells = [row.strip("| ").split(" | ") for row in rows if row.startswith("| ")]
    return {what: limit for what, limit in cells if what != "what"}


@pytest.mark.parametrize("what", [*CONSTANTS, *LIMITS])
def test_each_limit_is_the_one_that_the_code_has(what: str) -> None:
    if what in LIMITS:
        value = getattr(Limits(), LIMITS[what])
    else:
        module, name = CONSTANTS[what]
        value = getattr(import_module(module), name)
    assert stated()[what].split(" ")[0].rstrip(";") == f"{value:,.0f}"


def test_every_row_is_checked() -> None:
    assert stated().keys() == CONSTANTS.keys() | LIMITS.keys()
