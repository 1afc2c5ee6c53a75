"""Cases of FMT008."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected
from tiny_models.faults import rewritten, shorter_vocabulary, tensors_of, without_head
from tiny_models.tiny_transformers import reworded, saved

TABLE = ("tensor", "model.embed_tokens.weight")
PASSES = (Expected("pass"),)
Write = Callable[[Path], Path]


def stated(name: str = "llama", file: str = "config.json", /, **values: Any) -> Write:
    """A model, with values of one of its documents replaced."""
    return lambda folder: reworded(saved(name)(folder), lambda d: d.update(values), file)


def added(*ids: int, **settings: Any) -> Write:
    """A model of 131 rows whose tokenizer has further tokens of these ids."""

    def write(folder: Path) -> Path:
        path = saved("llama")(folder)
        tokens = [{"id": i, "content": f"<extra_{i}>", "special": True} for i in ids]
        vocabulary = {chr(0x4E00 + i): i for i in range(131)}
        document = {"added_tokens": tokens, "model": {"type": "BPE", "vocab": vocabulary}}
        (folder / "tokenizer.json").write_text(json.dumps(document))
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return path

    return write


def document(name: str, content: object) -> Write:
    """A model with a further document beside it."""

    def write(folder: Path) -> Path:
        path = saved("llama")(folder)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def tied(change: Callable[[torch.Tensor], torch.Tensor]) -> Write:
    """A model with a tied head that is stored as well."""

    def write(folder: Path) -> Path:
        path = saved("llama tied")(folder)
        table = tensors_of(path)[TABLE[1]]
        return rewritten(path, lambda t: {**t, "lm_head.weight": change(table.clone())})

    return write


def another_name(folder: Path) -> Path:
    return saved("llama")(folder).rename(folder / "llama.safetensors")


def a_shard(folder: Path) -> Path:
    index = saved("llama", shards=True)(folder)
    return min(index.parent.glob("model-*.safetensors"))


def variant(folder: Path) -> Path:
    path = saved("llama", dtype="float16")(folder)
    reworded(path, lambda config: config.update(dtype="float32"))
    return path.rename(folder / "model.fp16.safetensors")


def past(who: str, number: int) -> Expected:
    return Expected("fail", "error", "high", TABLE, {"rows": 131, "id": number}, who)


CASES = (
    Case(
        "a model as it was saved",
        saved("llama"),
        (Expected("pass", target=("file", "model.safetensors"), values={"compared": 33}),),
    ),
    Case("its index, of shards", saved("llama", shards=True), PASSES),
    Case(
        "a shard is judged with its index",
        a_shard,
        (Expected("not-applicable", message="judged with its index, model"),),
    ),
    Case("another name", another_name, (Expected("not-applicable", message="is not named"),)),
    Case(
        "a configuration of another library",
        stated(model_type=None, architectures=None, architecture="resnet18"),
        (Expected("not-applicable", message="no config.json of transformers"),),
    ),
    Case(
        "a damaged configuration",
        document("config.json", '{"model_type": '),
        (Expected("inconclusive", message="config.json is no JSON"),),
    ),
    Case(
        "fewer rows than are stated",
        lambda folder: shorter_vocabulary(saved("llama tied")(folder)),
        (Expected("fail", "error", "high", TABLE, {"rows": 124, "stated": 131}, "has 124 rows"),),
    ),
    Case(
        "no head, and none is tied",
        lambda folder: without_head(saved("llama")(folder)),
        (
            Expected(
                "fail",
                "error",
                target=("file", "model.safetensors"),
                values={"architecture": "LlamaForCausalLM"},
                message="the file holds none",
            ),
        ),
    ),
    Case("a base model needs no head", stated("llama base", tie_word_embeddings=False), PASSES),
    Case(
        "a tied head that differs",
        tied(lambda table: table + 1),
        (Expected("fail", "warning", target=("tensor", "lm_head.weight"), message="differs from"),),
    ),
    Case("a tied head that is stored twice", tied(lambda table: table), PASSES),
    Case(
        "other sizes",
        stated(intermediate_size=96),
        tuple(
            Expected("fail", "error", target=("tensor", f"model.layers.0.mlp.{name}_proj.weight"))
            for name in ("down", "gate", "up")
        ),
    ),
    Case(
        "more layers than are stated",
        stated(num_hidden_layers=2),
        (Expected("fail", "warning", values={"layers": 3, "stated": 2}, message="not loaded"),),
    ),
    Case(
        "another type",
        stated(dtype="bfloat16"),
        (
            Expected(
                "fail",
                "warning",
                values={"type": "float32", "stated": "bfloat16", "share": 1.0},
                message="100% of the elements are float32",
            ),
        ),
    ),
    Case("a variant is of another type by design", variant, PASSES),
    Case(
        "an id that the configuration uses",
        stated(eos_token_id=[2, 200]),
        (past("eos_token_id in config.json is 200", 200),),
    ),
    Case(
        "an id that generation uses",
        stated("llama", "generation_config.json", pad_token_id=131),
        (past("pad_token_id in generation_config.json is 131", 131),),
    ),
    Case(
        "an id that a special token uses",
        added(131, pad_token="<extra_131>"),
        (past("pad_token '<extra_131>' in tokenizer_config.json is 131", 131),),
    ),
    Case("one added token past the rows that nothing names", added(131), PASSES),
    Case(
        "several added tokens past the rows",
        document("added_tokens.json", {"<a>": 130, "<b>": 131, "<c>": 132}),
        (Expected("fail", "warning", target=TABLE, values={"past": 2, "id": 132}),),
    ),
    Case(
        "a vocabulary past the rows",
        document("tokenizer.json", {"model": {"vocab": {f"t{i}": i for i in range(140)}}}),
        (Expected("fail", "error", target=TABLE, values={"past": 9, "id": 139}),),
    ),
    Case(
        "a vocabulary of fewer tokens than rows",
        document("tokenizer.json", {"model": {"vocab": [[f"t{i}", -1.0] for i in range(120)]}}),
        PASSES,
    ),
    Case(
        "a damaged tokenizer",
        document("tokenizer.json", "{"),
        (Expected("inconclusive", message="tokenizer.json is no JSON"),),
    ),
)
