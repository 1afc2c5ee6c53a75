"""Run the notebooks in examples/ and renew the outputs that they show, or check them.

Usage: python scripts/update_notebooks.py [--check]

The code cells of a notebook run one after the other in one namespace and in the notebook's folder,
as Jupyter runs them: what they print, and what the last expression of each shows, are its outputs.
Neither Jupyter nor a kernel is needed. The check compares outputs without their numbers, which
differ in their last digits from one processor to the next.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from documented import skeleton

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs that its code gives now.

    Raises:
        Exception: whatever a cell raises.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [], 0
    sys.path.insert(0, str(EXAMPLES))
    try:
        with contextlib.chdir(EXAMPLES):
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code":
                    number += 1
                    outputs = _outputs("".join(cell["source"]), namespace, number)
                    cell = cell | {"execution_count": number, "outputs": outputs}
                cells.append(cell)
    finally:
        sys.path.remove(str(EXAMPLES))
    return notebook | {"cells": cells}


def _outputs(source: str, namespace: dict[str, Any], number: int) -> list[dict[str, Any]]:
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), f"<cell {number}>", "exec"), namespace)
        shown = None
        if last is not None:
            expression = compile(ast.Expression(last.value), f"<cell {number}>", "eval")
            shown = eval(expression, namespace)
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(text)})
    if shown is not None:
        data = {"text/plain": _lines(repr(shown))}
        if hasattr(shown, "_repr_html_"):
            data["text/html"] = _lines(shown._repr_html_())
        result = {"data": data, "execution_count": number, "metadata": {}}
        outputs.append(result | {"output_type": "execute_result"})
    return outputs


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def text_of(notebook: dict[str, Any]) -> str:
    """As it is written to its file."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main(*, check: bool) -> int:
    """Write every notebook anew, or name those whose outputs are no longer true."""
    stale = []
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        old = path.read_text(encoding="utf-8")
        new = text_of(run(json.loads(old)))
        if not check:
            path.write_text(new, encoding="utf-8")
        elif skeleton(old) != skeleton(new):
            stale.append(path.name)
    if stale:
        print(*stale, "show old output: run `make readme`", sep="\n")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
