"""Generators, decoders and networks from image to image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, images
from truth.zoo.parts import Flow, Residual, conv


def _up(a: int, b: int, **more: Any) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False, **more), nn.BatchNorm2d(b), nn.ReLU()
    )


def _generator() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(5, 32),
        nn.Unflatten(1, (8, 2, 2)),
        _up(8, 6),
        nn.ConvTranspose2d(6, 3, 4, 2, 1),
        nn.Tanh(),
    )


def _discriminator() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 4, 2, 1),
        nn.LeakyReLU(0.2),
        conv(6, 9, 3, nn.LeakyReLU(0.2), stride=2),
        nn.Flatten(),
        nn.Linear(36, 1),
    )


def _unet(m: Any, x: Tensor) -> Tensor:
    one = m.down1(x)
    two = m.down2(functional.max_pool2d(one, 2))
    low = m.middle(functional.max_pool2d(two, 2))
    two = m.up2(torch.cat([m.t2(low), two], 1))
    one = m.up1(torch.cat([functional.interpolate(two, scale_factor=2.0, mode="nearest"), one], 1))
    return m.out(one)


def _vae(m: Any, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    h = functional.relu(m.encode(x))
    mean, spread = m.mean(h), m.spread(h)
    return m.decode(mean + noise * torch.exp(0.5 * spread)), mean, spread


def _unet_parts() -> dict[str, nn.Module]:
    return {
        "down1": conv(3, 5),
        "down2": conv(5, 7),
        "middle": conv(7, 9),
        "t2": nn.ConvTranspose2d(9, 7, 2, 2),
        "up2": conv(14, 7),
        "up1": conv(12, 5),
        "out": nn.Conv2d(5, 2, 1),
    }


def _vae_parts() -> dict[str, nn.Module]:
    return {
        "encode": nn.Linear(10, 8),
        "mean": nn.Linear(8, 4),
        "spread": nn.Linear(8, 4),
        "decode": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 10)),
    }


def _style() -> nn.Sequential:
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(3, 6, 3),
        nn.InstanceNorm2d(6, affine=True),
        nn.ReLU(),
        Residual(nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1)),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(6, 3, 3, padding=1),
    )


ARCHITECTURES = (
    Architecture("gan_generator", _generator, images(2, 5)),
    Architecture("gan_discriminator", _discriminator, images(2, 3, 8, 8)),
    Architecture("gan", lambda: nn.Sequential(_generator(), _discriminator()), images(2, 5)),
    Architecture("unet", lambda: Flow(_unet, **_unet_parts()), images(2, 3, 8, 8)),
    Architecture(
        "vae", lambda: Flow(_vae, **_vae_parts()), lambda: (torch.randn(2, 10), torch.randn(2, 4))
    ),
    Architecture(
        "super_resolution",
        lambda: nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(6, 20, 3, padding=1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(5, 1, 3, padding=1),
        ),
        images(2, 1, 5, 5),
    ),
    Architecture(
        "grouped_transposed",
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), _up(8, 6, groups=2), nn.Conv2d(6, 4, 1)
        ),
        images(2, 3, 4, 4),
    ),
    Architecture(
        "conv_autoencoder",
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(6, 8, 3, 2, 1),
            nn.ReLU(),
            _up(8, 6),
            nn.ConvTranspose2d(6, 3, 4, 2, 1),
        ),
        images(2, 3, 8, 8),
    ),
    Architecture("style_transfer", _style, images(2, 3, 6, 6)),
)
