"""Lines 28, 30 and 37 of the list: paths of what a loader reads besides, and sizes it builds."""

from __future__ import annotations

import json

import onnx
from onnx import TensorProto, helper

from threats.boxes import HEALTHY
from threats.build import ANYWHERE, Finding, Threat, alone
from threats.literature.paths import folder_of

_ESCAPE = Finding("SEC007", "error", ANYWHERE, None)
_HIDDEN = Finding("SEC003", "error", ANYWHERE, None, "hidden folder")
_SIZE = Finding("SEC004", "warning", ANYWHERE, None, "1,000,000,000")

_ENGINES = {
    "above the folder": "../../engine.bin",
    "above the folder, behind a folder": "engines/../../x.engine",
    "above the folder, as Windows writes it": r"..\engine.bin",
    "at the root": "/opt/engines/a.bin",
    "on a drive": r"D:\engines\a.bin",
    "of another computer": r"\\server\share\a.bin",
}
_INSIDE = {
    "beside the model": "model_ctx_QNN.bin",
    "in a folder with dots": "engines..v2/a.bin",
    "within the model": b"\x00\x01\x02/../ \x7f" * 40,
    "within the model, as text": b'<?xml version="1.0"?>\n<net name="../x" path="/y"/>\n' * 100,
}


def _engine(context: str | bytes) -> bytes:
    node = helper.make_node(
        "EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=0, source="QNN",
        ep_cache_context=context,
    )  # fmt: skip
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    return model.SerializeToString()


def _modules(path: str) -> bytes:
    types = {"0_Transformer": "", "1_Pooling": path}
    return json.dumps(
        [
            {"idx": idx, "name": str(idx), "path": place, "type": f"sentence_transformers.{name}"}
            for idx, (name, place) in enumerate(types.items())
        ]
    ).encode()


_CONFIG = {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 768}

THREATS = (
    *(
        Threat(28, f"a compiled engine {title}", alone("m.onnx", _engine(path), _ESCAPE))
        for title, path in _ENGINES.items()
    ),
    *(
        Threat(28, f"silent: a compiled engine {title}", alone("m.onnx", _engine(held)))
        for title, held in _INSIDE.items()
    ),
    *(
        Threat(
            30,
            f"a module of Sentence Transformers in {path}",
            folder_of({"model.pt": HEALTHY, "modules.json": _modules(path)}, finding),
        )
        for path, finding in {
            "../other": _ESCAPE,
            "/tmp/module": _ESCAPE,
            ".cache/1_Dense": _HIDDEN,
            "a/.hidden": _HIDDEN,
        }.items()
    ),
    *(
        Threat(
            37,
            f"a configuration of a network too large: {key}",
            folder_of(
                {
                    "model.pt": HEALTHY,
                    "config.json": json.dumps({**_CONFIG, key: 10**9}).encode(),
                },
                _SIZE,
            ),
        )
        for key in ("num_hidden_layers", "vocab_size", "intermediate_size")
    ),
    Threat(
        30,
        "silent: modules in plain sight, and a large vocabulary",
        folder_of(
            {
                "model.pt": HEALTHY,
                "modules.json": _modules("1_Pooling"),
                "config.json": json.dumps({**_CONFIG, "vocab_size": 1_000_000}).encode(),
            }
        ),
    ),
)
