"""Under the profile `safety`, a model that is not read is an error, whatever it is called."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest
from support import no_progress

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.report import Report
from modlint.settings.config import Configuration, Settings
from threats.boxes import HEALTHY

_R = b"X\n\0\0\0\x03\0\x04\x02\x02\0\x03\x05\0" + bytes(40)
_TYPE = b"arrow.py_extension_type"
_GRAPH = b'node {\n  name: "w"\n  op: "WriteFile"\n}\n'
_SAVED = b"saved_model_schema_version: 1\nmeta_graphs {\n  graph_def { " + _GRAPH + b" }\n}\n"
_LIBSVM = b"svm_type c_svc\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 99999999\nSV\n"
_LIBLINEAR = b"solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 99\nbias -1\nw\n"
_IR = b'<?xml version="1.0"?>\n<net name="m" version="11">\n<layers></layers></net>\n'

RECOGNISED = {
    "m.rds": gzip.compress(_R),
    "plain.rds": _R,
    "m.RData": gzip.compress(b"RDX3\n" + _R),
    "text.rds": b"A\n3\n262658\n197888\n5\nUTF-8\n",
    "weka.dat": b"\xac\xed\0\x05sr\0" + bytes(20),
    "ir.xml": _IR,
    "comment.xml": b"<!--" + b" " * 9000 + b"-->" + _IR,
    "before.xml": b"text " + _IR,
    "blank.param": b"\n" * 9000 + b"7767517\n1 1\nInput in 0 1 in\n",
    "late.txt": b"gamma 0.5\n" * 900 + _LIBSVM,
    "remarks.pbtxt": b"# " + b"x" * 9000 + b"\n\n" + _SAVED,
    "saved_model.pbtxt": _SAVED,
    "graph.pbtxt": b"# by tools\n" + _GRAPH,
    "svm.txt": _LIBSVM,
    "order.txt": b"gamma 0.5\n" + _LIBSVM,
    "linear.txt": _LIBLINEAR,
    "inference.json": b'{"base_code": {"magic": "pir", "version": 4}, "program": {}}',
    "escaped.json": b'{"\\u0062ase_code": {"magic": "pir"}, "progr\\u0061m": {}}',
    "net.param": b"7767517\n1 1\nInput in 0 1 in\n",
    "lid.ftz": b"\xba\x16\x4f\x2f\x0c\0\0\0" + bytes(99),
    "ner.crfsuite": b"lCRF" + bytes(99),
    "index.voy": b"VOYA" + bytes(range(99)),
    "language_model.arpa": b"mmap lm http://kheafield.com/code format version 5\n\0" + bytes(99),
    "x.arrow": b"ARROW1\0\0" + bytes(20) + _TYPE + bytes(20),
    "x.feather": b"FEA1" + bytes(20) + _TYPE + bytes(20),
    "stream.arrow": b"\xff\xff\xff\xff" + bytes(20) + _TYPE + bytes(20),
    **{
        f"{lead}.parquet": b"PAR1" + base64.b64encode(bytes(lead) + _TYPE + bytes(9)) + b"PAR1"
        for lead in range(3)
    },
}
"""In a folder too, by content alone."""
_NAMES = ("engine", "plan", "trt", "mnn", "mindir", "pdiparams", "vmfb", "hnsw", "msgpck", "tl")
BY_NAME = {f"model.{suffix}": bytes(range(7, 200)) * 3 for suffix in (*_NAMES, "ann", "voy")}
OTHERS = {
    "README.md": b"# A model\nsvm_type and nr_class are keys of LIBSVM.\n",
    "page.xml": b"<project><net>4</net></project>\n",
    "config.pbtxt": b'name: "m"\nplatform: "onnxruntime_onnx"\ninput { name: "x" }\n',
    "face.pbtxt": b'node {\n  calculator: "ImageCalculator"\n}\n',
    "program.json": b'{"program": "train.py", "base": 1}',
    "table.parquet": b"PAR1" + bytes(64) + b"PAR1",
    "numbers.txt": b"gamma 0.5\nnr_class 2\n",
    "log.txt": b"RDX is a letter\n",
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


def checked(path: Path, registry: Registry) -> Report:
    settings = Settings(select=("safety",), device="cpu")
    return check([path], Configuration(settings, None, path.parent), registry, no_progress)


@pytest.mark.parametrize("name", [*RECOGNISED, *BY_NAME])
def test_a_file_that_is_named_is_an_error(name: str, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes((RECOGNISED | BY_NAME)[name])
    assert checked(tmp_path / name, registry).run.exit_code == 1


@pytest.mark.parametrize("name", [*RECOGNISED, *BY_NAME])
def test_so_it_is_in_a_folder(name: str, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(HEALTHY)
    (tmp_path / name).write_bytes((RECOGNISED | BY_NAME)[name])
    report = checked(tmp_path, registry)
    assert report.run.exit_code == 1
    assert [Path(file.path).name for file in report.files if file.findings] == [name]


def test_a_graph_beside_tensors_of_tensorflow_is_one(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "model.meta").write_bytes(b"\x0a\x09\x12\x07" + bytes(range(7, 200)))
    assert checked(tmp_path, registry).run.exit_code == 0
    (tmp_path / "model.index").write_bytes(bytes(range(7, 200)))
    assert checked(tmp_path, registry).run.exit_code == 1


def test_notes_beside_a_file_are_no_graph(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(HEALTHY)
    (tmp_path / "model.pt.meta").write_text("fileFormatVersion: 2\nguid: 0123\n")
    (tmp_path / ".meta").write_bytes(bytes(range(7, 200)))
    assert checked(tmp_path, registry).run.exit_code == 0


@pytest.mark.parametrize("name", OTHERS)
def test_other_texts_and_tables_are_none(name: str, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(OTHERS[name])
    assert checked(tmp_path / name, registry).run.exit_code == 0
    (tmp_path / "model.pt").write_bytes(HEALTHY)
    assert checked(tmp_path, registry).run.exit_code == 0
