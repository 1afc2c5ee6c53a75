"""Networks that look like another one in their shapes: square layers, moved axes, reused parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, images
from truth.zoo.parts import Flow


def _residual_mlp(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.fc1(x))
    h = h + functional.relu(m.fc2(h))
    return m.fc4(h + functional.relu(m.fc3(h)))


def _vae_square(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.fc1(x))
    return m.fc3(m.fc21(h) + torch.exp(m.fc22(h)))


def _parallel(m: Any, x: Tensor) -> Tensor:
    return m.layer3(functional.relu(m.layer1(x)) + functional.relu(m.layer2(x)))


def _two_heads(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    h = functional.relu(m.l1(x))
    return m.l2(h), m.l3(h)


def _nhwc(m: Any, x: Tensor) -> Tensor:
    return m.fc(functional.relu(m.conv(x)).permute(0, 2, 3, 1).flatten(1))


def _pixels(m: Any, x: Tensor) -> Tensor:
    return m.fc(functional.relu(m.conv(x)).transpose(2, 3).flatten(1))


def _out_of_order(m: Any, x: Tensor) -> Tensor:
    return m.out(functional.relu(m.b(functional.relu(m.a(x)))))


def _gated(m: Any, x: Tensor) -> Tensor:
    return m.w3(torch.sigmoid(m.w1(x)) * m.w2(x))


def _split(m: Any, x: Tensor) -> Tensor:
    return m.conv2(m.conv1(x).chunk(4, 1)[0])


def _swaps(m: Any, x: Tensor) -> Tensor:
    return m.conv(m.lin(x).reshape(2, 8, 4))


def _swaps_linear(m: Any, x: Tensor) -> Tensor:
    return m.lin2(m.lin(x).reshape(2, 8, 4).transpose(1, 2))


def _reuse(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.inp(x))
    return m.out(functional.relu(m.mid(functional.relu(m.mid(h)))))


def _mixing(m: Any, x: Tensor) -> Tensor:
    return m.out(m.mix(m.inp(x).transpose(1, 2)).transpose(1, 2))


def _flip(m: Any, x: Tensor) -> Tensor:
    return m.b(functional.relu(m.a(x)).flip(1))


def _pairs(m: Any, x: Tensor) -> Tensor:
    return m.b(m.a(x).reshape(x.shape[0], 4, 4).transpose(1, 2).reshape(x.shape[0], 16))


class _EncoderNormFirst(nn.TransformerEncoderLayer):
    def __init__(self) -> None:
        super().__init__(32, 4, 64, batch_first=True, norm_first=True)


def _of(name: str, forward: Any, shape: tuple[int, ...], **parts: Any) -> Architecture:
    return Architecture(
        name,
        lambda: Flow(forward, **{k: v() for k, v in parts.items()}),
        images(*shape),
        "misleading",
    )


def _linear(a: int, b: int) -> Any:
    return lambda: nn.Linear(a, b)


def _conv(a: int, b: int) -> Any:
    return lambda: nn.Conv2d(a, b, 3)


SQUARE = _linear(16, 16)
ARCHITECTURES = (
    _of(
        "residual_mlp",
        _residual_mlp,
        (2, 8),
        fc1=_linear(8, 16),
        fc2=SQUARE,
        fc3=SQUARE,
        fc4=_linear(16, 4),
    ),
    _of(
        "vae_square",
        _vae_square,
        (2, 24),
        fc1=_linear(24, 16),
        fc21=SQUARE,
        fc22=SQUARE,
        fc3=_linear(16, 24),
    ),
    _of(
        "parallel_then_add", _parallel, (2, 16), layer1=SQUARE, layer2=SQUARE, layer3=_linear(16, 4)
    ),
    _of("two_heads", _two_heads, (2, 8), l1=_linear(8, 16), l2=SQUARE, l3=_linear(16, 4)),
    _of("nhwc_flatten", _nhwc, (2, 1, 6, 6), conv=_conv(1, 6), fc=_linear(96, 4)),
    _of("pixel_flatten", _pixels, (2, 1, 6, 7), conv=_conv(1, 6), fc=_linear(120, 4)),
    _of("registered_out_of_order", _out_of_order, (2, 16), b=SQUARE, a=SQUARE, out=_linear(16, 4)),
    _of("gated_mlp", _gated, (2, 16), w1=SQUARE, w2=SQUARE, w3=SQUARE),
    _of("split_groups", _split, (2, 3, 8, 8), conv1=_conv(3, 16), conv2=_conv(4, 16)),
    _of("reshape_swaps", _swaps, (2, 4, 6), lin=_linear(6, 8), conv=lambda: nn.Conv1d(8, 5, 1)),
    _of("reshape_swaps_linear", _swaps_linear, (2, 4, 6), lin=_linear(6, 8), lin2=_linear(8, 5)),
    _of("reuse_block", _reuse, (2, 8), inp=_linear(8, 16), mid=SQUARE, out=_linear(16, 4)),
    _of(
        "token_mixing", _mixing, (2, 8, 6), inp=_linear(6, 8), mix=_linear(8, 8), out=_linear(8, 3)
    ),
    _of("flip_channels", _flip, (2, 8), a=_linear(8, 16), b=_linear(16, 4)),
    _of("sum_over_pairs", _pairs, (2, 8), a=_linear(8, 16), b=_linear(16, 4)),
    Architecture("encoder_norm_first", _EncoderNormFirst, images(2, 5, 32), "misleading"),
)
