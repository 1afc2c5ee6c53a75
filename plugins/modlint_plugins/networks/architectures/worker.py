"""Run as a process: what names a library's model comes in, the ATen calls of that model go out.

Reads one JSON document from stdin, {"config", "keys"} of transformers or {"library", "name",
"classes"} of torchvision and timm, and writes one to stdout: {"program", "names", "shapes"}, the
program as torch.export serialises it, by parameter the key of the file that is loaded into it, and
each parameter's shape; or {"reason"}. Weights are on the meta device, or fake: none is read.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import resource
import sys
from typing import Any

SECONDS = 60
_MEMORY = 24 << 30
_WRITTEN = 1 << 24  # libraries look for a temporary folder


def main() -> None:
    """Answer one request."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_WRITTEN, _WRITTEN))
    request = json.loads(sys.stdin.read())
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            answer = exported(request)
        except Exception as error:  # a library may raise anything for such a request
            told, *_ = f"{error}\n".split("\n")[0].split(". ")
            answer = {"reason": f"{type(error).__name__}: {told[:200]}"}
    sys.stdout.write(json.dumps(answer))


def exported(request: dict[str, Any]) -> dict[str, Any]:
    """The model's calls, and which parameter each key is loaded into."""
    import torch
    from torch._export.serde.serialize import ExportedProgramSerializer, _dataclass_to_dict
    from torch._subclasses.fake_tensor import FakeTensorMode

    torch.backends.mha.set_fastpath_enabled(False)
    make = _vision if "library" in request else _transformer
    try:
        with torch.device("meta"), torch.no_grad():
            program, names, shapes = make(request)
    except Exception:  # some classes make small tensors on a device of their own
        with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
            program, names, shapes = make(request)
    artifact = ExportedProgramSerializer().serialize(program)
    plain: Any = _dataclass_to_dict
    text = json.dumps(plain(artifact.exported_program), default=_plain)
    return {"program": base64.b64encode(text.encode()).decode(), "names": names, "shapes": shapes}


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else str(value)


def _transformer(request: dict[str, Any]) -> tuple[Any, dict[str, str], dict[str, list[int]]]:
    import torch

    from modlint_plugins.networks.architectures import transformers_class

    model = transformers_class.model_of(request["config"])
    program = torch.export.export(model, (), transformers_class.inputs_of(model), strict=False)
    return program, *transformers_class.names_of(model, request["keys"])


def _vision(request: dict[str, Any]) -> tuple[Any, dict[str, str], dict[str, list[int]]]:
    import torch

    from modlint_plugins.networks.architectures import vision_class

    model = vision_class.model_of(request["library"], request["name"], request["classes"])
    inputs = vision_class.inputs_of(model, request["name"])
    program = torch.export.export(model, inputs, strict=False)
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    return program, {name: name for name in shapes}, shapes


if __name__ == "__main__":
    main()
