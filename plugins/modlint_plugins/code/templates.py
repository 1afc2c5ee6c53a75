"""Jinja templates: chat templates, which the loader of a tokenizer compiles and runs.

An ordinary template reads the fields of messages and calls methods of text and lists. One that
reaches an object's class, and from there any module, leaves the sandbox where a loader has none
(CVE-2024-34359, CVE-2026-5760). Tokens: jinja2/lexer.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from modlint.checkpoint import Remark
from modlint_plugins.code.template_syntax import (
    IntricateTemplateError,
    UnparsedTemplateError,
    computed_names,
)
from modlint_plugins.code.words import words

MAX_TEMPLATE = 1 << 18
"""Characters; the longest in use have some tens of thousands."""
MAX_NUMBER = 1_000_000
"""Of a number in an expression; by one text multiplies, fills up or repeats."""
ACTING = "acting-template"
UNEXAMINED = "unexamined-code"

_OPENS = re.compile(r"\{#|\{%[-+]?|\{\{[-+]?")
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<text>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")
    |(?P<name>\w+)
    |(?P<end>[-+]?(?:\}\}|%\}))
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_DUNDER = re.compile(r"__[a-zA-Z]\w*__")
_PIECE = re.compile(r"_+[a-zA-Z]*_*|[a-zA-Z]+_+")
_REACHED = words(
    "popen mro subclasses getattribute func_globals f_globals f_builtins gi_frame gi_code"
    " cr_frame cr_code ag_frame tb_frame f_back builtins subprocess importlib"
)
_PIECES = words("class globals init mro base bases subclasses builtins import dict")
_OBJECTS = frozenset(("lipsum", "url_for", "get_flashed_messages"))
_LOADS = frozenset(("include", "import", "extends"))
_HELP = "do not load this tokenizer; compare its template with the original model's"
_LISTED = 3
_SHOWN = 60
_WIDTH = re.compile(r"%[-+ #0]{0,9}[1-9]\d{6}|\{[^{}:]{0,40}:[^{}\d]{0,9}[1-9]\d{6}")
"""A width of millions in a format."""


class _Token(Struct, frozen=True):
    kind: str
    text: str


def looks_like_template(text: str) -> bool:
    """Whether the text holds a Jinja expression or statement."""
    return "{{" in text or "{%" in text


def examine_template(text: str, where: str) -> Iterator[Remark]:
    """A remark on a template that reaches beyond what a template is given.

    Args:
        text: the template.
        where: how messages call it ("chat_template").
    """
    if len(text) > MAX_TEMPLATE:
        message = f"{where} is a template of {len(text):,} characters, which was not examined"
        yield Remark(UNEXAMINED, message, help=_HELP)
        return
    reached, problem = list(_reached(text)), None
    try:
        reached += _computed(text)
    except IntricateTemplateError as error:
        problem = str(error)
    reached = list(dict.fromkeys(reached))
    if reached:
        more = f", and {len(reached) - _LISTED:,} more" if len(reached) > _LISTED else ""
        what = ", ".join(reached[:_LISTED])
        message = f"{where} is a template that reaches beyond its data: {what}{more}"
        yield Remark(ACTING, message, help=_HELP)
    elif (size := _absurd(text)) is not None:
        message = f"{where} is a template that may write more than any memory holds: {size}"
        yield Remark(UNEXAMINED, message, help=_HELP)
    elif problem is not None:
        message = f"{where} is a template that was not wholly examined: {problem}"
        yield Remark(UNEXAMINED, message, help=_HELP)


def _absurd(text: str) -> str | None:
    """A number, or a width in a format, by which a text is multiplied; None where there is none."""
    for tokens in _blocks(text):
        for at, token in enumerate(tokens):
            if token.kind == "name" and _is_large(token.text):
                return token.text[:_SHOWN]
            if token.kind == "text" and _WIDTH.search(token.text):
                return token.text[:_SHOWN]
            if [held.text for held in tokens[at : at + 2]] == ["*", "*"] and not _unpacks(
                tokens, at
            ):
                return "a power"
    return None


def _unpacks(tokens: list[_Token], at: int) -> bool:
    """Whether two asterisks give a call its arguments."""
    return tokens[at - 1].text in ("(", ",") if at else True


def _is_large(name: str) -> bool:
    """Whether a token is a number of more than `MAX_NUMBER`, in any of Jinja's spellings."""
    digits = name.replace("_", "").lower()
    if digits.isdecimal():
        return len(digits) > 18 or int(digits) > MAX_NUMBER
    return digits[:2] in ("0x", "0o", "0b") and len(digits) > 7


def _computed(text: str) -> Iterator[str]:
    """Names that the template works out; of what does not parse its tokens alone are judged."""
    if "{" in text:
        try:
            yield from computed_names(text)
        except UnparsedTemplateError:
            return


def _reached(text: str) -> Iterator[str]:
    for tokens in _blocks(text):
        yield from _of_statement(tokens)
        for at, token in enumerate(tokens):
            if token.kind == "text":
                yield from _of_text(token.text, tokens[at - 1 : at], tokens[at + 1 : at + 2])
            elif token.kind == "name":
                yield from _of_name(token.text, tokens[max(at - 2, 0) : at])


def _of_statement(tokens: list[_Token]) -> Iterator[str]:
    names = [token.text for token in tokens if token.kind == "name"]
    if tokens and tokens[0].text == "%" and names and names[0] in _LOADS | {"from"}:
        yield f"another template ({names[0]})"


def _of_text(text: str, before: list[_Token], after: list[_Token]) -> Iterator[str]:
    value = _unescaped(text[1:-1])
    yield from _DUNDER.findall(value)
    marks = {token.text for token in (*before, *after)}
    if "__" in value and _PIECE.fullmatch(value) and not _DUNDER.fullmatch(value):
        yield repr(value)  # a piece of such a name
    elif marks & {"~", "+"} and value.strip("_").lower() in _PIECES and "_" in value:
        yield repr(value)
    elif value in _REACHED and "[" in marks:
        yield value


def _of_name(name: str, before: list[_Token]) -> Iterator[str]:
    marks = [token.text for token in before]
    reached = marks[-1:] == ["."] and name in _REACHED
    if reached or _DUNDER.fullmatch(name) or name in _OBJECTS:
        yield name
    elif marks[-1:] == ["|"] and name == "attr":
        yield "the filter attr"


def _unescaped(text: str) -> str:
    """A literal's value, as Jinja reads its escapes."""
    if "\\" not in text:
        return text
    try:
        return text.encode("ascii", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        return text


def _blocks(text: str) -> Iterator[list[_Token]]:
    """The tokens of each expression and statement; the first tells which it is, "{" or "%"."""
    at = 0
    while (opening := _OPENS.search(text, at)) is not None:
        if opening.group() == "{#":
            end = text.find("#}", opening.end())
            at = len(text) if end < 0 else end + 2
        elif (raw := _RAW.match(text, opening.start())) is not None:
            closing = _ENDRAW.search(text, raw.end())
            at = len(text) if closing is None else closing.end()
        else:
            tokens = [_Token("mark", opening.group()[1])]
            at = _tokens(text, opening.end(), "}}" if tokens[0].text == "{" else "%}", tokens)
            yield tokens


def _tokens(text: str, at: int, closing: str, tokens: list[_Token]) -> int:
    """Gather the tokens up to the end of a block; where the next one may begin.

    A text that never ends is looked for once: the rest of a template that has one is none.
    """
    depth = 0
    while (match := _TOKEN.match(text, at)) is not None:
        kind, found = match.lastgroup or "", match.group()
        if kind == "end" and found.endswith(closing) and not (closing == "}}" and depth > 0):
            return match.end()
        if kind == "mark" and found in ("'", '"'):
            tokens.append(_Token("text", text[at:]))
            return len(text)
        if kind == "end":
            kind, found = "mark", found[0]
        depth += (found == "{") - (found == "}") if kind == "mark" else 0
        if kind != "blank":
            tokens.append(_Token(kind, found))
        at += len(found)
    return len(text)
