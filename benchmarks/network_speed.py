"""`python -m benchmarks.network_speed`: how long does it take to rebuild a network?

ResNet-50's is timed beside `onnx.load` of the same file, in pairs; a language model's of 32 layers
is built from names alone; a config.json that states absurd sizes must end in a reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import onnx
import torch
from transformers import LlamaConfig, LlamaForCausalLM, ResNetConfig, ResNetForImageClassification

from modlint.builder import Built
from modlint.checkpoint import Checkpoint
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry

REGISTRY = load_registry()


def main() -> None:
    """Print the three measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network_speed", description=__doc__)
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of ResNet-50")
    with tempfile.TemporaryDirectory() as folder:
        _resnet(Path(folder), parser.parse_args().pairs)
        _language_model(Path(folder))
        _hostile(Path(folder))


def _built(checkpoint: Checkpoint) -> tuple[Built, float]:
    started = time.perf_counter()
    errors: list[str] = []
    built = build_networks(checkpoint, REGISTRY.builders, errors)
    if errors:
        raise SystemExit("\n".join(errors))
    return built, time.perf_counter() - started


def _resnet(folder: Path, pairs: int) -> None:
    path = folder / "resnet50.onnx"
    model = ResNetForImageClassification(ResNetConfig()).eval()  # its defaults are ResNet-50
    image = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(model, (image,), str(path), dynamo=False)
    checkpoint = load_whole(path, REGISTRY.readers)
    ratios, seconds = [], []
    for _ in range(pairs):
        started = time.perf_counter()
        onnx.load(path)
        loaded = time.perf_counter() - started
        built, taken = _built(checkpoint)
        ratios.append(taken / loaded)
        seconds.append(taken)
    (network,) = built.networks
    print(
        f"ResNet-50, {len(network.calls)} layers: {statistics.median(seconds):.2f} s,"
        f" {statistics.median(ratios):.2f} times onnx.load"
    )


def _language_model(folder: Path) -> None:
    sizes = {"hidden_size": 64, "intermediate_size": 172, "num_attention_heads": 4}
    config = LlamaConfig(num_hidden_layers=32, vocab_size=256, **sizes)
    LlamaForCausalLM(config).save_pretrained(folder / "llama")
    (folder / "llama/config.json").unlink()
    built, taken = _built(load_whole(folder / "llama/model.safetensors", REGISTRY.readers))
    (network,) = built.networks
    print(f"LLaMA of 32 layers by names, {len(network.calls)} layers: {taken:.2f} s")


def _hostile(folder: Path) -> None:
    config = LlamaConfig(num_hidden_layers=1, hidden_size=64, intermediate_size=172, vocab_size=256)
    LlamaForCausalLM(config).save_pretrained(folder / "hostile")
    path = folder / "hostile/config.json"
    stated = json.loads(path.read_text())
    for changes in (
        {"num_hidden_layers": 10**6},
        {"hidden_size": 2**40, "intermediate_size": 2**40},
        {"auto_map": {"AutoModel": "modeling_evil.Evil"}, "model_type": "evil"},
        {"num_attention_heads": -1, "vocab_size": 1e308},
    ):
        path.write_text(json.dumps(stated | changes))
        built, taken = _built(load_whole(path.with_name("model.safetensors"), REGISTRY.readers))
        (network,) = built.networks
        told = network.reason or f"{network.source}, confidence {network.confidence.name.lower()}"
        print(f"config.json with {', '.join(changes)}: {taken:.2f} s, {told}")


if __name__ == "__main__":
    main()
