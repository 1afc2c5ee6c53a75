"""JSON and YAML: callables to be instantiated, layers, schemas, code of hub folders."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
from typing import Any

import pytest

from modlint_plugins.code import examine, runs


def kinds(content: object, name: str = "config.json") -> list[str]:
    """Kinds of the remarks on a document, text or bytes."""
    if isinstance(content, (dict, list)):
        content = json.dumps(content)
    data = content.encode() if isinstance(content, str) else content
    assert isinstance(data, bytes)
    return [remark.kind for remark in examine(memoryview(data), name, ())]


def safetensors(**metadata: str) -> bytes:
    header = json.dumps({"__metadata__": metadata}).encode()
    return struct.pack("<Q", len(header)) + header


STANDARD = {
    "os.system": "acting-callable",
    "builtins.exec": "acting-callable",
    "subprocess.Popen": "acting-callable",
    "random.seed": "standard-callable",
    "pip.main": "standard-callable",
    "torch.hub.load": "standard-callable",
    "numpy.load": "standard-callable",
    "${x}": "computed-callable",
    "os.${x}": "computed-callable",
}


@pytest.mark.parametrize(("target", "kind"), STANDARD.items())
def test_a_callable_that_acts_is_told_wherever_it_stands(target: str, kind: str) -> None:
    config = {"model": {"layers": [{"_target_": target, "_args_": ["echo"]}]}}
    text = json.dumps(config)
    escaped = text.replace("_target_", "\\u005ftarget\\u005f")

    assert kinds(config) == [kind]
    assert kinds(escaped) == [kind]
    assert kinds(text[:-2]) == [kind], "a damaged document"
    assert kinds(text + text.replace(target, "a.b")) == [kind, "callable-name"]
    assert kinds({"config": text}) == [kind], "a document in a text"
    assert kinds("\ufeff" + text) == [kind]
    assert kinds(text.encode("utf-16")) == [kind]
    assert kinds(safetensors(format="pt", config=escaped)) == [kind]


ACTIVATIONS = {
    "nn.SiLU()": [],
    "nn.LeakyReLU(0.1)": [],
    "__import__('os')": ["evaluated-expression"],
    "nn.ReLU() or print()": ["evaluated-expression"],
}


@pytest.mark.parametrize(("activation", "found"), ACTIVATIONS.items())
def test_an_activation_that_ultralytics_evaluates_is_a_layer(
    activation: str, found: list[str]
) -> None:
    assert kinds({"backbone": [], "head": [], "activation": activation}) == found


EXPORTED = {
    "x": [],
    "u=__import__('os').getpid()": ["evaluated-expression"],
    'a", print("b': ["evaluated-expression"],
}


@pytest.mark.parametrize(("name", "found"), EXPORTED.items())
def test_names_of_an_exported_program_are_names(name: str, found: list[str]) -> None:
    assert kinds({"graph": {"tensor_values": {name: {}}}}) == found
    assert kinds({"inputs": [{"as_tensor": {"name": name}}]}) == found
    assert kinds({"signature": {"forward_arg_names": [name]}}) == found


def test_a_text_of_an_exported_program_ends_no_source() -> None:
    assert kinds({"value": {"as_string": "plain text"}}) == []
    assert kinds({"value": {"as_string": "' or print('"}}) == ["evaluated-expression"]


def test_libraries_of_native_code_and_codecs_that_unpickle_are_told() -> None:
    assert kinds({"inputTextPlugin": [{"class": "./libhit.so"}]}) == ["foreign-class"]
    assert kinds({"filters": [{"id": "pickle"}]}, ".zarray") == ["foreign-class"]


def test_of_a_key_given_twice_both_values_are_judged() -> None:
    assert kinds('{"_target_": "os.system", "_target_": "my.Net"}') == [
        "acting-callable",
        "callable-name",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  _target_: os.system\n  command: echo\n",
        "model: {_target_: os.system, command: echo}\n",
        "{_target_: os.system}\n",
        '"_target_": "os.system"\n',
        "? _target_\n: os.system\n",
        "_target_ : os.system\n",
        '"\\x5ftarget_": os.system\n',
        "_target_: >-\n  os.system\n",
        "_target_:\n  os.system\n",
        "_target_: &name os.system\n",
        "_target_: !!str os.system\n",
        "- _target_: 'os.system'\n",
        "a: &a os.system\n_target_: *a\n",
        "a: &a _target_\n*a : os.system\n",
        "a: &a {_target_: os.system}\nb:\n  <<: *a\n",
        '? "_tar\\\n  get_"\n: os.system\n',
        '_target_: "os.\\\n  system"\n',
        "_target_:\n  # comment\n  os.system\n",
        "? !!str\n  _target_\n: os.system\n",
        "_target_ : &z !<tag:yaml.org,2002:str>\n  os.system\n",
        "- &a [*a]\n- _target_: os.system\n",
        "%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system ['id']\n",
        "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system ['id']\n",
        "a: !!%70ython/object/apply:os.system ['id']\n",
        "a: !!python/object/apply:os%2esystem ['id']\n",
        "a: !!python/name:os.system\n",
        "a: !apply:os.system ['id']\n",
        "a: !new:subprocess.Popen ['id']\n",
        "a: !name:os.system\n",
        "loader_module: os\nflavors: {}\n",
        "x: !!python/object/apply:os.system ['echo']\n",
        "x: !<tag:yaml.org,2002:python/object/apply:os.system> ['echo']\n",
    ],
)
def test_yaml_names_it_too(text: str) -> None:
    assert "acting-callable" in kinds(text, "model_config.yaml")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x: os.system\nm:\n  _target_: ${x}\n", "standard-callable computed-callable"),
        ("a: &a {b: c}\n_target_: *a\n", "computed-callable"),
        ("_target_: [my.net]\n", "computed-callable callable-name"),
        ("m: '${oc.create:${x}}'\n", "computed-callable"),
        ("m: '${oc.decode:{a: b}}'\n", "computed-callable"),
        ("_target_: torch.nn.Linear\n", "callable-name"),
        ("a: !new:torch.nn.Linear [1, 2]\n", "callable-name"),
        ("a: !!python/object:argparse.Namespace {}\n", "callable-name"),
        ("a: !!python/object/apply:mine.f []\n", "standard-callable"),
        ("a: !!javax.script.ScriptEngineManager []\n", "standard-callable"),
        ('"_target_": "my.net\n', "callable-name unparsed-code"),
        ('"_tar\\\nget_": os.system\n', "unparsed-code"),
        ("a: !x b: c: d\n'\\x5f'\n", "unparsed-code"),
        ("a: " + "[" * 150 + "]" * 150, "unparsed-code"),
        ("a: b\n" * 500_000, "unparsed-code"),
        ("python_function:\n  loader_module: mine\n", "foreign-code"),
        ("python_function:\n  loader_module: mlflow.sklearn\n  code: code\n", "remote-code"),
    ],
)
def test_other_callables_and_what_does_not_parse(text: str, kind: str) -> None:
    assert kinds(text, "config.yaml") == kind.split()


@pytest.mark.parametrize(
    "text",
    [
        "m: ${oc.env:HOME}\nx: ${model.lr}\n_target_: ???\n",
        "a: !!python/tuple [1, 2]\nb: !!python/unicode 'x'\nc: !!float 1\nd: !ref <a>\n",
        "a: !Linear {in: 1}\nb: 2001-01-01\nc: !!set {a, b}\n<<: {x: 1}\n",
        "flavors:\n  python_function:\n    loader_module: mlflow.pytorch\n    data: data\n",
        "a: 'no end\n",
        "target: random\nstring: os\nnote: the target: os is none\n",
        "optim:\n  lr: 0.1\n  betas: [0.9, 0.98]\n# _target_ stands in a comment\n",
        "Targets of this model are flowers.\n",
    ],
)
def test_other_yaml_is_silent(text: str) -> None:
    assert kinds(text, "model_config.yaml") == []


@pytest.mark.parametrize("target", ["collections.OrderedDict", "torch.nn.Linear", "my.models.Net"])
def test_a_callable_that_builds_something_is_noted(target: str) -> None:
    assert kinds({"_target_": target}) == ["callable-name"]


def layer(name: str, config: Any = None, **more: Any) -> dict[str, Any]:
    layers = [{"class_name": name, "config": config or {}, **more}]
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}}


LAMBDA = {
    "function": {"class_name": "__lambda__", "config": {"code": "4wEAAA==", "defaults": None}}
}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (layer("Lambda", LAMBDA), ["lambda-layer"]),
        (
            layer("Lambda", {"function": ["4wEAAA==\n", None, None], "function_type": "lambda"}),
            ["lambda-layer"],
        ),
        (layer("Dense", {"activation": "relu"}, module="keras.layers", registered_name=None), []),
        (
            layer(
                "Dense",
                {"activation": {"class_name": "function", "config": "my", "module": "builtins"}},
            ),
            [],
        ),
        (layer("LSTM", {}, module="keras.src.layers.rnn.lstm"), []),
        (layer("exec", "import os", module="builtins", registered_name=None), ["standard-class"]),
        (layer("system", "echo", module="os"), ["standard-class"]),
        (layer("Mine", {}, module="mine.layers", registered_name="mine>Mine"), ["foreign-class"]),
        (layer("get_file", {"origin": "http://x"}, module="keras.utils"), ["standard-class"]),
        (layer("function", "get_file", module="keras.utils"), ["standard-class"]),
        (
            layer("function", "enable_unsafe_deserialization", module="keras.config"),
            ["standard-class"],
        ),
    ],
)
def test_layers_of_keras(config: dict[str, Any], expected: list[str]) -> None:
    assert kinds(config) == expected
    attribute = b"\x89HDF\r\n\x1a\n" + bytes(99) + b"model_config\0" + json.dumps(config).encode()
    assert kinds(attribute + bytes(500), "model.h5") == expected


def test_a_random_hdf5_file_is_silent() -> None:
    assert kinds(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 4000, "weights.h5") == []


def node(loader: str, module: str, cls: str) -> dict[str, Any]:
    inner = {"__class__": cls, "__module__": module, "__loader__": loader, "content": {}}
    tree = {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "__loader__": "ObjectNode"}
    return {**tree, "content": [inner], "protocol": 2}


@pytest.mark.parametrize(
    ("loader", "module", "cls", "told"),
    [
        ("ObjectNode", "sklearn.linear_model._logistic", "LogisticRegression", False),
        ("NdArrayNode", "numpy", "ndarray", False),
        ("DictNode", "builtins", "dict", False),
        ("FunctionNode", "numpy", "log", False),
        ("DictNode", "collections", "OrderedDict", False),
        ("OperatorFuncNode", "os", "Tree", True),
        ("MethodNode", "builtins", "method", True),
        ("FunctionNode", "os", "system", True),
        ("FunctionNode", "numpy.f2py", "run_main", True),
        ("TypeNode", "builtins", "exec", True),
        ("ObjectNode", "mine", "Estimator", True),
    ],
)
def test_nodes_of_skops(loader: str, module: str, cls: str, told: bool) -> None:
    assert kinds(node(loader, module, cls), "schema.json") == ["foreign-class"] * told


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, []),
        ({"auto_map": {"AutoModel": "modeling_x.Net"}}, ["remote-code"]),
        ({"auto_map": {"AutoTokenizer": ["tokenization_x.Tok", None]}}, ["remote-code"]),
        ({"auto_map": {"AutoModel": "someone/repo--modeling_x.Net"}}, ["foreign-code"]),
        ({"attn_implementation": "flash_attention_2", "_attn_implementation": None}, []),
        ({"_attn_implementation_internal": "attacker/kernel"}, ["foreign-kernel"]),
        ({"_attn_implementation": "attacker/kernel@main:forward"}, ["foreign-kernel"]),
        ({"attn_implementation": {"text": "paged|attacker/kernel"}}, ["foreign-kernel"]),
        ({"text_config": {"_attn_implementation": "a/b"}}, ["foreign-kernel"]),
        ({"attn_implementation": "kernels-community/flash-attn2"}, ["hub-kernel"]),
        ({"trust_remote_code": True}, ["remote-code"]),
        ({"text_cfg": {"tokenizer_kwargs": {"trust_remote_code": True}}}, ["foreign-code"]),
        ({"trust_remote_code": False}, []),
        (
            {
                "_class_name": "StableDiffusionPipeline",
                "_diffusers_version": "0.30",
                "unet": ["diffusers", "UNet2DConditionModel"],
                "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
                "feature_extractor": [None, None],
                "image_size": [512, 512],
            },
            [],
        ),
        ({"_class_name": ["pipeline_x", "X"], "_diffusers_version": "0.30"}, ["remote-code"]),
        (
            {"_class_name": "X", "_diffusers_version": "0.3", "unet": ["my_unet", "Net"]},
            ["remote-code"],
        ),
        (
            {"_class_name": "X", "_diffusers_version": "0.3", "unet": ["subprocess", "Popen"]},
            ["foreign-code"],
        ),
        ({"chat_template": "{{ ''.__class__ }}"}, ["acting-template"]),
        (
            {"chat_template": [{"name": "default", "template": "{{ ''.__class__ }}"}]},
            ["acting-template"],
        ),
        ({"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}, []),
    ],
)
def test_configurations_of_a_hub_folder(config: dict[str, Any], expected: list[str]) -> None:
    assert kinds(config) == expected


def test_a_template_of_its_own_file() -> None:
    assert kinds("{{ ''.__class__ }}", "chat_template.jinja") == ["acting-template"]
    assert kinds("Hello {{ ''.__class__ }}", "chat_template.jinja") == ["acting-template"]
    assert kinds("{{ messages[0].content }}", "chat_template.jinja") == []


def test_bytes_that_only_begin_as_a_document_are_silent() -> None:
    assert kinds(b'{"' + bytes(range(256)) * 50, "data/0") == []
    assert kinds(b"[" + b"\xff" * 5000, "data/0") == []


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '"' * 100_000, "{" * 100_000])
def test_nesting_without_end_ends(text: str) -> None:
    kinds("{" + text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"' + '\\"' * 400_000),
        ("a.yaml", '"' + '\\"' * 450_000),
        ("a.yaml", "- " * 300_000),
        ("a.yaml", "a: " + "[a, " * 200_000),
        ("a.txt", "_target_" + "&a " * 300_000),
        ("a.json", '{"_target_": "' + "os.path." * 100_000 + '"}'),
        ("a.json", '{"_attn_implementation": "a/' + "@" * 500_000 + '/"}'),
    ],
)
def test_takes_linear_time(name: str, text: str) -> None:
    started = time.process_time()
    kinds(text, name)
    assert time.process_time() - started < 10


def test_long_keys_around_many_texts_take_little_memory() -> None:
    nested = "[" + ",".join(['"yy"'] * 50_000) + "]"
    for _ in range(100):
        nested = f'{{"{"k" * 1500}": {nested}}}'
    tracemalloc.start()
    try:
        assert kinds(nested) == []
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_modules_of_sentence_transformers() -> None:
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    assert kinds([module], "modules.json") == []
    assert kinds([module | {"type": "sub/evil.Cls"}], "modules.json") == ["remote-code"]
    assert kinds([module | {"type": "a/b--evil.Cls"}], "modules.json") == ["foreign-code"]
    assert kinds([module | {"type": "os.system"}], "modules.json") == ["acting-callable"]
    assert kinds([module | {"path": "./1_Pooling"}], "modules.json") == []
    assert kinds([module | {"path": ".cache"}], "modules.json") == ["hidden-module"]
    for path in ("../other", "/models/other", "a/../../b", r"C:\other", r"..\other"):
        assert kinds([module | {"path": path}], "modules.json") == ["path-escape"]
    for path in ("0_Transformer", "a/b", "1..2"):
        assert kinds([module | {"path": path}], "modules.json") == []
    router = {"types": {"query": "sentence_transformers.models.Dense"}, "structure": {}}
    assert kinds(router, "router_config.json") == []
    router["types"] = {"../x": "sentence_transformers.models.Dense"}
    assert kinds(router, "router_config.json") == ["path-escape"]
    assert kinds([{"path": "/data/train.json", "type": "json"}], "data.json") == []


def test_json_in_utf_16_without_a_mark() -> None:
    text = json.dumps({"_target_": "os.system"}).encode("utf-16-le")
    assert kinds(text) == ["acting-callable"]


FLAGS = {"compiler": "g++", "cflags": ["O3"], "compile_flags": [], "definitions": ["X=1"]}


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (FLAGS, "unexamined-code"),
        (FLAGS | {"compiler": "/usr/bin/x86_64-linux-gnu-g++-12"}, "unexamined-code"),
        (FLAGS | {"compiler": "touch /tmp/x; false"}, "compiler-command"),
        (FLAGS | {"compiler": "./g++"}, "compiler-command"),
        (FLAGS | {"cflags": ["O3; id"]}, "compiler-command"),
        (FLAGS | {"cflags": ["fplugin=./x.so"]}, "compiler-command"),
    ],
)
def test_flags_with_which_loading_compiles(flags: dict[str, Any], kind: str) -> None:
    assert kinds(flags, "data/aotinductor/model/c.wrapper_compile_flags.json") == [kind]


def test_sizes_that_no_machine_builds_are_told_with_their_numbers() -> None:
    config = {
        "model_type": "llama",
        "num_hidden_layers": 126,
        "hidden_size": 16384,
        "intermediate_size": 53248,
        "vocab_size": 262144,
        "max_position_embeddings": 10**9,
        "num_experts": 512,
    }
    assert kinds(config, "config.json") == []
    for key, size in {
        "num_hidden_layers": 10_001,
        "n_layer": 10**9,
        "num_local_experts": 1e6,
        "vocab_size": 2**24 + 1,
        "intermediate_size": 10**12,
        "d_ff": float("inf"),
        "vocab_size ": 1,
    }.items():
        told = kinds(config | {key: size}, "config.json")
        assert told == ([] if size == 1 else ["absurd-size"]), key
    assert kinds(config | {"text_config": {"model_type": "x", "n_layers": 10**6}}, "c.json") == [
        "absurd-size"
    ]
    assert kinds({"n_layer": 10**9}, "config.json") == []
    digits = b'{"architectures": [], "vocab_size": ' + b"9" * 5000 + b"}"
    (remark,) = examine(memoryview(digits), "config.json", ())
    assert "9,223,372,036,854,775,808" in remark.message


def test_an_expression_beyond_the_limit_is_told_and_not_parsed() -> None:
    assert kinds({"a": "$" + "1+" * 1_999 + "1"}) == []
    text = json.dumps({"a": "$" + "1+" * 2_000 + "1"}).encode()
    (remark,) = examine(memoryview(text), "config.json", ())
    assert remark.kind == "standard-callable"
    assert "longer than 4,000 characters" in remark.message


def test_a_text_beyond_the_limit_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MAX_DOCUMENT", 10)
    (remark,) = examine(memoryview(b'{"a": "bcdef"}'), "config.json", ())
    assert remark.message == "text of 14 bytes, of which code was not looked for"
    assert remark.help == "read it before anything loads this file"
