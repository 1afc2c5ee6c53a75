"""An executed notebook as a page: its cells, and below each what it showed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def page(path: Path) -> str:
    """Markdown, with outputs as HTML, pictures or text, whichever says most."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(part for cell in cells for part in _cell(cell)) + "\n"


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        yield _output(output)


def _output(output: dict[str, Any]) -> str:
    shown = output.get("data", {})
    if "text/html" in shown:
        return f'<div class="output">{_text(shown["text/html"])}</div>'
    for kind in ("image/svg+xml", "image/png"):
        if kind in shown:
            return f'<div class="output">{_picture(kind, _text(shown[kind]))}</div>'
    text = _text(output.get("text") or shown.get("text/plain") or output.get("traceback", ""))
    return f"```text\n{text.rstrip()}\n```"


def _picture(kind: str, data: str) -> str:
    if kind == "image/svg+xml":
        return data
    return f'<img alt="What the cell draws" src="data:{kind};base64,{"".join(data.split())}">'


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)
