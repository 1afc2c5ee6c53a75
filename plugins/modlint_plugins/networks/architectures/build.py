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
from modlint.verdict import Confidence
from modlint_plugins.networks.architectures.settings import RefusedSettings, bounded
from modlint_plugins.networks.aten.values import Names
from modlint_plugins.networks.exported_program.build import network_of_program
from modlint_plugins.networks.names.families.match import FAMILIES

_SECONDS = 120
_NEEDED = ("torch", "transformers")
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}


def built_of(checkpoint: Checkpoint, config: Mapping[str, Any]) -> Built | None:
    """The network of the class that a configuration names; None where it is left to names."""
    model_type = config.get("model_type")
    if any(model_type in family.types for family in FAMILIES) or not _is_installed():
        return None
    tensors = {t.key: t for t in checkpoint.tensors.values() if t.role is Role.WEIGHT}
    try:
        request = json.dumps({"config": bounded(config), "keys": list(tensors)})
    except RefusedSettings as refused:
        return _none(str(refused))
    answer = _asked(request)
    if "reason" in answer:
        return _none(f"the class of {model_type!r} could not be exported: {answer['reason']}")
    document = msgspec.json.decode(base64.b64decode(answer["program"]))
    given, fits = _given(answer, tensors)
    built = network_of_program(document, Names(given), "architecture")
    if not built.networks:
        return None
    whole = fits and set(answer["shapes"]) <= set(given)
    remark = f"the calls are those of transformers' class for {model_type!r}"
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


@lru_cache(maxsize=1)
def _is_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def _asked(request: str) -> Mapping[str, Any]:
    """What the worker answers; a reason where it does not."""
    command = [sys.executable, "-P", "-m", "modlint_plugins.networks.architectures.worker"]
    try:
        done = subprocess.run(  # noqa: S603 (our own module, by our own interpreter)
            command,
            input=request,
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
