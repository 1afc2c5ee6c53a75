"""How a page is made: templates that escape every text, and a policy that lets nothing in.

Names and messages come from files that nobody vouches for. Each text goes through
`modlint.text.printable` and is escaped, whatever a template does; the page runs the one script that
it brings, by its hash, and loads nothing.
Source: W3C, Content Security Policy Level 3.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from modlint.errors import UsageError
from modlint.text import count, file_size, number, printable

if TYPE_CHECKING:
    from markdown_it.token import Token

INSTALL = "pip install 'modlint[html]'"
LIMIT = 1_000
"""Characters of a text."""
_HEADINGS = {"h1": "h4", "h2": "h4", "h3": "h5"}
"""Of a rule's page, which stands within the report."""


def rendered(template: str, **values: Any) -> str:
    """A page in ASCII, so that it can be written in any encoding.

    Args:
        template: the template's file name.
        values: what it shows.

    Raises:
        UsageError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise UsageError(f"html: needs jinja2: {INSTALL}") from error
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": _number, "file_size": file_size, "amount": count}
    style, script = _text("style.css"), _text("script.js")
    page = environment.get_template(template).render(
        style=trusted(style), script=trusted(script), policy=_policy(style, script), **values
    )
    return page.encode("ascii", "xmlcharrefreplace").decode()


def from_markdown(text: str) -> Any:
    """A rule's page as HTML; markup within it is text, and it shows no picture.

    Raises:
        UsageError: markdown-it-py is not installed.
    """
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise UsageError(f"html: needs markdown-it-py: {INSTALL}") from error
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(text)
    if tokens and tokens[0].tag == "h1":  # says what the report says above it
        del tokens[:3]
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
        token.children = _outward(token.children) if token.children else token.children
    return trusted(parser.renderer.render(tokens, parser.options, {}))


def trusted(text: str) -> Any:
    """A text that templates put in as it is: nothing of it may come from a file's names."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704


def _outward(tokens: list[Token]) -> list[Token]:
    """Tokens without links to what the report does not hold."""
    kept, dropped = [], 0
    for token in tokens:
        if token.type == "link_open":
            inside = not str(token.attrGet("href")).startswith(("https://", "http://"))
            dropped += inside or dropped > 0
            token.attrSet("rel", "noreferrer")
        if token.type not in ("link_open", "link_close") or not dropped:
            kept.append(token)
        elif token.type == "link_close":
            dropped -= 1
    return kept


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {_hash(script)}"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shown(value: Any) -> Any:
    """What a template's expression becomes: markup as it is, anything else safe to show."""
    return value if hasattr(value, "__html__") else printable(str(value), LIMIT)


def _number(value: float | None) -> str:
    return "–" if value is None else number(value)
