"""Renew the pictures of a terminal in docs/terminal, or write the same as PNG to look at.

Usage: python scripts/screenshots.py [--png FOLDER] [NAME ...]

Each command runs on a pseudo-terminal of 80 and of 120 columns, as at a shell, in a project that
`examples/make_models.py` fills. What it prints is drawn with the colours of a dark and of a light
terminal. `--png` needs Chromium, by playwright. Needs the checkpoints that `make demo` trains.
"""

from __future__ import annotations

import argparse
import fcntl
import html
import io
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.color import blend_rgb, parse_rgb_hex
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "terminal"
COMMANDS = {
    "check": "modlint check models/diverged.safetensors models/pruned.safetensors",
    "check-network": "modlint check --deep trained/mlp.onnx",
    "check-folder": "modlint check runs --output-format concise",
    "clusters": "modlint clusters --clusters 4 trained/cnn.onnx",
    "diff": "modlint diff trained/mlp.safetensors trained/exported.safetensors",
    "inspect": "modlint inspect trained/cnn.onnx",
    "rule": "modlint rule NUM001",
}
"""By name of the picture."""
WIDTHS = (80, 120)
"""In columns."""


def _colours(listed: str) -> list[tuple[int, int, int]]:
    return [parse_rgb_hex(colour) for colour in listed.split()]


THEMES = {
    "dark": TerminalTheme(
        (30, 30, 30),
        (204, 204, 204),
        _colours("000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5"),
    ),
    "light": TerminalTheme(
        (255, 255, 255),
        (51, 51, 51),
        _colours("000000 cd3131 008700 949800 0451a5 bc05bc 0598bc 555555"),
    ),
}
"""Colours of VS Code's terminal, Dark+ and Light+."""
SIZE, CELL, LINE, EDGE = 14, 8.43, 16.3, 10
"""Of a letter, of its cell (that of DejaVu Sans Mono), of a line, of the frame, in pixels."""


def project(folder: Path) -> None:
    """Fill the folder that the commands run in."""
    sys.path.insert(0, str(ROOT / "examples"))
    import make_models

    make_models.main(folder / "models")
    shutil.copytree(ROOT / "examples" / "checkpoints" / "healthy", folder / "trained")
    _export_badly(folder / "trained")
    (folder / "runs").mkdir()
    broken = {3: make_models.diverged, 7: make_models.pruned, 11: make_models.diverged}
    for step in range(1, 20):
        name = folder / "runs" / f"step-{step:02}000.safetensors"
        make_models.save(broken.get(step, make_models.build)(), name)
    shutil.copy(folder / "models" / "downloaded.pkl", folder / "runs" / "optimizer.pkl")


def _export_badly(trained: Path) -> None:
    """Beside the trained network a cast of it that overflowed and lost a bias."""
    from safetensors.numpy import load_file, save_file

    weights = load_file(trained / "mlp.safetensors")
    weights = {name: values.astype("float16") for name, values in weights.items()}
    weights["fc2.weight"][0, :8] = float("inf")
    del weights["fc4.bias"]
    save_file(weights, trained / "exported.safetensors", {"format": "pt"})


def printed(command: str, columns: int, folder: Path) -> str:
    """What the command prints on a terminal, with the codes of its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    arguments = [sys.executable, "-P", "-m", *shlex.split(command)]
    with subprocess.Popen(
        arguments,
        cwd=folder,
        env=kept | {"TERM": "xterm-256color", "MODLINT_CACHE_DIR": str(folder / "cache")},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        text = _read(ours)
    if process.returncode not in (0, 1):
        sys.exit(f"{command}: exit code {process.returncode}")
    return f"$ {command}\n" + text.replace("\r\n", "\n")


def _read(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # what Linux says where no one holds the other end
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)


def drawn(text: str, columns: int, theme: TerminalTheme) -> str:
    """The text as SVG, its lines broken at the terminal's edge."""
    console = Console(width=columns, file=io.StringIO(), force_terminal=True)
    rows = [
        row
        for line in Text.from_ansi(text.rstrip("\n")).split("\n")
        for row in line.divide(range(columns, len(line), columns)) or [line]
    ]
    width, height = columns * CELL + 2 * EDGE, len(rows) * LINE + 2 * EDGE
    ink, paper = theme.foreground_color.hex, theme.background_color.hex
    drawn = "\n".join(_row(row, number, console, theme) for number, row in enumerate(rows))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">
<rect width="100%" height="100%" rx="6" fill="{paper}"/>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE}" fill="{ink}">
{drawn}
</g>
</svg>
"""


def _row(row: Text, number: int, console: Console, theme: TerminalTheme) -> str:
    parts, column = [], 0
    for segment in row.render(console):
        look = _look(segment.style or Style(), theme)
        for shown in re.finditer(r"\S+(?: \S+)*", segment.text):
            x, y = EDGE + (column + shown.start()) * CELL, EDGE + (number + 0.8) * LINE
            place = f'x="{x:.1f}" y="{y:.1f}" textLength="{len(shown[0]) * CELL:.1f}"'
            parts.append(f"<text {place}{look}>{html.escape(shown[0])}</text>")
        column += len(segment.text)
    return "".join(parts)


def _look(style: Style, theme: TerminalTheme) -> str:
    colour = style.color.get_truecolor(theme) if style.color else theme.foreground_color
    if style.dim:
        colour = blend_rgb(colour, theme.background_color, 0.4)
    fill = "" if colour == theme.foreground_color else f' fill="{colour.hex}"'
    bold = ' font-weight="bold"' if style.bold else ""
    return fill + bold + (' text-decoration="underline"' if style.underline else "")


def pictures(names: list[str]) -> dict[str, str]:
    """SVG by name of the file."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        project(Path(folder))
        for name in names:
            printed(COMMANDS[name], WIDTHS[0], Path(folder))  # what is drawn is a second run
            for columns in WIDTHS:
                text = printed(COMMANDS[name], columns, Path(folder))
                for theme, colours in THEMES.items():
                    found[f"{name}-{columns}-{theme}"] = drawn(text, columns, colours)
    return found


def photograph(svgs: dict[str, str], folder: Path) -> None:
    """Write each picture as PNG, as Chromium shows it."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as browsers:
        chromium = shutil.which("chromium") or None
        browser = browsers.chromium.launch(executable_path=chromium)
        for name, svg in svgs.items():
            width, height = re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0]
            size = {"width": int(width), "height": int(height)}
            page = browser.new_page(viewport=size)
            page.set_content(f"<style>body{{margin:0}}</style>{svg}")
            page.screenshot(path=folder / f"{name}.png")
            page.close()
        browser.close()


def main() -> None:
    """Draw all, or those that are named."""
    parser = argparse.ArgumentParser(description="Renews the pictures in docs/terminal.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(COMMANDS)}")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write PNG there instead")
    arguments = parser.parse_args()
    svgs = pictures(arguments.names or list(COMMANDS))
    if arguments.png:
        photograph(svgs, arguments.png)
        return
    PICTURES.mkdir(exist_ok=True)
    for name, svg in svgs.items():
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
