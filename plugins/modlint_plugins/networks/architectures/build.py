"""From a configuration to the network of the file beside it."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from modlint.builder import Built
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.network import Call, Network
from modlint.text import count
from modlint.verdict import Confidence
from modlint_plugins.networks.architectures.fingerprints import Known, known_model
from modlint_plugins.networks.architectures.settings import RefusedSettings, bounded
from modlint_plugins.networks.aten.values import Names
from modlint_plugins.networks.exported_program.build import network_of_program
from modlint_plugins.networks.names.families.match import FAMILIES

_SECONDS = 120
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


def built_of(checkpoint: Checkpoint, config: Mapping[str, Any]) -> Built | None:
    """The network of the model that a configuration, or all tensors, name; None where none does."""
    tensors = {t.key: t for t in checkpoint.tensors.values() if t.role is Role.WEIGHT}
    model_type = config.get("model_type")
    if isinstance(model_type, str):
        if any(model_type in family.types for family in FAMILIES) or not _has("transformers"):
            return None
        return _of_transformers(model_type, config, tensors)
    known = known_model({key: tensor.shape for key, tensor in tensors.items()})
    if known is None or not _has(known.library):
        return None
    return _of_vision(known, tensors)


def _of_transformers(
    model_type: str, config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> Built | None:
    try:
        request = {"config": bounded(config), "keys": list(tensors)}
    except RefusedSettings as refused:
        return _none(str(refused))
    answer = _asked(request)
    if "reason" in answer:
        return _none(f"the class of {model_type!r} could not be exported: {answer['reason']}")
    return _built(answer, tensors, f"the calls are those of transformers' class for {model_type!r}")


def _of_vision(known: Known, tensors: Mapping[str, Tensor]) -> Built | None:
    answer = _asked({"library": known.library, "name": known.name, "classes": known.classes})
    if "reason" in answer:
        return None
    classes = "" if known.classes is None else f", {count(known.classes, 'class', 'classes')}"
    own = {key.removeprefix(known.start): tensor for key, tensor in tensors.items()}
    return _built(answer, own, f"{known.library} {known.name}{classes}, by names and shapes")


def _built(answer: Mapping[str, Any], tensors: Mapping[str, Tensor], remark: str) -> Built | None:
    document = msgspec.json.decode(base64.b64decode(answer["program"]))
    given, fits = _given(answer, tensors)
    built = network_of_program(document, Names(given), "architecture")
    if not built.networks:
        return None
    whole = fits and set(answer["shapes"]) <= set(given)
    confidence = Confidence.HIGH if whole else Confidence.MEDIUM
    networks = tuple(_told(network, remark, confidence) for network in built.networks)
    return Built(networks, built.unplaced)


def _none(reason: str) -> Built:
    return Built((Network("0", reason=reason),))


def _given(
    answer: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], bool]:
    """The file's tensors by the names of parameters, and whether all shapes are those."""
    given, fits = {}, True
    for name, key in answer["names"].items():
        tensor = tensors[key]
        if list(tensor.shape) == answer["shapes"][name]:
            given[name] = tensor
        else:
            fits = False
    return given, fits


def _told(network: Network, remark: str, confidence: Confidence) -> Network:
    operations = tuple(
        replace(op, confidence=confidence) if isinstance(op, Call) else op
        for op in network.operations
    )
    return replace(
        network,
        confidence=confidence,
        operations=operations,
        remarks=(*network.remarks, remark),
    )


@lru_cache(maxsize=8)
def _has(library: str) -> bool:
    """Whether a library is installed, and torch, without importing either."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", library))


def _asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the worker answers; a reason where it does not."""
    command = [sys.executable, "-P", "-m", "modlint_plugins.networks.architectures.worker"]
    try:
        done = subprocess.run(  # noqa: S603 (our own module, by our own interpreter)
            command,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env={**os.environ, **_QUIET},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"reason": f"it took more than {_SECONDS} seconds"}
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended without an answer"]
        return {"reason": last[0][:300]}
    return answer if isinstance(answer, dict) else {"reason": "its answer is no object"}
