"""NUM006: planted breaches and near misses of every scheme."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import quantised_files as files
import torch
from quantised_files import MODULES, Made
from rule_cases import verdicts
from safetensors.torch import save_file

from modlint.engine.registry import Registry, load_registry
from modlint.verdict import Outcome, Verdict

FIRST, SECOND = MODULES[:2]
Change = Callable[[Made], object]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def judged(path: Path, registry: Registry) -> list[Verdict]:
    return list(verdicts(path, registry, "quantisation-contract"))


def edit(end: str, change: Callable[[torch.Tensor], torch.Tensor], module: str = SECOND) -> Change:
    """Replace one tensor by what a function makes of it."""

    def apply(made: Made) -> None:
        made.tensors[module + end] = change(made.tensors[module + end].clone())

    return apply


def drop(*ends: str, module: str = SECOND) -> Change:
    def apply(made: Made) -> None:
        for end in ends:
            del made.tensors[module + end]

    return apply


def add(name: str, tensor: torch.Tensor) -> Change:
    def apply(made: Made) -> None:
        made.tensors[name] = tensor

    return apply


def say(**stated: Any) -> Change:
    def apply(made: Made) -> None:
        assert made.config is not None
        made.config |= stated
        if "quantize_config.json" in made.beside:
            made.beside["quantize_config.json"] |= stated

    return apply


def weights(**stated: Any) -> Change:
    def apply(made: Made) -> None:
        assert made.config is not None
        made.config["config_groups"]["group_0"]["weights"] |= stated

    return apply


def beside(name: str, **stated: Any) -> Change:
    def apply(made: Made) -> None:
        made.beside[name] = made.beside.get(name, {}) | stated

    return apply


def put(index: tuple[int, ...] | int, value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor[index] = value
        return tensor

    return change


def byte(value: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The first element's bits."""

    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor.view(torch.uint8).reshape(-1)[0] = value
        return tensor

    return change


def cast_back(made: Made) -> None:
    """Values in the place of codes, the configuration left as it was."""
    for module in MODULES:
        made.tensors = {n: t for n, t in made.tensors.items() if not n.startswith(module)}
    made.tensors |= {name: value.bfloat16() for name, value in made.values.items()}


def left_plain(module: str) -> Change:
    def apply(made: Made) -> None:
        made.tensors = {n: t for n, t in made.tensors.items() if not n.startswith(module)}
        made.tensors[f"{module}.weight"] = torch.randn(files.OUT, files.IN).bfloat16()

    return apply


def unlike(made: Made) -> None:
    made.beside["hf_quant_config.json"]["quantization"] |= {"quant_algo": "FP8"}


def no_shift(made: Made) -> None:
    del made.tensors[f"{SECOND}.weight._shift"]


def transposed(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.T.contiguous()


def shorter(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[:-1].contiguous()


def state_of(**stated: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        state = json.loads(bytes(tensor.tolist())) | stated
        return torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)

    return change


_STATE = ".weight.quant_state.bitsandbytes__nf4"
_NOISE = torch.randn(files.OUT, 1)

BROKEN: list[tuple[str, str, Change, str]] = [
    # missing
    ("w8a8", "scale", drop(".weight_scale"), "scale-missing"),
    ("ct-fp8", "scale", drop(".weight_scale"), "scale-missing"),
    ("deepseek", "scale", drop(".weight_scale_inv"), "scale-missing"),
    ("comfy", "scale", drop(".scale_weight"), "scale-missing"),
    ("packed-4", "scale", drop(".weight_scale"), "scale-missing"),
    ("packed-4", "shape", drop(".weight_shape"), "shape-missing"),
    ("packed-4-asymmetric", "zero point", drop(".weight_zero_point"), "zero-point-missing"),
    ("nvfp4", "global scale", drop(".weight_global_scale"), "global-scale-missing"),
    ("nvfp4", "input scale", drop(".input_global_scale"), "input-scale-missing"),
    ("modelopt", "second scale", drop(".weight_scale_2"), "global-scale-missing"),
    ("modelopt", "input scale", drop(".input_scale"), "input-scale-missing"),
    ("gpt-oss", "scales", lambda m: m.tensors.pop(_EXPERTS + "_scales"), "scale-missing"),
    ("gptq", "scales", drop(".scales"), "scale-missing"),
    ("gptq", "zero points", drop(".qzeros"), "zero-point-missing"),
    ("gptq", "index of groups", drop(".g_idx"), "group-index-missing"),
    ("awq", "scales", drop(".scales"), "scale-missing"),
    ("awq", "zero points", drop(".qzeros"), "zero-point-missing"),
    ("nf4", "absmax", drop(".weight.absmax"), "scale-missing"),
    ("nf4", "state", drop(_STATE), "state-missing"),
    ("nf4", "all but codes", drop(".weight.absmax", ".weight.quant_map", _STATE), "scale-missing"),
    ("nf4-nested", "nested absmax", drop(".weight.nested_absmax"), "nested-scale-missing"),
    ("llm-int8", "SCB", drop(".SCB"), "scale-missing"),
    ("torchao", "scale", drop("._weight_scale"), "scale-missing"),
    ("quanto-int8", "scale", drop(".weight._scale"), "scale-missing"),
    ("quanto-int4", "shift", no_shift, "zero-point-missing"),
    ("hqq-4", "zero", drop(".zero"), "zero-point-missing"),
    ("mlx-4", "scales", drop(".scales"), "scale-missing"),
    ("mlx-4", "biases", drop(".biases"), "bias-missing"),
    # orphaned
    ("w8a8", "beside values", add("lm_head.weight_scale", torch.ones(96, 1)), "orphaned-scale"),
    ("nvfp4", "no codes", drop(".weight_packed"), "orphaned-scale"),
    ("deepseek", "layer of MTP", add("mtp.weight_scale_inv", torch.ones(2, 2)), "orphaned-scale"),
    ("gptq", "no codes", drop(".qweight"), "orphaned-scale"),
    ("nf4", "no codes", drop(".weight"), "orphaned-scale"),
    ("quanto-int8", "no codes", drop(".weight._data"), "orphaned-scale"),
    # shape
    ("w8a8", "scale", edit(".weight_scale", shorter), "scale-shape"),
    ("deepseek", "blocks", edit(".weight_scale_inv", transposed), "scale-transposed"),
    ("packed-4", "scale", edit(".weight_scale", transposed), "scale-transposed"),
    ("packed-4", "packed", edit(".weight_packed", lambda t: t[:, :-1]), "codes-shape"),
    ("packed-4", "stated", edit(".weight_shape", put(0, 32)), "shape-wrong"),
    ("packed-4-asymmetric", "zero", edit(".weight_zero_point", shorter), "zero-point-shape"),
    ("nvfp4", "scale", edit(".weight_scale", lambda t: t[:, :4]), "scale-shape"),
    ("gpt-oss", "scales", lambda m: _reshape_experts(m), "scale-shape"),
    ("gptq", "transposed", edit(".scales", transposed), "scale-transposed"),
    ("gptq", "zeros", edit(".qzeros", shorter), "zero-point-shape"),
    ("gptq", "bits", say(bits=8), "codes-shape|scale-shape|group-index-shape"),
    ("awq", "zeros", edit(".qzeros", shorter), "zero-point-shape"),
    ("awq", "transposed", edit(".scales", transposed), "scale-transposed"),
    ("nf4", "absmax", edit(".weight.absmax", shorter), "scale-shape"),
    ("nf4", "codes", edit(".weight", shorter), "codes-shape"),
    ("llm-int8", "SCB", edit(".SCB", shorter), "scale-shape"),
    ("torchao", "scale", edit("._weight_scale", shorter), "scale-shape"),
    ("quanto-int4", "scale", edit(".weight._scale", shorter), "scale-shape|zero-point-shape"),
    ("hqq-4", "scale", edit(".scale", shorter), "scale-shape"),
    ("mlx-4", "scales", edit(".scales", transposed), "scale-transposed|scale-shape"),
    ("mlx-4", "biases", edit(".biases", shorter), "bias-shape"),
    # not finite, negative, zero
    ("w8a8", "NaN", edit(".weight_scale", put(3, float("nan"))), "scale-not-finite"),
    ("w8a8", "negative", edit(".weight_scale", put(3, -0.01)), "scale-negative"),
    ("deepseek", "zero", edit(".weight_scale_inv", put((0, 1), 0.0)), "scale-zero"),
    ("packed-4", "zero", edit(".weight_scale", put((7, 1), 0.0)), "scale-zero"),
    ("packed-4", "infinite", edit(".weight_scale", put(3, float("inf"))), "scale-not-finite"),
    ("nvfp4", "NaN byte", edit(".weight_scale", byte(0x7F)), "scale-not-finite"),
    ("nvfp4", "infinite", edit(".weight_global_scale", put(0, float("inf"))), "scale-not-finite"),
    ("nvfp4", "zero", edit(".input_global_scale", put(0, 0.0)), "scale-zero"),
    ("gpt-oss", "E8M0 NaN", lambda m: _spoil_experts(m), "scale-not-finite"),
    ("gptq", "zero", edit(".scales", put((1, 5), 0.0)), "scale-zero"),
    ("gptq-ordered", "NaN", edit(".scales", put((1, 5), float("nan"))), "scale-not-finite"),
    ("awq", "zero", edit(".scales", put((1, 5), 0.0)), "scale-zero"),
    ("nf4", "zero", edit(".weight.absmax", put(4, 0.0)), "scale-zero"),
    ("llm-int8", "zero", edit(".SCB", put(4, 0.0)), "scale-zero"),
    ("torchao", "NaN", edit("._weight_scale", put(4, float("nan"))), "scale-not-finite"),
    ("quanto-int4", "zero", edit(".weight._scale", put(4, 0.0)), "scale-zero"),
    ("hqq-4", "NaN", edit(".zero", put(4, float("nan"))), "zero-point-not-finite"),
    ("mlx-4", "zero", edit(".scales", put((4, 1), 0.0)), "scale-zero"),
    # orders, tables, states, zero points
    ("gptq", "index too large", edit(".g_idx", put(9, 4)), "group-index-range"),
    ("gptq", "index negative", edit(".g_idx", put(9, -1)), "group-index-range"),
    ("gptq", "not in order", edit(".g_idx", lambda t: t.flip(0)), "group-index-order"),
    ("gptq-ordered", "uneven", edit(".g_idx", put(slice(0, 40), 1)), "group-index-size"),  # type: ignore[arg-type]
    ("gptq-v2", "called v1", say(checkpoint_format="gptq"), "zero-point-format"),
    ("gptq", "called v2", say(checkpoint_format="gptq_v2"), "zero-point-format"),
    ("nf4", "no JSON", edit(_STATE, lambda t: t[:20]), "state-wrong"),
    ("nf4", "shape", edit(_STATE, state_of(shape="all")), "state-wrong"),
    ("nf4", "blocksize", edit(_STATE, state_of(blocksize=128)), "scale-shape"),
    ("nf4", "table", edit(".weight.quant_map", lambda t: t.flip(0)), "map-wrong"),
    # configuration
    ("w8a8", "listed", say(ignore=["lm_head", SECOND]), "ignored-yet-quantised"),
    ("packed-4", "listed", say(ignore=["re:.*layers.1.mlp.*"]), "ignored-yet-quantised"),
    ("deepseek", "listed", say(modules_to_not_convert=[SECOND]), "ignored-yet-quantised"),
    ("quanto-int8", "listed", lambda m: _unlist(m), "ignored-yet-quantised"),
    ("w8a8", "unlisted", left_plain(SECOND), "unlisted-unquantised"),
    ("packed-4", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("deepseek", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("modelopt", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("gptq", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("awq", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("nf4", "unlisted", left_plain(FIRST), "unlisted-unquantised"),
    ("quanto-int8", "named, plain", left_plain(FIRST), "unlisted-unquantised"),
    ("deepseek", "cast back", cast_back, "nothing-quantised"),
    ("gptq", "cast back", cast_back, "nothing-quantised"),
    ("awq", "cast back", cast_back, "nothing-quantised"),
    ("nf4", "cast back", cast_back, "nothing-quantised"),
    ("packed-4", "cast back", cast_back, "nothing-quantised"),
    ("modelopt", "two configurations", unlike, "configurations-disagree"),
    (
        "gptq",
        "two configurations",
        beside("quantize_config.json", bits=8),
        "configurations-disagree",
    ),
    ("gptq", "called bitsandbytes", say(quant_method="bitsandbytes"), "method-unlike"),
    ("packed-4", "group size", weights(group_size=64), "scale-shape"),
    ("packed-8", "bits", weights(num_bits=4), "codes-shape"),
]

_EXPERTS = "model.layers.1.mlp.experts.down_proj"


def _reshape_experts(made: Made) -> None:
    made.tensors[_EXPERTS + "_scales"] = made.tensors[_EXPERTS + "_scales"].transpose(1, 2)


def _spoil_experts(made: Made) -> None:
    made.tensors[_EXPERTS + "_scales"][1, 2, 3] = 255


def _unlist(made: Made) -> None:
    del made.beside["quanto_qmap.json"][SECOND]


@pytest.mark.parametrize(
    ("scheme", "title", "change", "kinds"), BROKEN, ids=[f"{s}: {t}, {k}" for s, t, _, k in BROKEN]
)
def test_planted(
    scheme: str, title: str, change: Change, kinds: str, tmp_path: Path, registry: Registry
) -> None:
    made = files.made(scheme)
    change(made)
    if scheme in ("packed-4", "awq", "nf4", "mlx-4"):
        made.name = "pytorch_model.bin"
    found = [v for v in judged(made.write(tmp_path), registry) if v.outcome is Outcome.FAIL]
    assert found
    assert {v.values["kind"] for v in found} & set(kinds.split("|"))
    for verdict in found:
        assert str(verdict.severity) == "error"
        assert verdict.help


def zero_group(made: Made) -> None:
    """A pruned group: codes are all zero, and so is its scale."""
    made.tensors[f"{SECOND}.weight"][5] = 0
    made.tensors[f"{SECOND}.weight_scale"][5] = 0


def zero_run(made: Made) -> None:
    made.tensors[f"{SECOND}.weight"][64:96] = 0x77
    made.tensors[f"{SECOND}.weight.absmax"][2] = 0


def zero_packed(made: Made) -> None:
    made.tensors[f"{SECOND}.weight_packed"][5, :4] = -0x77777778  # eight times code 8
    made.tensors[f"{SECOND}.weight_scale"][5, 0] = 0


def zero_row(made: Made) -> None:
    made.tensors[f"{SECOND}.weight"][5] = 0
    made.tensors[f"{SECOND}.SCB"][5] = 0


def no_order(made: Made) -> None:
    for module in MODULES:
        del made.tensors[f"{module}.g_idx"]


def all_zero_order(made: Made) -> None:
    for module in MODULES:
        made.tensors[f"{module}.g_idx"] *= 0


def no_configuration(made: Made) -> None:
    made.config, made.beside = None, {}


def dense(made: Made) -> None:
    """Values that are to be quantised by whoever loads them, with their scales."""
    assert made.config is not None
    made.config["format"] = "dense"
    for module in MODULES:
        made.tensors[f"{module}.weight"] = made.values[f"{module}.weight"]


def both(*changes: Change) -> Change:
    def apply(made: Made) -> None:
        for change in changes:
            change(made)

    return apply


def odd_configuration(made: Made) -> None:
    made.config = {"quant_method": ["gptq"], "bits": "4", "group_size": {}, "ignore": 7}


NEAR: list[tuple[str, str, Change]] = [
    ("w8a8", "zero group", zero_group),
    ("nf4", "zero run", zero_run),
    ("packed-4", "zero group", zero_packed),
    ("llm-int8", "zero row", zero_row),
    ("gptq", "no index of groups", no_order),
    ("gptq", "index of zeros", all_zero_order),
    ("gptq", "no configuration", no_configuration),
    ("awq", "no configuration", no_configuration),
    ("packed-4", "no configuration", no_configuration),
    ("nvfp4", "no configuration", no_configuration),
    ("deepseek", "no configuration", no_configuration),
    ("quanto-int4", "no configuration", no_configuration),
    ("mlx-4", "no configuration", no_configuration),
    ("w8a8", "entries without match", say(ignore=["lm_head", "visual.blocks.0", "re:.*mtp.*"])),
    ("w8a8", "listed, plain", both(left_plain(SECOND), say(ignore=["lm_head", SECOND]))),
    ("w8a8", "by pattern", both(left_plain(FIRST), say(ignore=["re:.*layers.0.self_attn.*"]))),
    ("deepseek", "by a part", both(left_plain(FIRST), say(ignored_layers=[FIRST[6:]]))),
    ("w8a8", "router", add("model.layers.0.mlp.gate.weight", torch.randn(16, 128))),
    ("deepseek", "router", add("model.layers.0.mlp.gate.weight", torch.randn(16, 128))),
    ("deepseek", "eh_proj", add("model.layers.1.eh_proj.weight", torch.randn(64, 128))),
    ("w8a8", "tower", add("vision.layers.0.self_attn.q_proj.weight", torch.randn(64, 64))),
    ("mlx-4", "plain layer", add("model.layers.0.mlp.down_proj.weight", torch.randn(64, 64))),
    ("w8a8", "dense", dense),
    ("comfy", "plain layer", add("model.layers.0.mlp.down_proj.weight", torch.randn(64, 64))),
    ("comfy", "cast", add("other.0.bias", torch.zeros(64).to(torch.float8_e4m3fn))),
    ("deepseek", "KV cache", add(f"{FIRST}.k_scale", torch.tensor(0.5))),
    ("w8a8", "scale of a flow", add("flow.scale", torch.zeros(4))),
    ("nvfp4", "two systems of names", say(config_groups_2={})),
    ("gptq", "excluded", both(left_plain(FIRST), say(dynamic={f"-:{FIRST}": {}}))),
    ("awq", "excluded", both(left_plain(FIRST), say(modules_to_not_convert=["self_attn"]))),
    ("nf4", "skipped", both(left_plain(FIRST), say(llm_int8_skip_modules=[FIRST]))),
    ("gptq", "odd configuration", odd_configuration),
    ("comfy", "negative zero point", add("scaled", torch.tensor([-1.0]))),
]


@pytest.mark.parametrize("scheme", files.SCHEMES)
def test_healthy(scheme: str, tmp_path: Path, registry: Registry) -> None:
    (verdict,) = judged(files.made(scheme).write(tmp_path), registry)
    assert verdict.outcome is Outcome.PASS, verdict.message


@pytest.mark.parametrize(
    ("scheme", "title", "change"), NEAR, ids=[f"{scheme}: {title}" for scheme, title, _ in NEAR]
)
def test_near_miss(
    scheme: str, title: str, change: Change, tmp_path: Path, registry: Registry
) -> None:
    made = files.made(scheme)
    change(made)
    (verdict,) = judged(made.write(tmp_path), registry)
    assert verdict.outcome is not Outcome.FAIL, verdict.message


def test_scales_in_another_shard(tmp_path: Path, registry: Registry) -> None:
    """The index is judged, over all shards; a shard alone is not."""
    made = files.deepseek()
    moved = {name: t for name, t in made.tensors.items() if name.endswith("_inv")}
    kept = {name: t for name, t in made.tensors.items() if name not in moved}
    shards = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    made.write(tmp_path).unlink()
    save_file(kept, tmp_path / shards[0], metadata=made.metadata)
    save_file(moved, tmp_path / shards[1], metadata=made.metadata)
    places = dict.fromkeys(kept, shards[0]) | dict.fromkeys(moved, shards[1])
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    assert [v.outcome for v in judged(index, registry)] == [Outcome.PASS]
    assert [v.outcome for v in judged(tmp_path / shards[0], registry)] == [Outcome.NOT_APPLICABLE]
    del moved[f"{SECOND}.weight_scale_inv"]
    del places[f"{SECOND}.weight_scale_inv"]
    save_file(moved, tmp_path / shards[1], metadata=made.metadata)
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    (verdict,) = judged(index, registry)
    assert verdict.values["kind"] == "scale-missing"


def test_patterns_are_matched_in_bounded_time(tmp_path: Path, registry: Registry) -> None:
    made = files.w8a8()
    assert made.config is not None
    made.config["ignore"] = ["re:(a*)*(a*)*(.*)*z", "re:" + "(" * 400, "re:(?P<a>x)(?P=a)"]
    left_plain("a" * 300)(made)
    (verdict,) = judged(made.write(tmp_path), registry)
    assert verdict.outcome is Outcome.PASS
