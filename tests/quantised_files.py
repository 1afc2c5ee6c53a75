"""Quantised checkpoints of every scheme, packed by code of their own, and what they stand for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

OUT, IN = 64, 128
E2M1 = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
NF4 = torch.tensor(
    (
        *(-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0),
        *(0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0),
    )
)
MODULES = tuple(
    f"model.layers.{i}.{name}"
    for i in range(2)
    for name in ("self_attn.q_proj", "mlp.up_proj", "mlp.gate_proj")
)


@dataclass
class Made:
    """A checkpoint before it is written.

    Attributes:
        tensors: by name.
        values: what quantised weights stand for, by name.
        config: what config.json says of the quantisation.
        key: under which it says it.
        beside: other JSON files, by name.
        metadata: of the safetensors file.
    """

    tensors: dict[str, torch.Tensor]
    values: dict[str, torch.Tensor]
    config: dict[str, Any] | None = None
    key: str = "quantization_config"
    beside: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=lambda: {"format": "pt"})
    name: str = "model.safetensors"

    def write(self, folder: Path) -> Path:
        """Write it, as safetensors or as a pickle by its name."""
        if self.config is not None:
            document = {"model_type": "llama", self.key: self.config}
            (folder / "config.json").write_text(json.dumps(document))
        for name, document in self.beside.items():
            (folder / name).write_text(json.dumps(document))
        path = folder / self.name
        tensors = {name: tensor.contiguous().clone() for name, tensor in self.tensors.items()}
        if path.suffix == ".safetensors":
            save_file(tensors, path, metadata=self.metadata)
        else:
            torch.save(tensors, path)
        return path


Pair = tuple[dict[str, torch.Tensor], torch.Tensor]


def checkpoint(quantise: Callable[[torch.Tensor], Pair], seed: int = 0) -> Made:
    """A small model each of whose linear layers `quantise` makes parts and values of."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        "model.embed_tokens.weight": torch.randn(96, IN, generator=generator).bfloat16(),
        "model.norm.weight": torch.ones(IN).bfloat16(),
        "lm_head.weight": torch.randn(96, IN, generator=generator).bfloat16(),
    }
    values = {}
    for module in MODULES:
        parts, value = quantise(torch.randn(OUT, IN, generator=generator) * 0.05)
        tensors |= {f"{module}{end}": tensor for end, tensor in parts.items()}
        values[f"{module}.weight"] = value
    return Made(tensors, values)


def packed_bits(codes: np.ndarray, bits: int) -> np.ndarray:
    """Rows of codes in words of 32 bits, low bits first, by one long number a row."""
    words = -(-codes.shape[1] * bits // 32)
    rows = []
    for row in codes.tolist():
        number = int("".join(f"{code:0{bits}b}" for code in reversed(row)), 2)
        rows.append(np.frombuffer(number.to_bytes(words * 4, "little"), "<i4"))
    return np.array(rows)


def low_first(codes: torch.Tensor) -> torch.Tensor:
    """Two codes a byte along the last axis, the first in the low half."""
    return (codes[..., ::2] | (codes[..., 1::2] << 4)).to(torch.uint8)


def nearest(values: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Index of the nearest entry of a table."""
    return (values[..., None] - table).abs().argmin(-1)


def groups_of(weight: torch.Tensor, size: int) -> torch.Tensor:
    return weight.reshape(*weight.shape[:-1], -1, size)


def int8_channel(weight: torch.Tensor) -> Pair:
    scale = weight.abs().amax(1, keepdim=True) / 127
    codes = (weight / scale).round().to(torch.int8)
    return {".weight": codes, ".weight_scale": scale}, codes * scale


def fp8(weight: torch.Tensor, scale: torch.Tensor, end: str) -> Pair:
    wide = scale
    if scale.dim() == 2 and scale.shape != (OUT, 1):
        wide = scale.repeat_interleave(32, 0)[:OUT].repeat_interleave(32, 1)[:, :IN]
    codes = (weight / wide).to(torch.float8_e4m3fn)
    return {".weight": codes, end: scale}, codes.float() * wide


def w8a8() -> Made:
    made = checkpoint(int8_channel)
    made.config = compressed_tensors("int-quantized", 8, None, "channel", "int")
    return made


def ct_fp8(static: bool = False) -> Made:
    made = checkpoint(lambda w: fp8(w, w.abs().amax(1, keepdim=True) / 448, ".weight_scale"))
    made.config = compressed_tensors("float-quantized", 8, None, "channel", "float")
    if static:
        made.config["config_groups"]["group_0"]["input_activations"] = {"dynamic": False}
        made.tensors |= {f"{module}.input_scale": torch.ones(1) for module in MODULES}
    return made


def deepseek() -> Made:
    made = checkpoint(lambda w: fp8(w, torch.rand(OUT // 32, IN // 32) / 100, ".weight_scale_inv"))
    made.config = {"quant_method": "fp8", "weight_block_size": [32, 32], "fmt": "e4m3"}
    return made


def comfy() -> Made:
    made = checkpoint(lambda w: fp8(w, w.abs().max() / 448, ".scale_weight"))
    made.tensors["scaled_fp8"] = torch.zeros(2, dtype=torch.float8_e4m3fn)
    made.name = "text_encoder.safetensors"
    return made


def compressed_tensors(
    kind: str, bits: int, group: int | None, strategy: str, type_: str, symmetric: bool = True
) -> dict[str, Any]:
    weights = {
        "num_bits": bits,
        "group_size": group,
        "strategy": strategy,
        "symmetric": symmetric,
        "type": type_,
        "dynamic": False,
    }
    groups = {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": None}}
    return {
        "quant_method": "compressed-tensors",
        "format": kind,
        "quantization_status": "compressed",
        "config_groups": groups,
        "ignore": ["lm_head", "re:.*vision.*"],
    }


def packed(bits: int = 4, size: int = 32, symmetric: bool = True) -> Made:
    half = 1 << (bits - 1)

    def quantise(weight: torch.Tensor) -> Pair:
        grouped = groups_of(weight, size)
        zero = torch.zeros(OUT, IN // size, dtype=torch.int64)
        scale = grouped.abs().amax(-1) / (half - 0.5)
        if not symmetric:
            low, high = grouped.amin(-1), grouped.amax(-1)
            scale = (high - low) / (2 * half - 1)
            zero = (-half - low / scale).round().clamp(-half, half - 1).long()
        codes = (grouped / scale[..., None] + zero[..., None]).round().clamp(-half, half - 1)
        value = ((codes - zero[..., None]) * scale[..., None]).reshape(OUT, IN)
        words = packed_bits((codes.reshape(OUT, IN).long() + half).numpy(), bits)
        parts = {
            ".weight_packed": torch.from_numpy(words),
            ".weight_scale": scale,
            ".weight_shape": torch.tensor([OUT, IN]),
        }
        if not symmetric:
            turned = packed_bits((zero + half).T.numpy(), bits).T
            parts[".weight_zero_point"] = torch.from_numpy(turned.copy())
        return parts, value

    made = checkpoint(quantise)
    made.config = compressed_tensors("pack-quantized", bits, size, "group", "int", symmetric)
    return made


def nvfp4() -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        grouped = groups_of(weight, 16)
        factor = 448 * 6 / weight.abs().max()
        scale = (grouped.abs().amax(-1) / 6 * factor).to(torch.float8_e4m3fn)
        real = scale.float()[..., None] / factor
        codes = nearest(grouped / real, E2M1)
        parts = {
            ".weight_packed": low_first(codes.reshape(OUT, IN)),
            ".weight_scale": scale,
            ".weight_global_scale": factor.reshape(1),
            ".input_global_scale": torch.tensor([100.0]),
        }
        return parts, (E2M1[codes] * real).reshape(OUT, IN)

    made = checkpoint(quantise)
    made.config = compressed_tensors("nvfp4-pack-quantized", 4, 16, "tensor_group", "float")
    made.config["config_groups"]["group_0"]["input_activations"] = {"dynamic": "local"}
    return made


def modelopt() -> Made:
    made = nvfp4()
    for module in MODULES:
        tensors = made.tensors
        tensors[f"{module}.weight"] = tensors.pop(f"{module}.weight_packed")
        factor = tensors.pop(f"{module}.weight_global_scale")
        tensors[f"{module}.weight_scale_2"] = (1 / factor).reshape(())
        del tensors[f"{module}.input_global_scale"]
        tensors[f"{module}.input_scale"] = torch.tensor(0.01)
    stated = {"quant_algo": "NVFP4", "group_size": 16, "exclude_modules": ["lm_head"]}
    made.config = {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}
    made.beside = {"hf_quant_config.json": {"quantization": stated}}
    return made


def gpt_oss() -> Made:
    generator = torch.Generator().manual_seed(0)
    tensors, values = {}, {}
    for i in range(2):
        stem = f"model.layers.{i}.mlp.experts.down_proj"
        codes = torch.randint(0, 16, (4, OUT, IN), generator=generator)
        powers = torch.randint(118, 124, (4, OUT, IN // 32), generator=generator)
        tensors[f"{stem}_blocks"] = low_first(codes).reshape(4, OUT, IN // 32, 16)
        tensors[f"{stem}_scales"] = powers.to(torch.uint8)
        wide = torch.exp2(powers.float() - 127).repeat_interleave(32, -1)
        values[stem] = E2M1[codes] * wide
    config = {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}
    return Made(tensors, values, config)


def gptq(bits: int = 4, size: int = 32, second: bool = False, ordered: bool = False) -> Made:
    middle = 1 << (bits - 1)
    order = torch.randperm(IN, generator=torch.Generator().manual_seed(3))
    index = torch.arange(IN) // size if not ordered else (torch.arange(IN) // size)[order]

    def quantise(weight: torch.Tensor) -> Pair:
        scale = torch.rand(IN // size, OUT) / 50 + 0.001
        wide = scale[index].T
        codes = (weight / wide + middle).round().clamp(0, 2 * middle - 1)
        zeros = torch.full((IN // size, OUT), middle if second else middle - 1)
        parts = {
            ".qweight": torch.from_numpy(packed_bits(codes.long().numpy(), bits).T.copy()),
            ".qzeros": torch.from_numpy(packed_bits(zeros.numpy(), bits)),
            ".scales": scale.half(),
            ".g_idx": index.int(),
        }
        return parts, (codes - middle) * scale.half().float()[index].T

    made = checkpoint(quantise)
    stated = {"quant_method": "gptq", "bits": bits, "group_size": size, "sym": True}
    stated |= {"desc_act": ordered, "checkpoint_format": "gptq_v2" if second else "gptq"}
    made.config = stated
    made.beside = {"quantize_config.json": stated}
    return made


def awq(size: int = 32) -> Made:
    order = [0, 2, 4, 6, 1, 3, 5, 7]

    def words(codes: torch.Tensor) -> torch.Tensor:
        turned = codes.reshape(len(codes), -1, 8)[..., order].reshape(len(codes), -1)
        return torch.from_numpy(packed_bits(turned.long().numpy(), 4))

    def quantise(weight: torch.Tensor) -> Pair:
        scale = torch.rand(IN // size, OUT) / 50 + 0.001
        zeros = torch.randint(4, 12, (IN // size, OUT))
        wide, shift = (part.repeat_interleave(size, 0) for part in (scale, zeros))
        codes = (weight.T / wide + shift).round().clamp(0, 15)
        parts = {".qweight": words(codes), ".qzeros": words(zeros), ".scales": scale.half()}
        half = scale.half().float().repeat_interleave(size, 0)
        return parts, ((codes - shift) * half).T

    made = checkpoint(quantise)
    made.config = {"quant_method": "awq", "bits": 4, "group_size": size, "zero_point": True}
    made.config |= {"version": "gemm", "modules_to_not_convert": None}
    return made


def nf4(nested: bool = False) -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        runs = weight.reshape(-1, 64)
        largest = runs.abs().amax(1)
        state: dict[str, Any] = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16"}
        state["shape"] = [OUT, IN]
        parts = {".weight.absmax": largest, ".weight.quant_map": NF4}
        if nested:
            table = torch.linspace(-1, 1, 256)
            offset = float(largest.mean())
            whole = (largest - offset).abs().max()
            chosen = nearest((largest - offset) / whole, table)
            largest = table[chosen] * whole + offset
            state |= {"nested_blocksize": 256, "nested_offset": offset, "nested_dtype": "float32"}
            parts |= {
                ".weight.absmax": chosen.to(torch.uint8),
                ".weight.nested_absmax": whole.reshape(1),
                ".weight.nested_quant_map": table,
            }
        codes = nearest(runs / largest[:, None], NF4)
        flat = codes.reshape(-1)
        octets = (flat[::2] << 4 | flat[1::2]).to(torch.uint8)
        text = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
        parts |= {".weight": octets[:, None], ".weight.quant_state.bitsandbytes__nf4": text}
        return parts, (NF4[codes] * largest[:, None]).reshape(OUT, IN)

    made = checkpoint(quantise)
    made.config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}
    return made


def llm_int8() -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        largest = weight.abs().amax(1)
        codes = (weight * 127 / largest[:, None]).round().to(torch.int8)
        parts = {".weight": codes, ".SCB": largest, ".weight_format": torch.tensor(0).byte()}
        return parts, codes * largest[:, None] / 127

    made = checkpoint(quantise)
    made.config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    made.config["llm_int8_skip_modules"] = ["lm_head"]
    return made


def torchao() -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        parts, value = int8_channel(weight)
        scale = parts[".weight_scale"]
        zero = torch.zeros(OUT, 1, dtype=torch.int8)
        own = {"qdata": parts[".weight"], "scale": scale, "zero_point": zero}
        return {f"._weight_{name}": tensor for name, tensor in own.items()}, value

    made = checkpoint(quantise)
    data = {"block_size": [1, IN], "dtype": {"_type": "torch.dtype", "_data": "float32"}}
    one = {"_type": "Int8Tensor", "_data": data, "_tensor_data_names": ["qdata", "scale"]}
    made.metadata |= {f"{module}.weight": json.dumps(one) for module in MODULES}
    made.config = {"quant_method": "torchao", "quant_type": {"default": "int8_weight_only"}}
    return made


def quanto_int8() -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        parts, value = int8_channel(weight)
        own = {".weight._data": parts[".weight"], ".weight._scale": parts[".weight_scale"]}
        return own | {".input_scale": torch.tensor(1.0), ".output_scale": torch.tensor(1.0)}, value

    made = checkpoint(quantise)
    kinds = {"weights": "qint8", "activations": "none"}
    made.beside = {"quanto_qmap.json": dict.fromkeys(MODULES, kinds)}
    return made


def quanto_int4(size: int = 64) -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        rows = weight.reshape(-1, size)
        low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
        scale, shift = (high - low) / 15, -low
        codes = ((rows + shift) / scale).round().clamp(0, 15).long()
        half = len(codes) // 2
        octets = (codes[:half] | (codes[half:] << 4)).to(torch.uint8)
        parts = {".weight._data._data": octets, ".weight._scale": scale, ".weight._shift": shift}
        return parts, codes * scale - shift

    made = checkpoint(quantise)
    kinds = {"weights": "qint4", "activations": "none"}
    made.beside = {"quanto_qmap.json": dict.fromkeys(MODULES, kinds)}
    return made


def hqq(bits: int = 4, size: int = 32) -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        rows = weight.reshape(-1, size)
        low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
        scale = (high - low) / ((1 << bits) - 1)
        zero = -low / scale
        codes = (rows / scale + zero).round().long()
        per = 8 // bits
        pieces = codes.reshape(per, -1, size)
        octets = sum(piece << (bits * (per - 1 - i)) for i, piece in enumerate(pieces))
        parts = {".W_q": octets.to(torch.uint8), ".scale": scale, ".zero": zero}
        parts |= {".shape": torch.tensor([OUT, IN]), ".nbits": torch.tensor(bits)}
        return parts, ((codes - zero) * scale).reshape(OUT, IN)

    made = checkpoint(quantise)
    made.config = {"quant_method": "hqq", "quant_config": {}}
    return made


def mlx(bits: int = 4, size: int = 64) -> Made:
    def quantise(weight: torch.Tensor) -> Pair:
        grouped = groups_of(weight, size)
        low, high = grouped.amin(-1), grouped.amax(-1)
        scale = (low - high) / ((1 << bits) - 1)  # the sign of the largest element
        codes = ((grouped - high[..., None]) / scale[..., None]).round()
        words = packed_bits(codes.reshape(OUT, IN).long().numpy(), bits).view(np.uint32)
        parts = {".weight": torch.from_numpy(words), ".scales": scale, ".biases": high}
        return parts, (codes * scale[..., None] + high[..., None]).reshape(OUT, IN)

    made = checkpoint(quantise)
    made.config, made.key = {"bits": bits, "group_size": size}, "quantization"
    made.metadata = {"format": "mlx"}
    return made


SCHEMES: dict[str, Callable[[], Made]] = {
    "w8a8": w8a8,
    "ct-fp8": ct_fp8,
    "deepseek": deepseek,
    "comfy": comfy,
    "packed-4": packed,
    "packed-4-asymmetric": lambda: packed(symmetric=False),
    "packed-8": lambda: packed(8),
    "packed-3": lambda: packed(3),
    "nvfp4": nvfp4,
    "modelopt": modelopt,
    "gpt-oss": gpt_oss,
    "gptq": gptq,
    "gptq-8": lambda: gptq(8),
    "gptq-3": lambda: gptq(3),
    "gptq-2": lambda: gptq(2),
    "gptq-v2": lambda: gptq(second=True),
    "gptq-ordered": lambda: gptq(ordered=True),
    "awq": awq,
    "nf4": nf4,
    "nf4-nested": lambda: nf4(nested=True),
    "llm-int8": llm_int8,
    "torchao": torchao,
    "quanto-int8": quanto_int8,
    "quanto-int4": quanto_int4,
    "hqq-4": hqq,
    "hqq-8": lambda: hqq(8),
    "hqq-2": lambda: hqq(2),
    "mlx-4": mlx,
    "mlx-8": lambda: mlx(8),
    "mlx-3": lambda: mlx(3),
    "mlx-6": lambda: mlx(6),
}

_MADE: dict[str, Made] = {}


def made(scheme: str) -> Made:
    """A checkpoint of a scheme, to be changed."""
    if scheme not in _MADE:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            _MADE[scheme] = SCHEMES[scheme]()
    return copy.deepcopy(_MADE[scheme])
