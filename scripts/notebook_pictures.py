"""Renew the pictures of a notebook in docs: parts of examples/compare_checkpoints.ipynb.

Usage: python scripts/notebook_pictures.py

Needs nbconvert, and Chromium by playwright.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from nbconvert import HTMLExporter
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples" / "compare_checkpoints.ipynb"
PICTURES = {
    "notebook-dark": ("dark", "A report", "A network among its shuffles"),
    "notebook-light": ("light", "A network among its shuffles", "What is in a file"),
    "notebook-clusters": ("light", "Clusters", "Two checkpoints"),
}
"""By name: the theme, the heading that it begins with, and the one before which it ends."""
WIDTH = 900


def main() -> None:
    """Draw them all."""
    with sync_playwright() as browsers, tempfile.TemporaryDirectory() as folder:
        chromium = shutil.which("chromium")
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (theme, first, last) in PICTURES.items():
            file = Path(folder) / f"{name}.html"
            html, _ = HTMLExporter(template_name="lab", theme=theme).from_filename(str(NOTEBOOK))
            file.write_text(html, encoding="utf-8")
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.goto(file.as_uri())
            page.evaluate("document.querySelector('details').open = true")
            top, bottom = _top(page, first), _top(page, last)
            area = {"x": 0, "y": top - 10, "width": WIDTH, "height": bottom - top - 5}
            page.screenshot(path=ROOT / "docs" / f"{name}.png", full_page=True, clip=area)
            page.close()
        browser.close()


def _top(page: Page, heading: str) -> float:
    box = page.get_by_role("heading", name=heading).first.bounding_box()
    if box is None:
        raise SystemExit(f"the notebook has no heading {heading}")
    return box["y"]


if __name__ == "__main__":
    main()
