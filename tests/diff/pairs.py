"""Pairs of checkpoints: the healthy ones that `modlint diff` passes, and those it must not."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from safetensors.torch import save_file
from torch import nn

State = dict[str, torch.Tensor]
Written = Callable[[Path], Path]


class PairCase(Struct, frozen=True):
    """Two checkpoints and what must be said of them.

    Attributes:
        title: what the pair is.
        old, new: write each in a folder of its own.
        relation: what must be found.
        kinds: kinds of the regressions, in any order; none where the pair is healthy.
        tensors: names that the regressions must name.
        exit_code: of the command.
    """

    title: str
    old: Written
    new: Written
    relation: str
    kinds: tuple[str, ...] = ()
    tensors: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        return not self.kinds


def safetensors(state: State) -> Written:
    def write(folder: Path) -> Path:
        tensors = {name: value.clone().contiguous() for name, value in state.items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder / "model.safetensors"

    return write


def pickled(state: State) -> Written:
    def write(folder: Path) -> Path:
        torch.save(state, folder / "model.pt")
        return folder / "model.pt"

    return write


def arrays(state: State) -> Written:
    def write(folder: Path) -> Path:
        np.savez(folder / "model.npz", **{name: value.numpy() for name, value in state.items()})
        return folder / "model.npz"

    return write


def exported(module: nn.Module, inputs: Any, *, dynamo: bool) -> Written:
    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"external_data": False} if dynamo else {}
            torch.onnx.export(module, (inputs,), path, dynamo=dynamo, verbose=False, **options)
        return path

    return write


def trained(module: nn.Module, inputs: Any, steps: int = 5, rate: float = 1e-3) -> nn.Module:
    torch.manual_seed(1)
    step = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], rate)
    for _ in range(steps):
        step.zero_grad()
        module.train()(inputs).pow(2).mean().backward()
        step.step()
    return module.eval()


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.conv2, self.norm2 = nn.Conv2d(16, 24, 3, bias=False), nn.BatchNorm2d(24)
        self.head = nn.Linear(24, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.conv1(x)).relu()
        return self.head(self.norm2(self.conv2(x)).relu().mean((2, 3)))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 24)
        self.rnn = kind(24, 32, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(64, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(self.embedding(x))[0])


def transformer() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.ModuleList(
        nn.TransformerEncoderLayer(64, 4, 96, batch_first=True) for _ in range(3)
    )
    return trained(nn.Sequential(*layers), torch.randn(4, 6, 64), 10, 1e-3)


def mlp() -> nn.Module:
    torch.manual_seed(0)
    sizes = (32, 64, 64, 48, 10)
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    module = nn.Sequential(*(m for layer in layers for m in (layer, nn.ReLU())))
    return trained(module, torch.randn(16, 32), 10)


def state_of(module: nn.Module, dtype: torch.dtype | None = None) -> State:
    state = {name: value.detach().clone() for name, value in module.state_dict().items()}
    if dtype is None:
        return state
    return {name: v.to(dtype) if v.is_floating_point() else v for name, v in state.items()}


def experts(prefix: str = "model.layers.", count: int = 4) -> State:
    random = torch.Generator().manual_seed(0)
    state: State = {}
    shapes = {"gate_proj": (48, 32), "up_proj": (48, 32), "down_proj": (32, 48)}
    heads = {"q_proj": (32, 32), "k_proj": (16, 32), "v_proj": (16, 32), "o_proj": (32, 32)}
    for layer in range(3):
        for expert in range(count):
            for name, shape in shapes.items():
                key = f"{prefix}{layer}.mlp.experts.{expert}.{name}.weight"
                state[key] = 0.02 * torch.randn(shape, generator=random)
        for name, shape in heads.items():
            key = f"{prefix}{layer}.self_attn.{name}"
            state[f"{key}.weight"] = 0.02 * torch.randn(shape, generator=random)
            state[f"{key}.bias"] = 0.02 * torch.randn(shape[0], generator=random)
    return state


def fused(state: State, order: str = "qkv", prefix: str = "model.layers.") -> State:
    """q, k and v in one; gate and up in one; the experts in a stack."""
    joined: State = {}
    for layer in range(3):
        heads, mlp = f"{prefix}{layer}.self_attn.", f"{prefix}{layer}.mlp.experts."
        for kind in ("weight", "bias"):
            parts = [state[f"{heads}{name}_proj.{kind}"] for name in order]
            joined[f"{heads}qkv_proj.{kind}"] = torch.cat(parts)
            joined[f"{heads}o_proj.{kind}"] = state[f"{heads}o_proj.{kind}"]
        joined[f"{mlp}gate_up_proj"] = torch.stack(
            [
                torch.cat([state[f"{mlp}{e}.gate_proj.weight"], state[f"{mlp}{e}.up_proj.weight"]])
                for e in range(4)
            ]
        )
        joined[f"{mlp}down_proj"] = torch.stack(
            [state[f"{mlp}{e}.down_proj.weight"] for e in range(4)]
        )
    return joined


def changed(state: State, **changes: Callable[[torch.Tensor], torch.Tensor]) -> State:
    """A state with some tensors changed; dots in names are written as double underscores."""
    other = {name: value.clone() for name, value in state.items()}
    for key, change in changes.items():
        name = key.replace("__", ".")
        other[name] = change(other[name])
    return other


def without(state: State, *names: str) -> State:
    return {name: value for name, value in state.items() if name not in names}


def exchanged(state: State, first: str, second: str) -> State:
    return {**state, first: state[second], second: state[first]}


def renamed(state: State, old: str, new: str) -> State:
    return {name.replace(old, new): value for name, value in state.items()}


def noise(size: float) -> Callable[[torch.Tensor], torch.Tensor]:
    random = torch.Generator().manual_seed(7)

    def add(value: torch.Tensor) -> torch.Tensor:
        return value + (size * torch.randn(value.shape, generator=random)).to(value.dtype)

    return add


def half_zero(value: torch.Tensor) -> torch.Tensor:
    value = value.clone()
    value[: len(value) // 2] = 0
    return value


def low_byte(value: torch.Tensor) -> torch.Tensor:
    random = np.random.default_rng(0)
    codes = value.clone().numpy().view(np.uint32)
    codes[...] = (codes & ~np.uint32(255)) | random.integers(0, 256, codes.shape, dtype=np.uint32)
    return torch.from_numpy(codes.view(np.float32))


def healthy() -> Iterator[PairCase]:
    net = transformer()
    base = state_of(net)
    plain = safetensors(base)
    x = torch.randn(4, 6, 64)
    yield PairCase("a copy", plain, plain, "identical")
    yield PairCase("another container", pickled(base), plain, "identical")
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn):
        cast = safetensors(state_of(net, dtype))
        yield PairCase(f"a cast to {dtype}", plain, cast, "cast")
        yield PairCase(f"a cast from {dtype}", cast, plain, "cast")
    rounded = {name: value.bfloat16().float() for name, value in base.items()}
    yield PairCase("rounded to bfloat16", plain, safetensors(rounded), "cast")
    for steps, rate in ((1, 1e-5), (5, 1e-4), (5, 1e-2)):
        tuned = trained(copy.deepcopy(net), x, steps, rate)
        yield PairCase(
            f"{steps} steps at {rate}", plain, safetensors(state_of(tuned)), "fine-tuned"
        )
    half = safetensors(state_of(tuned, torch.bfloat16))
    yield PairCase("tuned and cast", plain, half, "fine-tuned")
    frozen = copy.deepcopy(net)
    for parameter in frozen[0].parameters():
        parameter.requires_grad = False
    frozen = trained(frozen, x)
    yield PairCase("a frozen layer", plain, safetensors(state_of(frozen)), "fine-tuned")
    head = copy.deepcopy(net)
    for parameter in head[:2].parameters():
        parameter.requires_grad = False
    yield PairCase("the last layer", plain, safetensors(state_of(trained(head, x))), "fine-tuned")
    pruned = {n: torch.where(v.abs() < v.abs().median(), 0.0, v) for n, v in base.items()}
    yield PairCase("pruned throughout", plain, safetensors(pruned), "fine-tuned")
    wrapped = {f"module.{name}": value for name, value in base.items()}
    yield PairCase("within a wrapper", plain, pickled(wrapped), "converted")
    turned = {n: v.t() if v.ndim == 2 else v for n, v in base.items()}
    yield PairCase("transposed under the same names", plain, safetensors(turned), "converted")
    other = {f"blocks/{i}": v for i, v in enumerate(base.values())}
    yield PairCase("other names", plain, arrays(other), "converted")
    yield PairCase(
        "other names, transposed and cast",
        plain,
        safetensors(
            {f"t{i}": (v.t() if v.ndim == 2 else v).half() for i, v in enumerate(base.values())}
        ),
        "converted",
    )
    torch.manual_seed(9)
    yield PairCase("another seed", plain, safetensors(reseeded(net)), "unrelated")
    yield PairCase("another network", plain, safetensors(state_of(mlp())), "unrelated")
    yield from _joined()
    yield from _exports(net, x)


def reseeded(net: nn.Module) -> State:
    random = torch.Generator().manual_seed(9)
    state = state_of(net)
    return {n: v.std() * torch.randn(v.shape, generator=random) for n, v in state.items()}


def _joined() -> Iterator[PairCase]:
    apart = experts()
    together = fused(apart)
    turned = {n: v.transpose(-1, -2) if v.ndim > 1 else v for n, v in together.items()}
    yield PairCase("joined", safetensors(apart), safetensors(together), "converted")
    yield PairCase("split", safetensors(together), safetensors(apart), "converted")
    yield PairCase("joined, transposed", safetensors(apart), safetensors(turned), "converted")
    cast = {name: value.bfloat16() for name, value in together.items()}
    yield PairCase("joined and cast", safetensors(apart), safetensors(cast), "converted")
    heads = {f"h.{name}.weight": torch.randn(32, 32) for name in "qkv"} | {"o": torch.randn(32, 32)}
    parts = [heads[f"h.{name}.weight"].reshape(4, 8, 32) for name in "qkv"]
    interleaved = {"h.qkv": torch.stack(parts, 1).reshape(96, 32), "o": heads["o"]}
    yield PairCase("interleaved", safetensors(heads), safetensors(interleaved), "converted")


def _exports(net: nn.Module, x: torch.Tensor) -> Iterator[PairCase]:
    torch.manual_seed(0)
    images, tokens = torch.randn(8, 3, 12, 12), torch.randint(0, 50, (4, 9))
    modules: list[tuple[str, nn.Module, Any]] = [
        ("transformer", net, x),
        ("convolutions with norms", trained(Convolutional(), images, 20, 1e-2), images),
        ("LSTM", trained(Recurrent(nn.LSTM), tokens), tokens),
        ("GRU", trained(Recurrent(nn.GRU), tokens), tokens),
        ("MLP", mlp(), torch.randn(16, 32)),
    ]
    for name, module, inputs in modules:
        for dynamo in (True, False):
            how = "dynamo" if dynamo else "TorchScript"
            new = exported(module, inputs, dynamo=dynamo)
            yield PairCase(f"{name} exported by {how}", pickled(state_of(module)), new, "converted")


def broken() -> Iterator[PairCase]:
    net = transformer()
    base = state_of(net)
    plain = safetensors(base)
    up, down = "0.linear1.weight", "0.linear2.weight"
    half = state_of(net, torch.float16)
    turned = {n: v.t() if v.ndim == 2 else v for n, v in base.items()}
    other = {f"t/{name}": value for name, value in base.items()}
    yield PairCase(
        "one of a cast drifts",
        plain,
        safetensors(changed(half, **{up.replace(".", "__"): noise(0.02)})),
        "cast",
        ("drift",),
        (up,),
    )
    yield PairCase(
        "one of a conversion drifts",
        plain,
        safetensors(changed(turned, **{up.replace(".", "__"): noise(0.02)})),
        "converted",
        ("drift",),
        (up,),
    )
    yield PairCase(
        "half of one is zero",
        plain,
        safetensors(changed(base, **{up.replace(".", "__"): half_zero})),
        "fine-tuned",
        ("drift",),
        (up,),
    )
    yield PairCase(
        "half of one of a conversion is zero",
        plain,
        safetensors(changed(other, **{f"t/{up}".replace(".", "__"): half_zero})),
        "converted",
        ("drift",),
        (up,),
    )
    for title, state, relation in (("a copy", base, "identical"), ("a cast", half, "cast")):
        yield PairCase(
            f"{title} without a tensor",
            plain,
            safetensors(without(state, down)),
            relation,
            ("dropped",),
            (down,),
        )
    yield PairCase(
        "a conversion without a layer",
        plain,
        arrays({n: v for n, v in other.items() if not n.startswith("t/1.")}),
        "converted",
        ("dropped",),
        ("1.linear1.weight",),
    )
    tuned = state_of(trained(copy.deepcopy(net), torch.randn(4, 6, 64)))
    yield PairCase(
        "a fine-tune without a layer of the stack",
        plain,
        safetensors({n: v for n, v in tuned.items() if not n.startswith("1.")}),
        "fine-tuned",
        ("dropped",),
        ("1.linear1.weight",),
    )
    for title, state, relation in (
        ("a copy", base, "identical"),
        ("a cast", half, "cast"),
        ("a fine-tune", tuned | {n: base[n] for n in base if "linear1.weight" in n}, "fine-tuned"),
    ):
        yield PairCase(
            f"{title} with two exchanged",
            plain,
            safetensors(exchanged(state, up, "2.linear1.weight")),
            relation,
            ("swapped",),
            (up, "2.linear1.weight"),
        )
    yield PairCase(
        "biases exchanged",
        plain,
        safetensors(exchanged(base, "0.linear1.bias", "1.linear1.bias")),
        "identical",
        ("swapped",),
        ("0.linear1.bias", "1.linear1.bias"),
    )
    large = changed(base, **{up.replace(".", "__"): lambda v: v * 1e7})
    yield PairCase(
        "float16 overflows",
        safetensors(large),
        safetensors({name: value.half() for name, value in large.items()}),
        "cast",
        ("not-finite", "finding"),
        (up,),
    )
    yield PairCase(
        "a payload",
        plain,
        safetensors(changed(base, **{up.replace(".", "__"): low_byte})),
        "fine-tuned",
        ("low-bits",),
        (up,),
    )
    yield from _joined_wrongly()


def _joined_wrongly() -> Iterator[PairCase]:
    apart = experts()
    together = fused(apart)
    old, stack = safetensors(apart), "model.layers.1.mlp.experts.down_proj"
    key = "model.layers.1.self_attn.qkv_proj.weight"
    yield PairCase(
        "experts exchanged",
        old,
        safetensors({**together, stack: together[stack][[0, 2, 1, 3]]}),
        "converted",
        ("swapped",),
        tuple(f"model.layers.1.mlp.experts.{e}.down_proj.weight" for e in (1, 2)),
    )
    q, k, v = together[key].split((32, 16, 16))
    yield PairCase(
        "k and v exchanged in one layer",
        old,
        safetensors({**together, key: torch.cat([q, v, k])}),
        "converted",
        ("swapped",),
        tuple(f"model.layers.1.self_attn.{name}_proj.weight" for name in "kv"),
    )
    yield PairCase(
        "k lost on the way",
        old,
        safetensors({**together, key: torch.cat([q, 0 * k, v])}),
        "converted",
        ("dropped",),
        ("model.layers.1.self_attn.k_proj.weight",),
    )
    stacked = together[stack].clone()
    stacked[3] += 0.02 * torch.randn(stacked[3].shape, generator=torch.Generator().manual_seed(2))
    yield PairCase(
        "an expert drifts",
        old,
        safetensors({**together, stack: stacked}),
        "converted",
        ("dropped",),
        ("model.layers.1.mlp.experts.3.down_proj.weight",),
    )
