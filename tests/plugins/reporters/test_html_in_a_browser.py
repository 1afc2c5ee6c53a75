"""The page in headless Chromium: silent, sorted, filtered, folded, without barriers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from html_pages import difference, report, written
from report_parts import EVIL

from modlint.difference import Difference
from modlint.report import Report

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

SIZES = {"desktop": (1280, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Opened:
    """A page with all that went wrong in it, and all that it asked for."""

    def __init__(self, browser: playwright.Browser, path: Path, **context: object) -> None:
        self.wrong: list[str] = []
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))
        self.page.on("request", self._request)
        self.page.goto(path.as_uri())

    def _request(self, request: playwright.Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.wrong.append(request.url)


def saved(made: Report | Difference, folder: Path) -> Path:
    path = folder / "page.html"
    path.write_text(written(made), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: playwright.Browser, tmp_path: Path) -> Iterator[Opened]:
    made = Opened(browser, saved(report("weights"), tmp_path))
    yield made
    assert made.wrong == []
    made.context.close()


def shown(page: playwright.Page, table: str = "findings-table") -> list[str]:
    """The rules of the rows that are to be seen, in order."""
    rows = page.locator(f"#{table} tbody tr:visible")
    return [row.locator("td").nth(1).inner_text().split()[0] for row in rows.all()]


@pytest.mark.parametrize("text", EVIL[:-1], ids=range(len(EVIL) - 1))
def test_no_text_runs_or_asks_for_anything(
    browser: playwright.Browser, tmp_path: Path, text: str
) -> None:
    for made in (report(text), difference(text)):
        opened = Opened(browser, saved(made, tmp_path))
        opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert opened.wrong == []
        opened.context.close()


def test_findings_are_filtered(opened: Opened) -> None:
    page = opened.page
    assert shown(page) == ["SEC001", "NUM001"]
    page.get_by_label("Severity").first.select_option(label="error")
    assert shown(page) == ["SEC001"]
    page.get_by_role("button", name="Reset").click()
    page.wait_for_selector("#findings-table tbody tr:nth-child(2):visible")
    page.locator("[data-by=persona]").select_option(label="pedantic readers")
    assert shown(page) == ["SEC001", "NUM001", "FMT010"]
    page.get_by_label("accepted too").check()
    assert shown(page) == ["SEC001", "NUM001", "FMT010", "FMT004"]
    page.locator("[data-by=rule]").select_option("NUM001")
    assert shown(page) == ["NUM001"]
    page.get_by_label("Search").first.fill("nothing is called so")
    assert page.get_by_text("No finding is like that.").is_visible()
    assert page.locator("form output").first.inner_text() == "0 of 4 shown"


def test_findings_are_sorted_both_ways(opened: Opened) -> None:
    page = opened.page
    header = page.locator("#findings-table th").nth(1)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert shown(page) == ["NUM001", "SEC001"]
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    assert shown(page) == ["SEC001", "NUM001"]
    page.locator("#findings-table th").nth(0).get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "none"
    assert shown(page) == ["SEC001", "NUM001"]


def test_files_fold_and_a_code_leads_to_its_rule(opened: Opened) -> None:
    page = opened.page
    assert not page.locator("#file-0 .network").is_visible()
    page.get_by_role("button", name="Unfold all").click()
    assert page.locator("details.file[open]").count() == 2
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert page.locator("details.file[open]").count() == 0
    page.locator("#findings-table a[href='#rule-0']").click()
    assert page.locator("#rule-0 .page").is_visible()
    page.locator("#findings-table a[href='#file-0']").first.click()
    assert page.locator("#file-0").get_attribute("open") is not None


def test_the_keyboard_is_enough(opened: Opened) -> None:
    page = opened.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("num001")
    assert shown(page) == ["NUM001"]
    page.keyboard.press("Escape")
    assert shown(page) == ["SEC001", "NUM001"]
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "sort":
            break
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert shown(page) == ["NUM001", "SEC001"]
    page.locator("#file-0 summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#file-0").get_attribute("open") is not None


def test_tensors_of_two_checkpoints_are_sorted_by_number(
    browser: playwright.Browser, tmp_path: Path
) -> None:
    opened = Opened(browser, saved(difference("w"), tmp_path))
    page = opened.page
    assert page.locator("#changes-table tbody tr:visible").count() == 3
    page.get_by_label("kept ones too").check()
    assert page.locator("#changes-table tbody tr:visible").count() == 4
    page.locator("#changes-table th").nth(3).get_by_role("button").click()
    first = page.locator("#changes-table tbody tr td:nth-child(4)")
    drifts = [cell.get_attribute("data-value") for cell in first.all()]
    assert drifts == ["-1", "0.0", "0.5", "2.0"]
    assert opened.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("made", [report("weights"), difference("weights")])
def test_it_fits_and_has_no_barriers(
    browser: playwright.Browser,
    tmp_path: Path,
    made: Report | Difference,
    size: str,
    scheme: str,
) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    script = resources.files(axe).joinpath("axe.min.js").read_text(encoding="utf-8")
    width, height = SIZES[size]
    opened = Opened(
        browser,
        saved(made, tmp_path),
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        bypass_csp=True,
    )
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(f"{script}\n;null")
    found = page.evaluate("axe.run()")["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    opened.context.close()
