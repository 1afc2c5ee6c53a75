"""Which tensors of a file are the factors of a low-rank adapter, told by their names.

Names are those of PEFT (`q_proj.lora_A.weight`), diffusers (`to_q_lora.down.weight`,
`to_q.lora_linear_layer.up.weight`), kohya's scripts (`lora_unet_….lora_down.weight`), loralib
(`lora_A` alone), torchtune (`lora_a.weight`) and MLX (`lora_a` alone, transposed).
"""

from __future__ import annotations

import re
from typing import ClassVar

from msgspec.structs import replace

from modlint.analysis.base import FileAnalysis, Inputs
from modlint.analysis.weight_names import unwrapped
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.results.lora import FurtherModule, Lora, LoraModule

_PEFT = re.compile(
    r"(?P<module>.+)\.(?P<what>lora_(?:embedding_)?[AB]|lora_magnitude_vector)"
    r"(?:\.(?P<adapter>(?!weight$|bias$)\w+))?(?P<end>\.weight)?"
)
_LOWER = re.compile(r"(?P<module>.+)\.(?P<what>lora_[ab])(?P<end>\.weight)?")
_KOHYA = re.compile(r"(?P<module>.+)\.(?P<what>lora_(?:down|up)\.weight|dora_scale|alpha)")
_DIFFUSERS = re.compile(
    r"(?P<module>.+?)(?:_lora|\.lora|\.lora_linear_layer)\.(?P<what>down|up)\.weight"
)
_NUMBERED = re.compile(r"(?P<module>(?:unet|text_encoder):\d+):(?P<what>down|up)")
_LAYOUTS = (
    ("peft", _PEFT),
    ("mlx", _LOWER),
    ("kohya", _KOHYA),
    ("diffusers", _DIFFUSERS),
    ("diffusers", _NUMBERED),
)
_FURTHER = re.compile(
    r"(?P<module>.+)\.(?P<what>lora_E|hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2)|ia3_l"
    r"|vera_lambda_[bd]|oft_(?:R|r|blocks)|boft_[RS]|fourierft_spectrum|c3a_kernel|miss_block"
    r"|shira_weight|randlora_(?:lambda|gamma)|hra_u|vblora_logits_[AB])"
    r"(?:\.(?P<adapter>(?!weight$)\w+))?(?:\.weight)?"
)
"""Parameters of AdaLoRA, LoHa, LoKr, IA³, VeRA, OFT, FourierFT, C3A, MiSS, SHiRA, RandLoRA."""
_NOT_SWITCHES = frozenset({"boft_S", "hra_u", "vblora_logits_A", "vblora_logits_B"})
"""Those of which no constant undoes the adaptation."""
_BASE_LAYER = re.compile(r"(?P<module>.+)\.base_layer\.(?:weight|bias)")


class LoraFactors(FileAnalysis[Lora], frozen=True):
    """The factors, by the module that they adapt, and what stands beside them."""

    name: ClassVar[str] = "lora-factors"
    description: ClassVar[str] = "factors of low-rank adapters, by module"

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> Lora:  # noqa: ARG002
        """Tell the tensors apart by their names."""
        return lora_of(checkpoint)


def lora_of(checkpoint: Checkpoint) -> Lora:
    """The factors that a checkpoint holds, told by their names."""
    modules: dict[tuple[str, str, str], LoraModule] = {}
    further: dict[tuple[str, str, str], FurtherModule] = {}
    rest: list[Tensor] = []
    factor_bytes = 0
    for tensor in checkpoint.tensors.values():
        if tensor.role is not Role.WEIGHT:
            continue
        other = _further(tensor)
        if other is not None:
            factor_bytes += tensor.nbytes
            own = tensor.section, other.module, other.adapter
            further[own] = _with_switches(further.get(own), other)
            continue
        found = _factor(tensor)
        if found is None:
            rest.append(tensor)
            continue
        factor_bytes += tensor.nbytes
        key = tensor.section, found.module, found.adapter
        modules[key] = _joined(modules.get(key), found)
    adapted = tuple(m for m in modules.values() if m.down is not None or m.up is not None)
    names = {m.module for m in adapted} | {m.module for m in further.values()}
    bases = [tensor for tensor in rest if _is_base_layer(tensor.key, names)]
    of_bases = {tensor.name for tensor in bases}
    others = [t for t in rest if t.name not in of_bases and len(t.shape) >= 2]
    return Lora(
        modules=adapted,
        further=tuple(further.values()),
        base_layers=tuple(tensor.name for tensor in bases),
        others=tuple(tensor.name for tensor in others),
        factor_bytes=factor_bytes,
        base_bytes=sum(tensor.nbytes for tensor in bases),
        other_bytes=sum(tensor.nbytes for tensor in others),
    )


def bare_module(path: str) -> str:
    """A module's path without what wrappers put before it."""
    return unwrapped(path, ("base_model.model",))


def _factor(tensor: Tensor) -> LoraModule | None:
    """The module of a factor, with that factor alone; None where the tensor is none."""
    for layout, pattern in _LAYOUTS:
        match = pattern.fullmatch(tensor.key)
        if match is not None:
            found = match.groupdict()
            return _placed(tensor, layout, found["what"], bool(found.get("end")), found)
    return None


def _further(tensor: Tensor) -> FurtherModule | None:
    """The module of another method's parameter, with that parameter alone."""
    match = _FURTHER.fullmatch(tensor.key)
    if match is None:
        return None
    what = match["what"]
    return FurtherModule(
        bare_module(match["module"]),
        () if what in _NOT_SWITCHES else (tensor.name,),
        neutral=1 if what == "ia3_l" else 0,
        adapter=match["adapter"] or "",
        prunes=what == "lora_E",
    )


def _with_switches(known: FurtherModule | None, found: FurtherModule) -> FurtherModule:
    return found if known is None else replace(known, switches=known.switches + found.switches)


def _placed(
    tensor: Tensor, layout: str, what: str, weight: bool, found: dict[str, str | None]
) -> LoraModule:
    module = LoraModule(
        bare_module(str(found["module"])), layout, adapter=found.get("adapter") or ""
    )
    if what == "alpha":
        return replace(module, alpha=tensor.name)
    if what in ("lora_magnitude_vector", "dora_scale"):
        return replace(module, magnitude=tensor.name)
    bare = not weight and "embedding" not in what
    if layout == "peft" and bare:
        module = replace(module, layout="loralib")
    if layout == "mlx" and not bare:
        module = replace(module, layout="torchtune")
    transposed = layout == "mlx" and bare
    if what.endswith(("A", "a", "down", "down.weight")):
        return replace(module, down=tensor.name, down_rank=_rank(tensor, 1 if transposed else 0))
    return replace(module, up=tensor.name, up_rank=_rank(tensor, 0 if transposed else 1))


def _rank(tensor: Tensor, axis: int) -> int | None:
    """The rank by one factor: of a matrix, or of a convolution's kernel."""
    return tensor.shape[axis] if len(tensor.shape) in (2, 4, 5) else None


def _joined(known: LoraModule | None, found: LoraModule) -> LoraModule:
    if known is None:
        return found
    new = {
        name: value
        for name in ("down", "up", "magnitude", "alpha", "down_rank", "up_rank")
        if (value := getattr(found, name)) is not None
    }
    return replace(known, **new)


def _is_base_layer(key: str, modules: set[str]) -> bool:
    match = _BASE_LAYER.fullmatch(key)
    return match is not None and bare_module(match["module"]) in modules
