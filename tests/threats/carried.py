"""Lines 33, 35, 36, 38 and 39 of the list: code that a checkpoint carries, as text or native."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from threats.boxes import LAMBDA, gguf, gzipped_tar, keras, program, tar_of, torch_archive
from threats.build import (
    ANYWHERE,
    DATA,
    Entry,
    Finding,
    Threat,
    Torch,
    alone,
    header,
    safetensors,
    zip_archive,
    zipped,
)
from threats.literature.paths import folder_of
from threats.pickled import PAYLOAD, dict_of, ended, text

_EVALUATED = Finding("SEC003", "error", ANYWHERE, None)
_CARRIES = Finding("SEC003", "warning|error", ANYWHERE, None)
_PROGRAM = Finding("SEC002", "warning|error", ANYWHERE, None)
_RUNS_PYTHON = b"import os\n\nos.system('id')\n"

_EXPRESSIONS = {
    "a call of __import__": "__import__('os').system('id')",
    "an attribute": "s0.__class__.__mro__",
    "a lambda": "(lambda: s0)()",
    "a name in brackets": "Symbol('s0').subs.__globals__['sys']",
    "a list comprehension": "[c for c in ().__class__.__base__.__subclasses__()]",
    "a text": "'id'.format(s0)",
}


def _graph(expression: str) -> bytes:
    """A graph with one tensor whose size is an expression."""
    size = {"as_expr": {"expr_str": expression, "hint": {"as_int": 4}}}
    meta = {"dtype": 7, "sizes": [size], "strides": [{"as_int": 1}]}
    graph = {"inputs": [], "outputs": [], "nodes": [], "tensor_values": {"x": meta}}
    return json.dumps({"graph_module": {"graph": graph}, "range_constraints": {}}).encode()


_EXPRESSED = (
    *(
        Threat(
            33,
            f"an expression of .pt2 that is {title}",
            alone("m.pt2", program(Entry("models/model.json", _graph(expression))), _EVALUATED),
        )
        for title, expression in _EXPRESSIONS.items()
    ),
    Threat(
        33,
        "an expression in the layout before PyTorch 2.7",
        alone(
            "m.pt2",
            zip_archive(
                [
                    Entry("version", b"8.8"),
                    Entry("serialized_exported_program.json", _graph(_EXPRESSIONS["a lambda"])),
                ]
            ).content,
            _EVALUATED,
        ),
    ),
    Threat(
        33,
        "an expression behind escapes of JSON",
        alone(
            "m.pt2",
            program(
                Entry(
                    "models/model.json",
                    _graph("__import__('os')").replace(b"expr_str", b"\\u0065xpr_str"),
                )
            ),
            _EVALUATED,
        ),
    ),
)

_PROGRAMS = {
    "ELF": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(200),
    "PE": b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0\x64\x86" + bytes(200),
    "Mach-O": b"\xcf\xfa\xed\xfe\x07\0\0\x01\x03\0\0\0\x06\0\0\0" + bytes(200),
}
_NATIVE = (
    *(
        Threat(
            35,
            f"{name} in an archive of PyTorch, as {member}",
            alone(
                "m.pt", zip_archive(Torch(more=(Entry(member, code),)).entries()).content, _PROGRAM
            ),
        )
        for name, code in _PROGRAMS.items()
        for member in ("model/extra/lib.so", "model/.data/x", "model/code/y")
    ),
    Threat(
        35,
        "a compiled library in a .pt2",
        alone("m.pt2", program(Entry("data/aotinductor/model/c.so", _PROGRAMS["ELF"])), _PROGRAM),
    ),
    Threat(
        35,
        "a library in a tar archive",
        alone("m.nemo", tar_of(("lib.so", _PROGRAMS["ELF"])), _PROGRAM),
    ),
    Threat(
        35,
        "a library in a model archive",
        alone("m.mar", zip_archive([Entry("l.so", _PROGRAMS["ELF"])]).content, _PROGRAM),
    ),
)

_OPERATORS = {
    "a blank before the bracket": "torch.from_file ('/tmp/x', True, 4)",
    "a tab before the bracket": "torch.from_file\t('/tmp/x', True, 4)",
    "blanks around the dot": "torch . from_file('/tmp/x', True, 4)",
    "a line end in the name": "torch.\\\n    from_file('/tmp/x', True, 4)",
    "the name of the operator": "ops.aten.from_file('/tmp/x', True, 4)",
    "torch.save": "torch.save ([x], '/tmp/x')",
}


def scripted(call: str) -> bytes:
    """An archive of TorchScript whose method makes a call."""
    code = (
        "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
        "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
        f"    t = {call}\n    return t\n"
    )
    more = (
        Entry("model/code/__torch__.py", code.encode()),
        Entry("model/constants.pkl", b"\x80\x02)."),
    )
    pickle = b"\x80\x02c__torch__\nM\n)\x81}b."
    entries = Torch(pickle=pickle, more=more).entries()
    return zip_archive([entry for entry in entries if entry.data is not DATA]).content


_SCRIPTS = tuple(
    Threat(
        36,
        f"TorchScript that reads or writes a file, by {title}",
        alone("m.pt", scripted(call), Finding("SEC003|SEC008", "warning|error", ANYWHERE, None)),
    )
    for title, call in _OPERATORS.items()
)

_TEMPLATE = "{{ lipsum.__globals__['os'].popen('id').read() }}"
_TARGET = json.dumps({"_target_": "os.system", "command": "id"})
_NESTED_TARGET = json.dumps({"model": {"x": [{"_target_": "builtins.exec", "_args_": ["0"]}]}})
_CONFIG = {"auto_map": {"AutoModel": "modeling_x.Model"}, "model_type": "x"}


def metadata(**texts: str) -> bytes:
    """A safetensors file with texts beside its tensor."""
    tensors = json.loads(header({"w": (0, 16)}))
    return safetensors(json.dumps({"__metadata__": texts, **tensors}).encode(), DATA)


def _specified(context: Mapping[str, object]) -> bytes:
    """A program with the specification of its inputs, in JSON within JSON within JSON."""
    spec = {"type": "builtins.dict", "context": json.dumps(context), "children_spec": []}
    return json.dumps({"signature": {"in_spec": json.dumps([1, spec])}}).encode()


def _hub(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {"model.safetensors": metadata(format="pt"), **files}


_FILES = {
    "a handler in a model archive": (
        "m.mar",
        zip_archive(
            [
                Entry("MAR-INF/MANIFEST.json", b'{"model": {"handler": "handler.py"}}'),
                Entry("handler.py", _RUNS_PYTHON),
                Entry("m.pt", torch_archive()),
            ]
        ).content,
    ),
    "an inference script in SageMaker's archive": (
        "model.tar.gz",
        gzipped_tar("code/inference.py", _RUNS_PYTHON),
    ),
    "a source of torch.package": (
        "m.pt",
        zip_archive(
            [
                Entry("p/.data/version", b"6\n"),
                Entry("p/.data/extern_modules", b"os\n"),
                Entry("p/byteorder", b"little"),
                Entry("p/my_model.py", _RUNS_PYTHON),
                Entry("p/model/w.pkl", b"\x80\x02}."),
            ]
        ).content,
    ),
    "Python in the code of an archive": (
        "m.pt",
        zip_archive(Torch(more=(Entry("model/code/x.py", _RUNS_PYTHON),)).entries()).content,
    ),
    "a chat template of GGUF": ("m.gguf", gguf("tokenizer.chat_template", _TEMPLATE)),
    "a named chat template of GGUF": ("m.gguf", gguf("tokenizer.chat_template.tool", _TEMPLATE)),
    "a target of hydra in metadata": ("m.safetensors", metadata(config=_TARGET)),
    "a target of hydra deep in metadata": ("m.safetensors", metadata(config=_NESTED_TARGET)),
    "a target of hydra behind escapes": (
        "m.safetensors",
        metadata(config=_TARGET.replace("_target_", "\\u005ftarget_")),
    ),
    "a Lambda layer of Keras": ("m.keras", keras(LAMBDA)),
    "a layer of a module of Python": (
        "m.keras",
        keras({"module": "os", "class_name": "system", "config": {"command": "id"}}),
    ),
    "a member of an enumeration in the specification of a .pt2": (
        "m.pt2",
        program(
            Entry(
                "models/model.json",
                _specified({"__enum__": True, "fqn": "thirdparty:Kind", "name": "x"}),
            )
        ),
    ),
    "a factory in the specification of a .pt2": (
        "m.pt2",
        program(
            Entry(
                "models/model.json",
                _specified(
                    {"default_factory_module": "thirdparty", "default_factory_name": "make"}
                ),
            )
        ),
    ),
    "a function of torch's that no exporter calls, in a .pt2": (
        "m.pt2",
        program(
            Entry(
                "models/model.json",
                json.dumps(
                    {"target": "torch.export.custom_ops.call", "inputs": [], "outputs": []}
                ).encode(),
            )
        ),
    ),
    "a constructor in TorchScript that believes its indices": (
        "m.pt",
        scripted("torch._sparse_coo_tensor_unsafe(x, x, [4])"),
    ),
    "an unchecked cast to a class in TorchScript": (
        "m.pt",
        scripted("unchecked_cast(__torch__.M, x)"),
    ),
    "an instantiator among a checkpoint's hyperparameters": (
        "m.ckpt",
        torch_archive(
            ended(dict_of(hyper_parameters=dict_of(_instantiator=text("thirdparty.make"))), proto=2)
        ),
    ),
    "JSON of half a million tables and more": ("m.json", b"[" + b"{}," * 600_000 + b"{}]"),
    "an operator of skops": (
        "m.skops",
        zip_archive(
            [
                Entry(
                    "schema.json",
                    b'{"__class__": "function", "__module__": "subprocess",'
                    b' "__loader__": "FunctionNode", "content": "Popen"}',
                )
            ]
        ).content,
    ),
}
_FOLDERS = {
    "a modeling file that the configuration names": {
        "config.json": json.dumps(_CONFIG).encode(),
        "modeling_x.py": _RUNS_PYTHON,
    },
    "a chat template of a tokenizer": {
        "config.json": b"{}",
        "tokenizer_config.json": json.dumps({"chat_template": _TEMPLATE}).encode(),
    },
    "one of several chat templates": {
        "config.json": b"{}",
        "tokenizer_config.json": json.dumps(
            {"chat_template": [{"name": "default", "template": _TEMPLATE}]}
        ).encode(),
    },
    "a chat template in a file of weights": {
        "config.json": b"{}",
        "chat_template.jinja": safetensors(b"{}", _TEMPLATE.encode()),
    },
    "a chat template that begins as UTF-16": {
        "config.json": b"{}",
        "chat_template.jinja": b"a\0" + _TEMPLATE.encode(),
    },
    "a chat template among special tokens": {
        "config.json": b"{}",
        "special_tokens_map.json": json.dumps({"chat_template": _TEMPLATE}).encode(),
    },
    "a module that the hub of torch runs": {"hubconf.py": _RUNS_PYTHON},
    "a module that generates": {"config.json": b"{}", "custom_generate/generate.py": _RUNS_PYTHON},
    "a modeling file that is named behind much else": {
        "config.json": json.dumps({"x": " " * 1_200_000, **_CONFIG}).encode(),
        "modeling_x.py": _RUNS_PYTHON,
    },
    "a modeling file with a name that no module has": {
        "config.json": json.dumps({"auto_map": {"AutoModel": "we+ird.Model"}}).encode(),
        "we+ird.py": _RUNS_PYTHON,
    },
    "a base model of another package": {
        "adapter_config.json": json.dumps(
            {"auto_mapping": {"base_model_class": "X", "parent_library": "thirdparty"}}
        ).encode()
    },
    "an activation function of another package": {
        "2_Dense/config.json": json.dumps({"activation_function": "thirdparty.act"}).encode(),
        "modules.json": b"[]",
    },
    "another repository's kernel, by Sentence Transformers": {
        "sentence_bert_config.json": json.dumps(
            {"model_args": {"attn_implementation": "evil/kernel"}}
        ).encode()
    },
    "a chat template in a file": {"config.json": b"{}", "chat_template.jinja": _TEMPLATE.encode()},
    "code of another repository (CVE-2026-4372)": {
        "config.json": json.dumps({"_attn_implementation_internal": "evil/kernels"}).encode()
    },
}
_CODE = (
    *(
        Threat(38, title, alone(name, content, _CARRIES))
        for title, (name, content) in _FILES.items()
    ),
    *(Threat(38, title, folder_of(_hub(files), _CARRIES)) for title, files in _FOLDERS.items()),
)

_BASE64 = base64.b64encode(PAYLOAD).decode()
_TEXTS = {
    "in base64": _BASE64,
    "in base64 with line ends": "\n".join(_BASE64[at : at + 8] for at in range(0, 99, 8)),
    "in base64 of URLs, behind a blank": " " + base64.urlsafe_b64encode(PAYLOAD).decode(),
    "in base64 without its padding": _BASE64.rstrip("="),
    "in hexadecimal digits": PAYLOAD.hex(),
    "in base64 in JSON": json.dumps({"state": {"x": _BASE64}}),
    "in base64 behind a scheme": f"data:application/octet-stream;base64,{_BASE64}",
}
_ENCODED = Finding("SEC001|SEC003|SEC008", "warning|error", ANYWHERE, None)
_HIDDEN = (
    *(
        Threat(39, f"a pickle {title}, in {where}", alone(name, make(value), _ENCODED))
        for title, value in _TEXTS.items()
        for where, name, make in (
            ("metadata", "m.safetensors", lambda value: metadata(note=value)),
            ("a text of a pickle", "m.pkl", lambda value: ended(text(value))),
            ("the header of GGUF", "m.gguf", lambda value: gguf("general.note", value)),
        )
    ),
    Threat(
        39,
        "a pickle in base64, beside a tensor",
        alone("m.pt", torch_archive(b"\x80\x02}" + text("note") + text(_BASE64) + b"s."), _ENCODED),
    ),
)

_SCRIPT = Entry("model/.data/x", b"#!/bin/sh\nid\n")
_HIDDEN_SCRIPT = Threat(
    38,
    "a shell script in a folder with a dot",
    zipped(
        "m.pt",
        zip_archive(Torch(more=(_SCRIPT,)).entries()),
        Finding("SEC002", "error", _SCRIPT.name, 0, "a script"),
    ),
)

THREATS = (_HIDDEN_SCRIPT, *_EXPRESSED, *_NATIVE, *_SCRIPTS, *_CODE, *_HIDDEN)
