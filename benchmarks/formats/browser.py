"""Pages in headless Chromium: whether one says an error, asks for something, or runs a name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def faults(paths: Sequence[Path]) -> list[str]:
    """Write the page of each file, open it and unfold all; a line for whatever went wrong."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    found: list[str] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in paths:
            page = Path(folder) / "page.html"
            command = [sys.executable, "-P", "-m", "modlint", "check", "--isolated"]
            outputs = [f"--output=html={page}", "--output=json"]
            subprocess.run([*command, *outputs, "--", str(path)], capture_output=True, check=False)
            found += [f"{path}: {what}" for what in opened(browser, page)]
        browser.close()
    return found


def opened(browser: object, page: Path) -> list[str]:
    """What a page says on the console, raises, or asks for."""
    said: list[str] = []
    context = browser.new_context()  # type: ignore[attr-defined]
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    tab.on("request", lambda request: said.append(request.url) if _outward(request.url) else None)
    tab.goto(page.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    context.close()
    return said


def _outward(url: str) -> bool:
    return not url.startswith(("file:", "data:"))
