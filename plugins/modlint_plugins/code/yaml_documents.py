"""YAML as documents: read by PyYAML's events, which resolve tags, escapes and anchors.

No constructor runs: of a tag only its name is kept. A collection that an alias stands for is read
where it is anchored, once. What is not parsed within the bounds is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from modlint_plugins.code.documents import Table

MAX_YAML = 2 << 20
"""Characters of YAML that are parsed."""

MAX_EVENTS = 50_000
"""Scalars, and starts and ends of collections."""

MAX_DEPTH = 100
"""Collections around a scalar."""

_MOST_ITEMS = 1 << 62

_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "on"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "off"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}


class Tagged(Struct, frozen=True):
    """A tag, and the scalar that follows it.

    Attributes:
        tag: as it is resolved: "tag:yaml.org,2002:python/name:os.system", "!apply:os.system".
        text: the scalar's text, "" of a collection.
    """

    tag: str
    text: str


class Alias(Struct, frozen=True):
    """A collection that is anchored elsewhere."""

    anchor: str


class Yaml(Struct):
    """What a text holds.

    Attributes:
        documents: tables, lists, texts and constants; numbers are left as texts.
        tags: every tag that is not left to the loader.
        expanded: how many items there are, once each alias is what it stands for.
    """

    documents: list[object] = field(default_factory=list)
    tags: list[Tagged] = field(default_factory=list)
    expanded: int = 0


class UnparsedYamlError(ValueError):
    """Text that is no YAML.

    Attributes:
        found: what was read until then.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.found = Yaml()


class BoundedYamlError(UnparsedYamlError):
    """Text that goes past a bound; what it is is not known."""


def parse_yaml(text: str) -> Yaml:
    """The documents of a text.

    Raises:
        UnparsedYamlError: it is no YAML 1.1.
        BoundedYamlError: it goes past a bound.
    """
    if len(text) > MAX_YAML:
        raise BoundedYamlError(f"longer than {MAX_YAML:,} characters")
    builder = _Builder()
    try:
        for event in _events(text):
            builder.take(event)
    except UnparsedYamlError as error:
        error.found = builder.found
        raise
    return builder.found


def _events(text: str) -> Iterator[Any]:
    import yaml

    depth = 0
    try:
        for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
            if number > MAX_EVENTS:
                raise BoundedYamlError(f"more than {MAX_EVENTS:,} items")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise BoundedYamlError(f"nested more than {MAX_DEPTH} deep")
            yield event
    except BoundedYamlError:
        raise
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise UnparsedYamlError(f"{error.problem}{line}") from error
    except (yaml.YAMLError, ValueError, IndexError, OverflowError) as error:
        raise UnparsedYamlError(str(error)[:100]) from error


class _Open(Struct):
    """A collection whose end has not come: its items, keys and values in turn for a table."""

    anchor: str | None
    table: bool
    items: list[object] = field(default_factory=list)
    weight: int = 1


class _Builder:
    """Puts events together."""

    def __init__(self) -> None:
        self.found = Yaml()
        self._open: list[_Open] = []
        self._anchored: dict[str, object] = {}
        self._weights: dict[str, int] = {}

    def take(self, event: Any) -> None:
        """Take the next event."""
        import yaml

        if isinstance(event, yaml.DocumentStartEvent):
            self._anchored.clear()
            self._weights.clear()
        elif isinstance(event, yaml.AliasEvent):
            self._weigh(self._weights.get(event.anchor, 1))
            self._add(self._anchored.get(event.anchor, Alias(event.anchor)), None)
        elif isinstance(event, yaml.ScalarEvent):
            self._tag(event.tag, event.value)
            self._weigh(1)
            plain = event.style is None and event.tag is None
            constant = plain and event.value in _CONSTANTS
            self._add(_CONSTANTS[event.value] if constant else event.value, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._tag(event.tag, "")
            self._open.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._open.pop()
            self._anchored.pop(ended.anchor or "", None)
            self._weights[ended.anchor or ""] = ended.weight
            self._weigh(ended.weight)
            self._add(_table(ended.items) if ended.table else ended.items, None)

    def _weigh(self, items: int) -> None:
        """Count items of what is open, or of the documents."""
        if self._open:
            self._open[-1].weight = min(self._open[-1].weight + items, _MOST_ITEMS)
        else:
            self.found.expanded += items

    def _tag(self, tag: str | None, text: str) -> None:
        if tag is not None and tag != "!":
            self.found.tags.append(Tagged(tag, text))

    def _add(self, value: object, anchor: str | None) -> None:
        if anchor is not None:
            self._anchored[anchor] = value
        holder = self._open[-1].items if self._open else self.found.documents
        holder.append(value)


def _table(items: list[object]) -> Table:
    """Keys and values; a key that is a collection is kept as a value without a name."""
    pairs: list[tuple[str, object]] = []
    for key, value in zip(items[::2], items[1::2], strict=False):
        if not isinstance(key, (str, bool, type(None))):
            pairs.append(("", key))
        pairs.append((key if isinstance(key, str) else "", value))
    return Table(tuple(pairs))
