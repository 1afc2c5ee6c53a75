"""Convolutional networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from truth.zoo.architecture import Architecture, images
from truth.zoo.parts import Flow, Residual, conv


def _head(channels: int, classes: int = 4) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def _concat(m: Any, x: Tensor) -> Tensor:
    a = m.a(x)
    b = m.b(torch.cat([x, a], 1))
    return m.out(torch.cat([b, x, a], 1))


class SqueezeExcite(nn.Module):
    """Channels scaled by a small network of their means."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The scaled channels."""
        return x * torch.sigmoid(
            self.expand(functional.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        )


class Inverted(nn.Module):
    """Expand, depthwise, squeeze-excite, project, add."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, hidden, 1),
            conv(hidden, hidden, groups=hidden),
            SqueezeExcite(hidden, 3),
            conv(hidden, channels, 1, nn.Identity()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.body(x)


class Standardised(nn.Conv2d):
    """Convolution with weight standardisation."""

    def forward(self, x: Tensor) -> Tensor:
        """Kernels of mean 0 and deviation 1."""
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        std = self.weight.std((1, 2, 3), keepdim=True)
        return functional.conv2d(x, (self.weight - mean) / (std + 1e-5), self.bias, padding=1)


def _dilated(a: int, b: int, d: int) -> nn.Module:
    return nn.Conv1d(a, b, 3, dilation=d, padding=d)


def _wavenet(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    h, skip = m.inp(x), 0
    for layer in (1, 2):
        z = torch.tanh(getattr(m, f"filter{layer}")(h)) * torch.sigmoid(
            getattr(m, f"gate{layer}")(h)
        )
        skip = skip + getattr(m, f"skip{layer}")(z)
        h = h + getattr(m, f"res{layer}")(z)
    return m.out(functional.relu(skip)), h


def _wave_parts() -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"inp": nn.Conv1d(2, 6, 1), "out": nn.Conv1d(7, 3, 1)}
    for i in (1, 2):
        parts |= {
            f"filter{i}": _dilated(6, 5, i),
            f"gate{i}": _dilated(6, 5, i),
            f"skip{i}": nn.Conv1d(5, 7, 1),
            f"res{i}": nn.Conv1d(5, 6, 1),
        }
    return parts


def _of(name: str, build: Any, *shape: int) -> Architecture:
    return Architecture(name, build, images(2, *(shape or (3, 8, 8))))


ARCHITECTURES = (
    _of(
        "cnn_flatten",
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 5, 2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(20, 8),
            nn.ReLU(),
            nn.Linear(8, 4),
        ),
    ),
    _of("cnn_batch_norm", lambda: nn.Sequential(conv(3, 6), conv(6, 9), *_head(9))),
    _of(
        "cnn_before_norm",
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.BatchNorm2d(6),
            nn.Conv2d(6, 8, 3),
            *_head(8),
        ),
    ),
    _of(
        "resnet_basic",
        lambda: nn.Sequential(
            conv(3, 8),
            Residual(conv(8, 8), conv(8, 8)),
            nn.ReLU(),
            Residual(conv(8, 8), conv(8, 8)),
            *_head(8),
        ),
    ),
    _of("concat_net", lambda: Flow(_concat, a=conv(3, 5), b=conv(8, 6), out=nn.Conv2d(14, 4, 1))),
    _of(
        "squeeze_excite",
        lambda: nn.Sequential(conv(3, 8), SqueezeExcite(8, 3), nn.Conv2d(8, 4, 3), *_head(4)),
    ),
    _of(
        "inverted_residual",
        lambda: nn.Sequential(conv(3, 6), Inverted(6, 12), Inverted(6, 10), *_head(6)),
    ),
    _of(
        "grouped",
        lambda: nn.Sequential(conv(3, 8), conv(8, 12, groups=4), conv(12, 6, groups=2), *_head(6)),
    ),
    _of(
        "channel_shuffle",
        lambda: nn.Sequential(
            conv(3, 8),
            nn.Conv2d(8, 12, 1, groups=2),
            nn.ChannelShuffle(2),
            nn.Conv2d(12, 6, 1, groups=3),
            nn.ChannelShuffle(3),
            nn.Conv2d(6, 4, 1),
        ),
    ),
    _of(
        "group_norm",
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.GroupNorm(4, 8),
            nn.ReLU(),
            nn.Conv2d(8, 6, 3),
            nn.InstanceNorm2d(6, affine=True),
            nn.ReLU(),
            *_head(6),
        ),
    ),
    _of(
        "weight_norm",
        lambda: nn.Sequential(
            weight_norm(nn.Conv2d(3, 6, 3)), nn.ReLU(), weight_norm(nn.Conv2d(6, 5, 3)), *_head(5)
        ),
    ),
    _of(
        "weight_standardised",
        lambda: nn.Sequential(
            Standardised(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), Standardised(6, 5, 3), *_head(5)
        ),
    ),
    _of(
        "space_to_depth",
        lambda: nn.Sequential(
            nn.Conv2d(3, 5, 1), nn.PixelUnshuffle(2), nn.Conv2d(20, 4, 3), *_head(4)
        ),
    ),
    _of(
        "tcn",
        lambda: nn.Sequential(
            _dilated(4, 6, 1),
            nn.ReLU(),
            Residual(_dilated(6, 6, 2), nn.ReLU(), _dilated(6, 6, 4)),
            nn.Conv1d(6, 3, 1),
        ),
        4,
        12,
    ),
    _of("wavenet", lambda: Flow(_wavenet, **_wave_parts()), 2, 9),
    _of(
        "conv3d",
        lambda: nn.Sequential(
            nn.Conv3d(2, 5, 3, padding=1),
            nn.BatchNorm3d(5),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(5, 4, 2),
            nn.Flatten(),
            nn.Linear(32, 3),
        ),
        2,
        6,
        6,
        6,
    ),
)
