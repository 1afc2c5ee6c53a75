"""The schemes, a module each; the order is that in which they are tried."""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import Scheme
from modlint.analysis.quantisation.schemes import (
    awq,
    bitsandbytes,
    compressed_tensors,
    eetq,
    gpt_oss,
    gptq,
    hqq,
    mlx,
    modelopt,
    quanto,
    scaled,
    torchao,
)

SCHEMES: tuple[Scheme, ...] = (
    *compressed_tensors.SCHEMES,
    *gpt_oss.SCHEMES,
    *gptq.SCHEMES,
    *awq.SCHEMES,
    *bitsandbytes.SCHEMES,
    *quanto.SCHEMES,
    *torchao.SCHEMES,
    *hqq.SCHEMES,
    *eetq.SCHEMES,
    *mlx.SCHEMES,
    *modelopt.SCHEMES,
    *scaled.SCHEMES,
)
