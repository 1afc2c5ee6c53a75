"""STG002 on low bits that were written over in every scheme, and on codes of quantisers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from quantised_files import Made, made
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome, Persona

REGISTRY = load_registry()
FOUR = (
    *("packed-4", "packed-4-asymmetric", "gptq", "gptq-v2", "gptq-ordered"),
    *("awq", "quanto-int4", "hqq-4", "mlx-4"),
)
EIGHT = ("w8a8", "torchao", "quanto-int8", "llm-int8", "hqq-8", "mlx-8")
CODES = (
    *(".weight", ".weight_packed", ".qweight", "._weight_qdata", ".W_q"),
    *(".weight._data", ".weight._data._data"),
)
PLANTED = [
    *((scheme, 1, "model.safetensors") for scheme in FOUR if scheme != "awq"),  # found by chance
    *((scheme, 2, "pytorch_model.bin") for scheme in ("packed-4", "mlx-4", "hqq-4", "quanto-int4")),
    *((scheme, 4, "model.safetensors") for scheme in EIGHT),
    *((scheme, 5, "pytorch_model.bin") for scheme in ("w8a8", "llm-int8")),
]
SILENT = [
    *((scheme, 0, "model.safetensors") for scheme in (*FOUR, *EIGHT)),
    *((scheme, 0, "pytorch_model.bin") for scheme in ("packed-4", "gptq", "awq", "w8a8")),
    *((scheme, 0, "model.safetensors") for scheme in ("nf4", "nvfp4", "gpt-oss", "ct-fp8")),
]


def written(checkpoint: Made, bits: int, size: int) -> Made:
    """Random low bits in every code of so many bits, packed or not."""
    mask = (1 << bits) - 1 if size == 8 else ((1 << bits) - 1) * 0x11
    generator = torch.Generator().manual_seed(bits)
    for name, tensor in checkpoint.tensors.items():
        if name.endswith(CODES) and not tensor.is_floating_point() and bits:
            octets = tensor.contiguous().clone().view(torch.uint8)
            noise = torch.randint(0, 256, octets.shape, generator=generator, dtype=torch.uint8)
            changed = (octets & (255 - mask)) | (noise & mask)
            checkpoint.tensors[name] = changed.view(tensor.dtype)
    return checkpoint


def outcomes(scheme: str, bits: int, name: str, folder: Path) -> set[Outcome]:
    checkpoint = written(made(scheme), bits, 4 if scheme in FOUR else 8)
    checkpoint.name = name
    found = verdicts(checkpoint.write(folder), REGISTRY, "low-bit-payload")
    assert {verdict.persona for verdict in found} == {Persona.AUDITOR}
    return {verdict.outcome for verdict in found}


@pytest.mark.parametrize(("scheme", "bits", "name"), PLANTED)
def test_low_bits_that_were_written_over_are_found(
    scheme: str, bits: int, name: str, tmp_path: Path
) -> None:
    assert outcomes(scheme, bits, name, tmp_path) == {Outcome.FAIL}


@pytest.mark.parametrize(("scheme", "bits", "name"), SILENT)
def test_codes_as_they_were_quantised_are_not(
    scheme: str, bits: int, name: str, tmp_path: Path
) -> None:
    assert Outcome.FAIL not in outcomes(scheme, bits, name, tmp_path)
