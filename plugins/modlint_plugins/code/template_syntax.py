"""Names that a template works out: the syntax tree of Jinja, followed for texts put together.

`x['_' * 2 ~ 'class' ~ '_' * 2]` reads an attribute that no text of the template spells. An
ordinary template subscripts by texts, numbers and fields as they are; one whose subscripts, or
attributes that filters look up, are built from texts is told. The template is parsed, never
compiled. Nodes: jinja2/nodes.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modlint_plugins.code.words import words

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import Node

_ROUNDS = 8
_MAX_STEPS = 1_000_000
"""Nodes that are looked at, each as often as it is."""
_LOOK_UP = words("map selectattr rejectattr groupby sort unique sum min max join attr")
"""Filters that read attributes of what they are given, by a text."""
_BUILDING = words(
    "join format replace string reverse batch slice tojson pprint urlencode center indent title"
    " capitalize dictsort xmlattr forceescape escape e safe striptags wordwrap truncate map"
)
_METHODS = words(
    "join format format_map replace __add__ __mul__ __mod__ translate zfill ljust rjust center"
    " removeprefix removesuffix encode decode swapcase title capitalize expandtabs"
)


class UnparsedTemplateError(ValueError):
    """Text that Jinja does not parse."""


class IntricateTemplateError(ValueError):
    """A template that is nested too deeply, or takes too long to follow."""


def computed_names(text: str) -> Iterator[str]:
    """How a template works out names that it looks up; nothing where it does not.

    Raises:
        UnparsedTemplateError: it does not parse, as far as the tags of chat templates go.
        IntricateTemplateError: it goes past a bound.
    """
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.parser import Parser

    try:
        nodes = _all(Parser(_environment(), text).parse())
    except TemplateSyntaxError as error:
        raise UnparsedTemplateError(str(error)[:100]) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise IntricateTemplateError("nested too deeply") from error
    yield from _Followed(nodes).told()


def _environment() -> Environment:
    """What transformers compiles chat templates with, as far as syntax goes."""
    from jinja2 import Environment, nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        """The tag that marks what the assistant says."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    extensions: list[str | type[Extension]] = [
        "jinja2.ext.loopcontrols",
        "jinja2.ext.do",
        Generation,
    ]
    return Environment(trim_blocks=True, lstrip_blocks=True, extensions=extensions)  # noqa: S701


def _all(root: Node) -> list[Node]:
    """Every node, whatever the depth."""
    found, pending = [], [root]
    while pending:
        node = pending.pop()
        found.append(node)
        pending += node.iter_child_nodes()
    return found


class _Followed:
    """The nodes of a template, and the names that may stand for texts put together."""

    def __init__(self, nodes: list[Node]) -> None:
        from jinja2 import nodes as kinds

        self._kinds = kinds
        self._nodes = nodes
        self._steps = 0
        self._macros: dict[str, list[Any]] = {}
        for node in nodes:
            if isinstance(node, kinds.Macro):
                self._macros.setdefault(node.name, []).append(node)
        self._texts: set[str] = set()
        """Names that stand for a text of the template."""
        self._built: set[str] = set()
        """Names that stand for a text that was put together."""
        for _ in range(_ROUNDS):
            before = len(self._texts), len(self._built)
            for node in nodes:
                self._bind(node)
            if (len(self._texts), len(self._built)) == before:
                break

    def told(self) -> Iterator[str]:
        """Each look-up by a name that is worked out."""
        kinds = self._kinds
        for node in self._nodes:
            match node:
                case kinds.Getitem(arg=index) if not isinstance(index, kinds.Slice):
                    if self._is_built(index):
                        yield "a subscript put together from texts"
                case kinds.Filter(name=name, args=args, kwargs=kwargs) if name in _LOOK_UP:
                    yield from self._of_filter(name, args, kwargs)
                case kinds.Call(node=kinds.Getattr(node=held, attr="format" | "format_map")):
                    if self._is_built(held):
                        yield "a format put together from texts"

    def _of_filter(self, name: str, args: list[Any], kwargs: list[Any]) -> Iterator[str]:
        first = args[0] if args else None
        if isinstance(first, self._kinds.Const) and first.value == "attr":
            yield "the filter attr"
        looked_up = [pair.value for pair in kwargs if pair.key == "attribute"]
        looked_up += args if name != "join" else args[1:]
        if any(self._is_built(value) for value in looked_up):
            yield f"an attribute put together from texts (the filter {name})"

    def _bind(self, node: Node) -> None:
        kinds = self._kinds
        match node:
            case kinds.Assign(target=target, node=value):
                self._take(target, value)
            case kinds.AssignBlock(target=target):
                self._built.update(_named(kinds, target))
            case kinds.For(target=target, iter=value):
                self._take(target, value)
            case kinds.With(targets=targets, values=values):
                for target, value in zip(targets, values, strict=False):
                    self._take(target, value)
            case kinds.Keyword(key=key, value=value):
                self._note(key, value)
            case (
                kinds.Macro(args=args, defaults=defaults)
                | kinds.CallBlock(args=args, defaults=defaults)
            ):
                for target, value in zip(args[::-1], defaults[::-1], strict=False):
                    self._take(target, value)
            case kinds.Call(node=kinds.Name(name=name), args=values):
                self._pass_on(name, values)

    def _pass_on(self, name: str, values: list[Any]) -> None:
        """Give a macro's parameters what a call of it is given."""
        for macro in self._macros.get(name, ()):
            for target, value in zip(macro.args, values, strict=False):
                self._take(target, value)

    def _take(self, target: Any, value: Any) -> None:
        for name in _named(self._kinds, target):
            self._note(name, value)

    def _note(self, name: str, value: Any) -> None:
        if self._is_built(value):
            self._built.add(name)
        elif self._is_text(value):
            self._texts.add(name)

    def _is_built(self, value: Any) -> bool:
        """Whether an expression may be a text that is put together."""
        return any(self._builds(node) for node in self._within(value))

    def _is_text(self, value: Any) -> bool:
        """Whether an expression may be a text of the template, or holds one."""
        return any(self._is_literal(node) for node in self._within(value))

    def _is_literal(self, node: Any) -> bool:
        kinds = self._kinds
        match node:
            case kinds.Const(value=str()) | kinds.TemplateData():
                return True
            case kinds.Name(name=name) | kinds.Getattr(attr=name):
                return name in self._texts or name in self._built
        return False

    def _builds(self, node: Any) -> bool:
        kinds = self._kinds
        match node:
            case kinds.Concat():
                return True
            case kinds.Add() | kinds.Mul() | kinds.Mod():
                return self._is_text(node.left) or self._is_text(node.right)
            case kinds.Filter(name=name):
                return name in _BUILDING or (node.node is not None and self._is_text(node.node))
            case kinds.Call(node=kinds.Getattr(node=held, attr=name)):
                return name in _METHODS or self._is_text(held)
            case kinds.Getitem(node=held, arg=kinds.Slice()):
                return self._is_text(held)
            case kinds.Name(name=name) | kinds.Getattr(attr=name):
                return name in self._built
        return False

    def _within(self, value: Any) -> Iterator[Any]:
        """The nodes of which an expression's value is made; not what it is looked up by."""
        kinds = self._kinds
        pending = [value]
        while pending:
            node = pending.pop()
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise IntricateTemplateError("too long to follow")
            yield node
            match node:
                case kinds.Getitem(node=held):
                    pending += [] if isinstance(held, kinds.Name) else [held]
                case kinds.Getattr() | kinds.Compare() | kinds.Test() | kinds.Not():
                    continue
                case kinds.Call(node=held):
                    pending += [held.node] if isinstance(held, kinds.Getattr) else []
                case kinds.Filter(name="length" | "count" | "int" | "float" | "abs" | "round"):
                    continue
                case kinds.CondExpr(expr1=first, expr2=second):
                    pending += [first] if second is None else [first, second]
                case _:
                    pending += node.iter_child_nodes()


def _named(kinds: Any, target: Any) -> list[str]:
    """The names that a target binds."""
    match target:
        case kinds.Name(name=name) | kinds.NSRef(attr=name):
            return [name]
        case kinds.Tuple(items=items):
            return [name for item in items for name in _named(kinds, item)]
    return []
