"""Cases of STR003: ensembles and mixtures with copies, in several architectures and formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from planted import exported
from rule_cases import Case, Expected
from saved_as import FORMATS, save_as
from torch import Tensor, nn
from transformers import MixtralConfig, MixtralForCausalLM, OlmoeConfig, OlmoeForCausalLM

Members = list[dict[str, Tensor]]
"""Of each member its weights by name, units along the first axis: views of the model's."""
Change = Callable[[Members], object]


class Ensemble(nn.Module):
    """Members that read the same, whose answers are averaged."""

    def __init__(self, build: Callable[[], nn.Module], members: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(build() for _ in range(members))

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([member(x) for member in self.members]).mean(0)


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(80, 48), nn.ReLU(), nn.Linear(48, 16))


def _cnn() -> nn.Module:
    convolutions = (nn.Conv2d(8, 24, 3), nn.ReLU(), nn.Conv2d(24, 16, 3), nn.ReLU())
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))


class Critics(nn.Module):
    """Two critics by number, as reinforcement learning stores them."""

    def __init__(self) -> None:
        super().__init__()
        self.qf0, self.qf1, self.actor = _mlp(), _mlp(), _mlp()


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {n: p.data for n, p in module.named_parameters()}


def _ensemble(build: Callable[[], nn.Module]) -> tuple[nn.Module, Members]:
    model = Ensemble(build, 4)
    return model, [_weights(member) for member in model.members]


def _critics() -> tuple[nn.Module, Members]:
    model = Critics()
    return model, [_weights(model.qf0), _weights(model.qf1)]


def _mixture(model: nn.Module) -> tuple[nn.Module, Members]:
    """Experts of the first layer, fused by transformers."""
    fused = {n: p.data for n, p in model.named_parameters() if ".0." in n and ".experts." in n}
    count = len(next(iter(fused.values())))
    return model, [{name: stack[i] for name, stack in fused.items()} for i in range(count)]


def _mixtral() -> tuple[nn.Module, Members]:
    sizes = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 80, "num_local_experts": 4}
    heads = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    return _mixture(MixtralForCausalLM(MixtralConfig(**sizes, **heads)))


def _olmoe() -> tuple[nn.Module, Members]:
    sizes = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 72, "num_experts": 6}
    heads = {"num_hidden_layers": 1, "num_attention_heads": 4, "num_experts_per_tok": 2}
    return _mixture(OlmoeForCausalLM(OlmoeConfig(**sizes, **heads)))


MODELS: dict[str, Callable[[], tuple[nn.Module, Members]]] = {
    "mlp": lambda: _ensemble(_mlp),
    "cnn": lambda: _ensemble(_cnn),
    "critics": _critics,
    "mixtral": _mixtral,
    "olmoe": _olmoe,
}
INPUTS = {"mlp": torch.zeros(2, 80), "cnn": torch.zeros(2, 8, 9, 9)}


def _first(member: dict[str, Tensor]) -> Tensor:
    return next(iter(member.values()))


def identical(members: Members) -> None:
    for name, weight in members[-1].items():
        weight.copy_(members[0][name])


def permuted(members: Members) -> None:
    """The same units in another order, some with the other sign; what reads them is drawn anew."""
    weight = _first(members[0])
    order = torch.randperm(len(weight))
    signs = torch.where(torch.rand(len(weight)) < 0.5, -1.0, 1.0)
    _first(members[-1]).copy_(
        (weight[order].mT * signs.to(weight.dtype)).mT if weight.ndim == 2 else weight[order]
    )


def perturbed(members: Members) -> None:
    """A copy that was trained on a little: a cosine of .98."""
    for name, weight in members[-1].items():
        source = members[0][name]
        weight.copy_(source + 0.2 * source.std() * torch.randn(source.shape))


def empty(members: Members) -> None:
    """A weight of zeros in one member."""
    _first(members[-1]).zero_()


def parted(members: Members) -> None:
    """A copy that was trained on for long: a cosine of .8."""
    for name, weight in members[-1].items():
        source = members[0][name]
        weight.copy_(source + 0.75 * source.std() * torch.randn(source.shape))


def half_copied(members: Members) -> None:
    """A third of the units are those of another member."""
    weight = _first(members[0])
    _first(members[-1])[: len(weight) // 3] = weight[: len(weight) // 3]


def all_empty(members: Members) -> None:
    """As members begin whose last weight is zero on purpose."""
    for member in members:
        list(member.values())[-1].zero_()


def nothing(members: Members) -> None:
    """As they are initialised."""


def written(
    name: str, change: Change, container: str, dtype: torch.dtype, seed: int
) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.manual_seed(seed)
        model, members = MODELS[name]()
        with torch.no_grad():
            for value in model.parameters():
                if not value.any() or value.std() == 0:
                    value.normal_(std=0.02)
            change(members)
        if container == "onnx":
            return exported(model.eval(), INPUTS[name], dynamo=False)(folder)
        state = {n: t.to(dtype) for n, t in model.state_dict().items()}
        return save_as(state, folder, container)

    return write


F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64
FILES = (
    ("mlp", "pt", F32),
    ("mlp", "safetensors", BF16),
    ("mlp", "section", F64),
    ("mlp", "onnx", F32),
    ("cnn", "legacy", F16),
    ("cnn", "onnx", F32),  # which stores equal tensors once: copies are no members there
    ("cnn", "safetensors", F32),
    ("critics", "pt", F32),
    ("critics", "safetensors", F16),
    ("mixtral", "safetensors", F32),
    ("mixtral", "sharded", BF16),
    ("olmoe", "pt", F32),
    ("olmoe", "safetensors", F16),
)
assert {container for _, container, _ in FILES} >= set(FORMATS)
NONE = Expected("pass", message="no two the same")


def told(change: Change) -> str:
    return {
        identical: "have the same weights",
        permuted: "have the same units in some order",
        perturbed: "have the same units in some order",
        empty: "has a weight of zeros",
    }[change]


CASES = (
    *(
        Case(
            f"{number} {change.__name__}: {name} {container}",
            written(name, change, container, dtype, number),
            (Expected("fail", "warning", values={"redundant": 1}, message=told(change)),),
        )
        for number, (name, container, dtype) in enumerate(FILES)
        for change in (identical, permuted, perturbed, empty)[number % 2 :: 2]
    ),
    *(
        Case(
            f"{number} {change.__name__}: {name} {container}",
            written(name, change, container, dtype, number),
            (NONE,),
        )
        for number, (name, container, dtype) in enumerate(FILES)
        for change in (nothing, parted, half_copied, all_empty)[number % 2 :: 2]
    ),
    Case(
        "which are copies of which",
        written("mlp", lambda m: (identical([m[0], m[2]]), identical([m[1], m[3]])), "pt", F32, 0),
        (
            Expected(
                "fail",
                target=("layer", "members"),
                values={"identical": [["0", "2"], ["1", "3"]], "redundant": 2, "members": 4},
            ),
        ),
    ),
    Case(
        "the cosine is an option",
        written("mlp", parted, "pt", F32, 0),
        (Expected("fail", values={"redundant": 1}),),
        {"max-cosine": 0.7},
    ),
    Case(
        "units with few weights in are not matched",
        written("mlp", permuted, "pt", F32, 0),
        (Expected("pass", values={"closest": None}),),
        {"min-fan-in": 81},
    ),
    Case(
        "tied members are one",
        lambda folder: _tied(folder),
        (Expected("pass", values={"members": 3}),),
    ),
    Case(
        "blocks of a stack are no members",
        lambda folder: save_as(
            {f"layers.{i}.fc.weight": torch.ones(64, 64) for i in range(3)}, folder, "pt"
        ),
        (Expected("not-applicable", message="no members of an ensemble or mixture"),),
    ),
    Case(
        "targets are not members of what they follow",
        lambda folder: _targets(folder),
        (Expected("pass", values={"members": 4, "groups": 2}),),
    ),
)


def _tied(folder: Path) -> Path:
    weights = [torch.randn(32, 64, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    state = {f"members.{i}.weight": weights[i % 2] for i in range(3)}
    torch.save(state, folder / "model.pt")
    return folder / "model.pt"


def _targets(folder: Path) -> Path:
    """Two critics and their targets, which are copies of them."""
    torch.manual_seed(0)
    state = {f"critic.qf{i}.0.weight": torch.randn(32, 64) for i in (0, 1)}
    state |= {name.replace("critic", "critic_target"): t.clone() for name, t in state.items()}
    return save_as(state, folder, "safetensors")
