"""The site in headless Chromium: silent, nothing from elsewhere, no barriers, on phones too."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

PAGES = (
    "index.html",
    "tutorial.html",
    "rules/index.html",
    "rules/CLU001.html",
    "clusterability.html",
)
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(browser: playwright.Browser, address: str, scheme: str, size: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: r.url.startswith((address, "data:")) or wrong.append(r.url))
    for name in PAGES:
        page.goto(address + name)
        page.wait_for_selector('.md-search[aria-label="Search"]', state="attached")
        for found in axe.Axe().run(page).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                places = [node["html"][:200] for node in found["nodes"]]
                wrong.append(f"{name}: {found['id']}: {places}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{name} is wider than the screen")
    shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert not wrong, "\n".join(wrong)
    assert (shown == "rgb(255, 255, 255)") == (scheme == "light")


def test_the_search_finds_a_rule(browser: playwright.Browser, address: str) -> None:
    page = browser.new_context().new_page()
    page.goto(address + "index.html")
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("NUM001")
    page.wait_for_selector(".md-search-result__link", state="attached", timeout=120_000)
    found = page.locator(".md-search-result__link").evaluate_all("all => all.map(a => a.href)")
    assert any("rules/NUM001.html" in link for link in found)
