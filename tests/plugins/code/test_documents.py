"""JSON and YAML: callables to be instantiated, layers, schemas, code of hub folders."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from modlint_plugins.code import examine


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


STANDARD = [
    "os.system",
    "builtins.exec",
    "subprocess.Popen",
    "pip.main",
    "torch.hub.load",
    "numpy.load",
]


@pytest.mark.parametrize("target", STANDARD)
def test_a_callable_of_the_standard_library_is_told_wherever_it_stands(target: str) -> None:
    config = {"model": {"layers": [{"_target_": target, "_args_": ["echo"]}]}}
    text = json.dumps(config)
    escaped = text.replace("_target_", "\\u005ftarget\\u005f")

    assert kinds(config) == ["standard-callable"]
    assert kinds(escaped) == ["standard-callable"]
    assert kinds(text[:-2]) == ["standard-callable"], "a damaged document"
    assert kinds(text + text.replace(target, "a.b")) == ["standard-callable", "callable-name"]
    assert kinds({"config": text}) == ["standard-callable"], "a document in a text"
    assert kinds("\ufeff" + text) == ["standard-callable"]
    assert kinds(text.encode("utf-16")) == ["standard-callable"]
    assert kinds(safetensors(format="pt", config=escaped)) == ["standard-callable"]


def test_of_a_key_given_twice_both_values_are_judged() -> None:
    assert kinds('{"_target_": "os.system", "_target_": "my.Net"}') == [
        "standard-callable",
        "callable-name",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  _target_: os.system\n  command: echo\n",
        "model: {_target_: os.system, command: echo}\n",
        "{_target_: os.system}\n",
        '"_target_": "os.system"\n',
        "? _target_\n: os.system\n_target_ : os.system\n",
        '"\\x5ftarget_": os.system\n',
        "_target_: >-\n  os.system\n",
        "_target_:\n  os.system\n",
        "_target_: &name os.system\n",
        "_target_: !!str os.system\n",
        "- _target_: 'os.system'\n",
        "target: os.system\n",
        "x: !!python/object/apply:os.system ['echo']\n",
        "x: !<tag:yaml.org,2002:python/object/apply:os.system> ['echo']\n",
    ],
)
def test_yaml_names_it_too(text: str) -> None:
    assert set(kinds(text, "model_config.yaml")) == {"standard-callable"}


@pytest.mark.parametrize(
    "text",
    [
        "target: nemo.collections.asr.models.EncDecCTCModel\noptim:\n  name: adam\n",
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
        (
            layer("function", "enable_unsafe_deserialization", module="keras.config"),
            ["foreign-class"],
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
