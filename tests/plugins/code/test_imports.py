"""The table of keys that loaders import by: each row planted in JSON and in YAML."""

from __future__ import annotations

import json
import time

import pytest
import yaml

from modlint_plugins.code import examine
from modlint_plugins.code.importing_keys import ANY, TABLE, TRITON, ImportingKey
from modlint_plugins.code.targets import TARGET_KEYS

FOREIGN = "thirdparty.Net"
ACTING = "os.system"
OWN = {
    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "network_arch_class_name": "nnunetv2.utilities.network_initialization.Net",
    "keras_module": "tensorflow.keras",
    "model_class": "xgboost.sklearn.XGBClassifier",
    "object_constructor": "llama_index.core.llms.mock.MockLLM",
    "tokenizer_class": "transformers.BertTokenizer",
    "activation_function": "torch.nn.modules.activation.Tanh",
    "activation_fct": "torch.nn.modules.linear.Identity",
    "loss_fct": "torch.nn.modules.loss.MSELoss",
    "pooling_class": "sentence_transformers.models.Pooling",
    "megatron_core": "megatron.core",
    "parent_library": "transformers.models.bert.modeling_bert",
    ANY: "sentence_transformers.models.Transformer",
    "class_path": "anything.Model",
    "type.txt": "gluonts.torch.model.predictor.PyTorchPredictor",
    "characters_class": "TTS.tts.utils.text.characters.Graphemes",
    "imports": "mmdet.models",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "pickle_module_info.txt": "mlflow.pytorch.pickle_module",
    "keras_module.txt": "tensorflow.keras",
    "@callbacks": "spacy.copy_from_base_model.v1",
    "@factories": "spacy.tagger.v1",
}
REGISTERED = ("spacy.TextCatBOW.v2", "spacy-transformers.TransformerModel.v3", "chain.v1")
"""Names that spaCy's other registries hold."""
OWN_BY_ROW = {
    ("class", "__kind__"): "gluonts.transform.Chain",
    ("class", "sparkVersion"): "org.apache.spark.ml.PipelineModel",
    ("class", ""): "com.worksap.nlp.sudachi.MeCabOovPlugin",
    ("module", ""): "pyannote.audio.models.segmentation",
    ("module", "api_version"): "bentoml.sklearn",
    ("name", "params"): "pyannote.audio.pipelines.SpeakerDiarization",
    ("type", ""): "Resize",
    ("uses", "constructor_name fn"): "rasa.nlu.classifiers.diet_classifier.DIETClassifier",
    ("plugins", "framework"): "adaseq",
    ("plugins", "base_model"): "axolotl.integrations.liger.LigerPlugin",
}
PLANTED = [(row, key) for row in TABLE for key in row.keys.split() if row.within != TRITON]


def document(row: ImportingKey, key: str, name: str) -> object:
    """A configuration with a name where a row says that it is imported."""
    table: dict[str, object] = {"anything" if key == ANY else key: name}
    if row.beside:
        table.setdefault(row.beside.split()[0], "1")
    if row.where:
        table["type"] = row.where
    if row.joined:
        table[key], table[row.joined] = name.rsplit(".", 1)
    for within in row.within.split()[:1]:
        return {within: [table] if key == "class" else table}
    return {"outer": [table]}


def kinds(content: object, name: str) -> list[str]:
    """Kinds of the remarks on a document, as JSON or YAML by its name."""
    text = json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content)
    return [remark.kind for remark in examine(memoryview(text.encode()), name, ())]


@pytest.mark.parametrize("name", ["x.json", "x.yaml"])
@pytest.mark.parametrize(("row", "key"), PLANTED, ids=lambda value: getattr(value, "does", value))
def test_each_row_tells_of_other_names(row: ImportingKey, key: str, name: str) -> None:
    acting = kinds(document(row, key, ACTING), name)
    foreign = kinds(document(row, key, FOREIGN), name)

    assert set(acting) <= {"standard-callable", "acting-callable"}
    assert acting
    assert foreign == ([] if row.is_own(FOREIGN) else [row.foreign])


@pytest.mark.parametrize(("row", "key"), PLANTED, ids=lambda value: getattr(value, "does", value))
def test_what_a_library_writes_itself_is_silent(row: ImportingKey, key: str) -> None:
    own = "nemo.collections.llm" if row.where else OWN_BY_ROW.get((key, row.beside), OWN.get(key))
    names = REGISTERED if own is None and key[0] == "@" else tuple(filter(None, [own]))
    assert names or not row.own, "no example of what the library writes"
    for name in names:
        assert kinds(document(row, key, f"{name}.X" if row.joined else name), "x.json") == []


def test_a_key_elsewhere_is_any_other() -> None:
    for row, key in PLANTED:
        if (row.beside or row.within or row.where) and key not in (*TARGET_KEYS, ANY):
            assert kinds({key: FOREIGN}, "x.json") in ([], None), row


@pytest.mark.parametrize("value", [None, 1, 1e400, True, [], {}, [[["os.system"]]], {"a": [None]}])
def test_values_of_any_kind_are_taken(value: object) -> None:
    for row, key in PLANTED:
        table = {key: value, "type": value, "name": value, "class": value, "id": value}
        kinds(dict.fromkeys((*row.within.split(), "filters", "x"), table), "x.json")


ANYWHERE = {
    "os.system": True,
    "posix:system": True,
    "subprocess.check_output": True,
    "builtins.eval": True,
    "importlib.import_module": True,
    "ctypes.CDLL": True,
    "eval": False,
    "os.path.join": False,
    "run": False,
    "profile.json": False,
    "code.py": False,
    "model.compile": False,
    "torch.load": False,
    "socket.io": False,
    "data.load": False,
    "is run by os.system": False,
}


@pytest.mark.parametrize(("value", "told"), ANYWHERE.items())
def test_functions_that_run_something_are_told_under_any_key(value: str, told: bool) -> None:
    assert kinds({"hook": value}, "x.json") == ["standard-callable"] * told
    assert kinds({"7": value, "names": [value]}, "x.json") == []


def test_settings_of_other_formats() -> None:
    def of(text: str, name: str) -> list[str]:
        return [remark.kind for remark in examine(memoryview(text.encode()), name, ())]

    assert of('[a]\nx = "os.system"\n', "config.cfg") == ["standard-callable"]
    assert of('[a]\nx = {"_target_": "os.system"}\n', "config.cfg") == ["acting-callable"]
    assert of("backend: 'p\\x79thon'", "config.pbtxt") == ["remote-code"]
    assert of('# backend: "python"\nplatform: "onnxruntime_onnx"', "config.pbtxt") == []
    assert of('parameters { key: "E" value { string_value: "a/b.so" } }', "config.pbtxt") == [
        "foreign-class"
    ]
    assert of(
        'parameters: { key: "EXECUTION_ENV_PATH", value: { string_value: "env.tgz" } }',
        "config.pbtxt",
    ) == ["remote-code"]
    assert of("[" * 100_000, "config.cfg") == of("a {" * 100_000, "config.pbtxt") == []


EVALUATED = {
    "$import os": False,
    "$os.path.join(@root, 'x')": False,
    "$[open(p) for p in @files]": False,
    "$json.loads(pathlib.Path(@p).read_text())": False,
    "$torch.load(@p, weights_only=True)": False,
    "$HOME/models": False,
    "$.trainer.x": False,
    "$os.system('id')": True,
    "$__import__('os').system('id')": True,
    "$open(@p, 'w').write('x')": True,
    "$open(@p, mode=@m)": True,
    "$[f(@p, 'w') for f in [open]]": True,
    "$subprocess.run('id')": True,
    "$import subprocess": True,
    "$(lambda: getattr(os, 'sys' + 'tem'))()('id')": True,
    "$@x.__class__.__mro__[1].__subclasses__()": True,
    "$(os.system('id'), @a::b#0)": True,
    "$os.system('id') if @ else 0": True,
    "$import os as o": True,
    "$os": True,
    "$@a.system('id')": True,
    "$torch.hub.load('x', 'y')": True,
    "$monai.utils.optional_import('os')[0]": True,
    "${eval:1} ${eval:'exec(1)'}": True,
    "${eval:'f(${x}) or exec(1)'}": True,
    "${eval:'3 * ${x}'}": False,
    "${eval:\"__import__('os').system('id')\"}": True,
}


@pytest.mark.parametrize(("text", "told"), EVALUATED.items())
def test_expressions_that_loaders_evaluate(text: str, told: bool) -> None:
    assert kinds({"run": text}, "x.json") == ["standard-callable"] * told


AROUND = {
    "a blank behind the name": {"hook": "os.system "},
    "a module of another's": {"hook": "torch.os.system"},
    "what else is said of the table": {"hook": "os.system", "trust_remote_code": True},
    "many names of the library's first": {
        "framework": "x",
        "plugins": ["adaseq"] * 2000 + ["thirdparty"],
    },
    "a key given twice": '{"type": "pyref", "module": "os", "name": "getpid", "name": "system"}',
    "a codec as a text": {"codecs": ["bytes", "numcodecs.pickle"]},
    "many rows of layers first": {"backbone": [["a"] * 20_000 + ["exec('1')"]], "head": []},
    "a function in a row of layers": {"backbone": [[-1, 1, "os.system", ["id"]]], "head": []},
}


@pytest.mark.parametrize("way", AROUND)
def test_ways_around_are_closed(way: str) -> None:
    content = AROUND[way]
    text = content if isinstance(content, str) else json.dumps(content)
    found = {remark.kind for remark in examine(memoryview(text.encode()), "x.json", ())}
    told = {"standard-callable", "acting-callable", "foreign-class", "evaluated-expression"}
    assert found & told


MANY = {
    "expressions": json.dumps([f"$a.b({number})" for number in range(50_000)]),
    "names": '{"__kind__": 1' + ', "class": "gluonts.x"' * 30_000 + "}",
    "joined names": '{"type": "pyref"' + ', "module": "nemo", "name": "x"' * 20_000 + "}",
    "quotes": 'a: "' + 'x\\"' * 100_000,
    "texts side by side": '"a" ' * 100_000,
    "blanks": ("a" + " " * 150 + "\n") * 2_000,
}


@pytest.mark.parametrize("what", MANY)
def test_takes_linear_time(what: str) -> None:
    text = memoryview(MANY[what].encode())
    started = time.process_time()
    for name in ("x.json", "config.pbtxt", "config.cfg"):
        list(examine(text, name, ()))
    assert time.process_time() - started < 30
