"""Files whose names, and the names in them, try to be more than text in what prints them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

from threats.build import Entry, Torch, field_bytes, field_number, safetensors, zip_archive

NAMES = {
    "line breaks": "a\nb\r\nc\u2028d\x85e",
    "a command at the start": "::error file=x::injected",
    "a command after a line break": "w\n::stop-commands::pause",
    "a command within a word": "w" * 75 + "::add-mask::secret",
    "a command in brackets": "w##[set-env name=PATH]x",
    "a command of Azure": "w ##vso[task.setvariable variable=x]y",
    "percent escapes": "w%0A::warning::x%25",
    "commas and colons": "w,title=x::y,z",
    "the end of a script": "</script><script>alert(1)</script>",
    "an image": '"><img src=x onerror=alert(1)>',
    "a comment's end": "--><img src=http://example.org/x.png><!--",
    "CDATA": "]]><failure/>&amp;&lt;",
    "a template": "{{ 7 * 7 }}{% raw %}",
    "back quotes": "`` ` code ``<b>",
    "a table": "|x|\n|---|",
    "a link": "[click](javascript:alert(1)) ![](http://example.org/x.png)",
    "mentions": "@everyone #1 GH-1 http://example.org www.example.org",
    "details": "</code></summary></details>\n\n# Title",
    "a formula": "=cmd|' /C calc'!A0",
    "a formula behind a separator": "w;=cmd|' /C calc'!A0;@x",
    "a wide formula": "\uff1dcmd|' /C calc'!A0",
    "escape sequences": "\x1b[31mred\x1b[0m\x1b]8;;http://example.org\x07x\x9b2J",
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f",
    "two directions": "\u202eevil\u2066\u200f\u05d0\u0627",
    "what is not seen": "a\u200b\u00ad\ufeff\U000e0041b",
    "marks on marks": "a" + "\u0336" * 60,
}
"""By what they try; each can be a tensor's name and, less what no file system takes, a file's."""

LONG = 10_000_000
"""Characters of the longest names and arguments."""


def written(folder: Path) -> Path:
    """Write them all into a folder; each holds a finding that names what it is called."""
    files = folder / "files"
    files.mkdir()
    for number, name in enumerate(NAMES.values()):
        (files / f"tensor-{number}.safetensors").write_bytes(with_tensor(name))
        (files / f"member-{number}.pt").write_bytes(with_member(name))
        (files / f"call-{number}.pkl").write_bytes(with_call(name))
        (files / f"node-{number}.onnx").write_bytes(with_node(name))
        (files / f"{name.replace('/', chr(0x2215))[:80]}.pkl").write_bytes(with_call("system"))
    (files / "surrogate.pkl").write_bytes(with_call("\udcff"))
    (files / "not-utf-8-\udcff\udc9b.pkl").write_bytes(with_call("system"))
    return files


def written_long(folder: Path) -> Path:
    """Write those with a name of ten million characters."""
    files = folder / "long"
    files.mkdir()
    (files / "tensor.safetensors").write_bytes(with_tensor("w" * LONG))
    (files / "call.pkl").write_bytes(with_call("\x1b" * LONG))
    (files / "node.onnx").write_bytes(with_node("<" * LONG))
    return files


def with_tensor(name: str) -> bytes:
    """A safetensors file with a tensor of NaN; its metadata hold the name too."""
    fields = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    header = {"__metadata__": {name: name, "format": name}, name: fields}
    return safetensors(json.dumps(header).encode(), struct.pack("<4f", *[float("nan")] * 4))


def with_member(name: str) -> bytes:
    """A PyTorch archive with a pickle that calls, under the name."""
    return zip_archive([*Torch().entries(), Entry(f"model/{name}", with_call("id"))]).content


def with_call(argument: str) -> bytes:
    """A pickle that calls `os.system` with a text."""
    text = argument.encode("utf-8", "surrogatepass")
    return b"cos\nsystem\n(" + b"X" + struct.pack("<I", len(text)) + text + b"tR."


def with_node(name: str) -> bytes:
    """An ONNX model with a node that no runtime knows, of a name, in a graph of that name."""
    node = field_bytes(3, name) + field_bytes(4, name) + field_bytes(2, "y")
    graph = field_bytes(1, node) + field_bytes(2, name)
    opset = field_number(2, 17)
    return field_number(1, 8) + field_bytes(7, graph) + field_bytes(8, opset)


def each() -> Iterator[tuple[str, bytes]]:
    """A suffix and the content of a file of each kind."""
    yield ".safetensors", with_tensor("::error::<b>")
    yield ".pt", with_member("::error::<b>")
    yield ".pkl", with_call("::error::<b>")
    yield ".onnx", with_node("::error::<b>")
