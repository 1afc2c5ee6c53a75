"""Cases of FMT018."""

from __future__ import annotations

from typing import Any

import torch
from planted import Write, found, in_containers, safetensors_file, silent, torch_file
from rule_cases import Case, Expected
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm

LAYERS: dict[str, Any] = {
    "Linear": lambda: nn.Linear(12, 6),
    "Conv1d": lambda: nn.Conv1d(4, 6, 3),
    "Conv2d": lambda: nn.Conv2d(3, 6, 3),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(6, 3, 3),
    "Embedding": lambda: nn.Embedding(12, 6),
}


def pruned(layer: nn.Module, name: str = "weight", amount: float = 0.5) -> nn.Module:
    return prune.random_unstructured(layer, name, amount=amount)


def old(norm: Any, layer: nn.Module, **how: Any) -> nn.Module:
    """A layer with a norm of before torch 2, which warns that it is deprecated."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return norm(layer, **how)


def net(*layers: nn.Module) -> dict[str, torch.Tensor]:
    return nn.Sequential(*layers).state_dict()


def whole(*layers: nn.Module) -> Write:
    return torch_file(net(*layers))


class Symmetric(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.triu() + weight.triu(1).T


MASKED = {
    "attention_mask": torch.ones(4, 4),
    "token_mask": torch.ones(4),
    "weight": torch.ones(4, 4),
}

PLANTED = (
    *(found(f"{name}, pruned", whole(pruned(make())), "warning") for name, make in LAYERS.items()),
    *(
        found(title, write, "warning")
        for title, write in in_containers("pruned", net(pruned(nn.Linear(9, 9))))
    ),
    found("a bias pruned", whole(pruned(nn.Linear(9, 9), "bias")), "warning"),
    found(
        "channels pruned",
        whole(prune.ln_structured(nn.Conv2d(4, 4, 3), "weight", 0.5, 2, 0)),
        "warning",
    ),
    found("an LSTM pruned", whole(pruned(nn.LSTM(3, 4), "weight_ih_l0")), "warning"),
    found("pruned, float16", torch_file(net(pruned(nn.Linear(9, 9)).half())), "warning"),
    *(
        found(f"{name}, weight norm", whole(old(weight_norm, make())), "note")
        for name, make in LAYERS.items()
    ),
    found(
        "weight norm of the whole weight",
        whole(old(weight_norm, nn.Linear(9, 9), dim=None)),
        "note",
    ),
    *(
        found(f"{name}, spectral norm", whole(old(spectral_norm, LAYERS[name]())), "note")
        for name in ("Linear", "Conv2d")
    ),
    found(
        "weight norm as a parametrisation",
        whole(parametrizations.weight_norm(nn.Linear(9, 9))),
        "note",
    ),
    found(
        "spectral norm as a parametrisation",
        whole(parametrizations.spectral_norm(nn.Linear(9, 9))),
        "note",
    ),
    found("orthogonal", whole(parametrizations.orthogonal(nn.Linear(9, 9))), "note"),
    found(
        "one's own parametrisation",
        whole(parametrize.register_parametrization(nn.Linear(9, 9), "weight", Symmetric())),
        "note",
    ),
    Case(
        "two layers pruned",
        whole(pruned(nn.Linear(9, 9)), pruned(nn.Linear(9, 9)), nn.Linear(9, 2)),
        (Expected("fail", "warning", values={"parameters": 2}, message="pruning masks"),),
    ),
    Case(
        "masks and a norm",
        whole(pruned(nn.Linear(9, 9)), old(weight_norm, nn.Linear(9, 9))),
        (Expected("fail", "warning"), Expected("fail", "note")),
    ),
)

NEAR_MISSES = (
    *(silent(f"{name}, plain", whole(make())) for name, make in LAYERS.items()),
    *(
        silent(f"{name}, pruned for good", whole(prune.remove(pruned(make()), "weight")))
        for name, make in LAYERS.items()
    ),
    silent(
        "weight norm taken out",
        whole(torch.nn.utils.remove_weight_norm(old(weight_norm, nn.Linear(9, 9)))),
    ),
    silent(
        "spectral norm taken out",
        whole(torch.nn.utils.remove_spectral_norm(old(spectral_norm, nn.Linear(9, 9)))),
    ),
    silent(
        "a parametrisation taken out",
        whole(
            parametrize.remove_parametrizations(
                parametrizations.weight_norm(nn.Linear(9, 9)), "weight"
            )
        ),
    ),
    silent("masks of attention", torch_file(MASKED)),
    silent("an original without a mask", torch_file({"weight_orig": torch.ones(4, 4)})),
    silent(
        "a mask of another size",
        torch_file({"image_orig": torch.ones(4, 4), "image_mask": torch.ones(4)}),
    ),
    silent(
        "a mask without its original",
        torch_file({"weight_mask": torch.ones(4, 4), "weight": torch.ones(4, 4)}),
    ),
    silent("a v without a g", torch_file({"attn.weight_v": torch.ones(4, 4)})),
    silent("keys and values", torch_file({f"attn.w_{part}": torch.ones(4, 4) for part in "qkv"})),
    silent(
        "a g and a v of other sizes", torch_file({"w_g": torch.ones(7), "w_v": torch.ones(4, 4)})
    ),
    silent(
        "gates and values of one size",
        torch_file({"proj_g": torch.ones(8, 4), "proj_v": torch.ones(8, 4)}),
    ),
    silent(
        "a module called parametrizations",
        torch_file({"parametrizations.weight": torch.ones(4, 4)}),
    ),
    silent(
        "a spectral vector alone",
        torch_file({"weight_u": torch.ones(4), "weight": torch.ones(4, 4)}),
    ),
    silent("safetensors", safetensors_file(net(nn.Linear(9, 9)))),
)

CASES = (*PLANTED, *NEAR_MISSES)
