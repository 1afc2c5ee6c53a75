"""`modlint rule RULE`."""

from __future__ import annotations

import argparse
import io
import sys

from modlint.cli.messages import show
from modlint.engine.registry import load_registry
from modlint.errors import UsageError
from modlint.rule_reference import RuleReference
from modlint.settings.config import nearest
from modlint.text import wants_colour, width


def run(arguments: argparse.Namespace) -> int:
    """Print a rule's page, as wide as the terminal."""
    show(_rendered(_find(arguments.selector, load_registry().rules).load().page()))
    return 0


def _rendered(page: str) -> str:
    """Markdown as text of the width of stdout, in colour where it takes colour."""
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import CodeBlock, Heading, Markdown
    from rich.syntax import ANSISyntaxTheme, Syntax
    from rich.theme import Theme

    class PlainHeading(Heading):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            self.text.justify = "left"
            yield self.text

    class PlainCode(CodeBlock):
        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            code = str(self.text).rstrip()
            yield Syntax(
                code, self.lexer_name, theme=ANSISyntaxTheme({}), word_wrap=True, padding=(0, 2)
            )

    class Page(Markdown):
        elements = Markdown.elements | {
            "heading_open": PlainHeading,
            "fence": PlainCode,
            "code_block": PlainCode,
        }

    colour = wants_colour(sys.stdout)
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width(sys.stdout),
        force_terminal=colour,
        no_color=not colour,
        legacy_windows=False,
        color_system="standard" if colour else None,
        theme=Theme({"markdown.code": "bold", "markdown.h1": "bold", "markdown.h2": "bold"}),
    )
    console.print(Page(page, hyperlinks=False))
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def _find(selector: str, rules: dict[str, RuleReference]) -> RuleReference:
    for rule in rules.values():
        if selector.upper() == rule.code or selector == rule.name:
            return rule
    hint = nearest(selector, [*rules, *(rule.name for rule in rules.values())])
    raise UsageError(f"unknown rule `{selector}`{hint}")
