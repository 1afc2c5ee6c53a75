"""Lines 45 and 55 of the list: folders that steer the check of what they hold."""

from __future__ import annotations

from threats.boxes import HEALTHY, gguf, torch_archive
from threats.build import Finding, Threat
from threats.literature.paths import CALLS, folder_of
from threats.pickled import PAYLOAD

_SKIPS = {
    "a .gitignore": {".gitignore": b"*\n"},
    "a configuration that ignores every rule": {"modlint.toml": b'ignore = ["ALL"]\n'},
    "a configuration that excludes every file": {"modlint.toml": b'exclude = ["*"]\n'},
    "a configuration that allows the call": {
        "modlint.toml": b'[rules.SEC001]\nallow-globals = ["os.system"]\n'
    },
    "a configuration in pyproject.toml": {"pyproject.toml": b'[tool.modlint]\nignore = ["ALL"]\n'},
}
_PLACES = ("weights.pt", "a.b/c/weights", "onnx.data", "tokenizer.bin", "README.md", "x.json")

THREATS = (
    *(
        Threat(45, f"a payload beside {title}", folder_of({**files, "model.pt": PAYLOAD}, CALLS))
        for title, files in _SKIPS.items()
    ),
    *(
        Threat(45, f"a payload in {place}", folder_of({"model.pt": HEALTHY, place: PAYLOAD}, CALLS))
        for place in _PLACES
    ),
    Threat(
        45,
        "an archive of PyTorch in the file of a tokenizer",
        folder_of({"model.gguf": gguf("a", "b"), "vocab.txt": torch_archive(PAYLOAD)}, CALLS),
    ),
    Threat(
        55,
        "a payload beside modules of modlint's own names",
        folder_of(
            {
                "pluggy.py": b"raise SystemExit(0)\n",
                "sitecustomize.py": b"raise SystemExit(0)\n",
                "modlint.py": b"raise SystemExit(0)\n",
                "model.pt": PAYLOAD,
            },
            Finding("SEC001", "error", None, None, "os.system('id')"),
        ),
    ),
)
