"""From what a pickle stands for to named tensors and metadata.

Names are paths through dicts, lists and attributes, joined by dots; the parameters and buffers
of a module are named as its state_dict names them.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint, Role, SparseTensor, Tensor
from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.code.evaluated import examine_configuration
from modlint_plugins.code.imports import examine_key
from modlint_plugins.code.targets import CALLED_KEYS, examine_target
from modlint_plugins.pickling.values import (
    Array,
    Composite,
    Dict,
    Made,
    Nested,
    Object,
    Set,
    TensorRecord,
    Value,
)
from modlint_plugins.readers.torch.children import (
    aliases,
    children,
    has_tensors,
    is_module,
    is_optimiser,
    is_training_key,
    scalar,
    scalars,
)
from modlint_plugins.readers.torch.reading import Reading
from modlint_plugins.readers.torch.storages import is_count
from modlint_plugins.readers.torch.views import (
    ElsewhereError,
    Label,
    OutsideError,
    tensor_of,
    tensor_of_array,
)

_MAX_DEPTH = 100
_MAX_TENSORS = 250_000
_MAX_METADATA = 1000
_MAX_METADATA_DEPTH = 4
_MAX_PARTS = 100_000
"""Scalars that belong to tensors are kept beyond other metadata."""
_BARE = "tensor"
"""Name of a tensor that is the whole file."""


class Place(Struct, frozen=True):
    """Where in the file a value stands.

    Attributes:
        name: the path to it.
        container: name of what holds it.
        section: the section that it belongs to, None where that is not settled.
        role: what the tensors in it are for.
        depth: number of containers around it.
        part: whether it is a part of a tensor: a scale, the size of a sparse one.
        key: the last step of the path to it.
        telling: whether scalars here tell of the checkpoint: those within a module are its own.
    """

    name: str = ""
    container: str = ""
    section: str | None = None
    role: Role = Role.WEIGHT
    depth: int = 0
    part: bool = False
    key: str = ""
    telling: bool = True

    def child(self, key: str) -> Place:
        """Where the value under a key stands."""
        name = f"{self.name}.{key}" if self.name else key
        role = self.role
        if self.section is None and is_training_key(key):
            role = Role.TRAINING_STATE
        telling = self.telling
        return Place(name, self.name, self.section, role, self.depth + 1, key=key, telling=telling)

    @property
    def label(self) -> Label:
        """How a tensor here is called."""
        section = self.container if self.section is None else self.section
        return Label(self.name or _BARE, section, self.role)


def _is_pending(record: TensorRecord) -> bool:
    """Whether a tensor is stored before its conjugation or negation."""
    lazy = record.lazy
    return bool(lazy.pairs) if isinstance(lazy, Dict) else isinstance(lazy, Object)


class _Enough(Exception):
    """The file holds more than is worth naming."""


class TensorCollector:
    """Gathers the tensors and the metadata of a file's values, in the file's order.

    Attributes:
        tensors: by name.
        names: by the identity of a tensor's record the first name that it has.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.tensors: dict[str, Tensor] = {}
        self.names: dict[int, str] = {}
        self._visits = reading.budget.limits.opcodes
        self._open: set[int] = set()
        self._barren: dict[int, Value] = {}
        self._repeats: Counter[str] = Counter()
        self._keys: dict[int, Value] = {}
        self._records: dict[int, Made] = {}
        self._aliases: list[tuple[Value, Place]] = []
        self._last = False
        self._parts: dict[int, str] = {}  # names of the parts of sparse tensors, by identity

    def collect(self, value: Value, name: str = "") -> None:
        """Gather what a value holds; what cannot be read becomes a fault."""
        try:
            self._visit(value, Place(name))
            self._visit_aliases()
        except _Enough as enough:
            self.reading.fault("too-large", str(enough))

    def checkpoint(self, source: Source, format: str) -> Checkpoint:
        """The file as read, once the tensors that nothing holds were looked at as well."""
        for number, record in enumerate(self.reading.made):
            if id(record) not in self._records:
                self._check_unheld(record, Place(f"unheld.{number}"))
        return self.reading.checkpoint(source, format, self.tensors)

    def _check_unheld(self, record: Made, place: Place) -> None:
        """Judge a tensor that loading makes and drops, or keeps where no name leads."""
        if isinstance(record, Composite):
            self.collect(record, place.name)
        elif record.storage is not None:
            try:
                tensor_of(record, place.label)
            except ElsewhereError:
                pass  # the reader of a pickle within another does not know the storages
            except UnreadableError as error:
                self._fail(error)

    def _visit_aliases(self) -> None:
        """Visit what only an alias leads to."""
        self._last = True
        while self._aliases:
            alias, place = self._aliases.pop()
            if id(alias) not in self._keys:
                self._keys[id(alias)] = alias
                self._visit(alias, place)
        self._last = False

    def _visit(self, value: Value, place: Place) -> bool:
        """Whether the value holds a tensor."""
        self._visits -= 1
        if self._visits < 0:
            raise _Enough("the file refers to too many values to name its tensors")
        if isinstance(value, TensorRecord):
            return self._visit_tensor(value, place)
        if isinstance(value, Array) and not isinstance(value.data, list):
            return self._last or self._add(value, place)
        if isinstance(value, (Dict, Set, Object, Array, Composite, Nested, list, tuple)):
            return self._enter(value, place)
        self._note(value, place)
        return False

    def _visit_tensor(self, record: TensorRecord, place: Place) -> bool:
        if self._last and id(record) in self._records:
            return True
        self._records[id(record)] = record
        if record.storage is None:
            message = f"tensor {place.label.name!r} was saved without data (device meta)"
            self.reading.remark("meta-tensor", message)
        else:
            self._add(record, place)
        settled = replace(place, section=place.label.section)
        for key, part in record.parts:
            self._visit(part, replace(settled.child(str(key)), part=True))
        return True

    def _enter(self, value: Value, place: Place) -> bool:
        identity = id(value)
        if self._last and identity in self._records:
            return True
        if identity in self._open or identity in self._barren:
            return False
        if place.depth > _MAX_DEPTH:
            raise _Enough(f"values are nested more than {_MAX_DEPTH} deep")
        self._open.add(identity)
        found = self._visit_children(value, self._settle(value, place))
        if isinstance(value, Composite):
            self._records[id(value)] = value
            self._keep_sparse(value, place)
        self._open.discard(identity)
        if not found:
            self._barren[identity] = value  # kept alive, so that its identity stays its own
        return found

    def _visit_children(self, value: Value, place: Place) -> bool:
        if isinstance(value, Nested):
            return self._visit(value.content, place)
        if (listed := scalars(value)) is not None:
            self._note(listed, place)
            return False
        optimiser = is_optimiser(value)
        found = False
        for key, child in children(value):
            inner = replace(place.child(key), part=isinstance(value, Composite))
            if optimiser and key == "state" and inner.section is None:
                inner = replace(inner, section=inner.name)
            found |= self._visit(child, inner)
        if isinstance(value, Dict):
            self._visit_keys([key for key, _ in value.pairs], place)
        self._aliases += ((alias, place.child("alias")) for alias in aliases(value))
        return found

    def _visit_keys(self, keys: list[Value], place: Place) -> None:
        """Visit the tensors of several parts among keys; what keys share is looked at once."""
        pending = [key for key in keys if isinstance(key, (Composite, tuple, Set))]
        while pending:
            key = pending.pop()
            if id(key) in self._keys:
                continue
            self._keys[id(key)] = key
            if isinstance(key, Composite):
                self._visit(key, place.child(f"key {len(self._keys)}"))
            elif isinstance(key, (tuple, Set)):
                pending += key.items if isinstance(key, Set) else key

    def _keep_sparse(self, value: Composite, place: Place) -> None:
        """Keep how a tensor of several parts is called, and they."""
        name = place.label.name
        sizes = next((part for key, part in value.parts if key == "size"), ())
        plain = isinstance(sizes, (tuple, list)) and all(map(is_count, sizes))
        parts: dict[str, str] = {}
        for key, part in value.parts:
            if id(part) in self._parts:
                parts[str(key)] = self._parts[id(part)]
            if isinstance(part, TensorRecord) and _is_pending(part) and key != "values":
                message = f"tensor {name!r} has {key} that are negated when they are read"
                self.reading.remark("bad-state", message)
        size = tuple(sizes) if plain else ()
        self.reading.sparse.append(SparseTensor(name, value.layout, size, parts))

    def _settle(self, value: Value, place: Place) -> Place:
        """The place with the section and the role that a container gives to what it holds."""
        if place.section is not None:
            return place
        if is_optimiser(value):
            return replace(place, role=Role.TRAINING_STATE)
        if isinstance(value, Composite):
            return replace(place, section=place.label.section)
        if is_module(value) or has_tensors(value):
            return replace(place, section=place.name, telling=not is_module(value))
        return place

    def _add(self, value: TensorRecord | Array, place: Place) -> bool:
        if len(self.tensors) >= _MAX_TENSORS:
            raise _Enough(f"the file names more than {_MAX_TENSORS:,} tensors")
        label = self._unique(place.label)
        try:
            if isinstance(value, Array):
                tensor = tensor_of_array(value, label)
            else:
                tensor = tensor_of(value, label)
        except UnreadableError as error:
            self._fail(error)
            return True
        if tensor is None:
            return False
        self.tensors[label.name] = tensor
        self.names.setdefault(id(value), label.name)
        if place.part:
            self._parts[id(value)] = label.name
        if isinstance(value, TensorRecord) and _is_pending(value):
            message = f"tensor {label.name!r} is stored before its conjugation or negation"
            self.reading.remark("lazy-tensor", message)
        return True

    def _fail(self, error: UnreadableError) -> None:
        if self.reading.fragment and isinstance(error, ElsewhereError):
            self.reading.remark("missing-storage", str(error))
        else:
            outside = isinstance(error, OutsideError)
            self.reading.fail("outside-storage" if outside else "bad-storage", error)

    def _unique(self, label: Label) -> Label:
        if label.name not in self.tensors:
            return label
        self.reading.remark("duplicate-key", f"several tensors are called {label.name!r}")
        self._repeats[label.name] += 1
        number = self._repeats[label.name] + 1
        return self._unique(label._replace(name=f"{label.name}#{number}"))

    def _note(self, value: Value, place: Place) -> None:
        """Keep a scalar that stands beside the tensors."""
        if isinstance(value, str) and place.key in CALLED_KEYS:
            for remark in examine_target(place.key, value, ""):
                self.reading.remarks.add(remark)
        if isinstance(value, str):
            for remark in examine_key(place.key, value, place.container.rpartition(".")[2]):
                self.reading.remarks.add(remark)
            for remark in examine_configuration(place.key, value):
                self.reading.remarks.add(remark)
        metadata = self.reading.metadata
        shallow = place.telling and 0 < place.depth <= _MAX_METADATA_DEPTH
        room = len(metadata) < (_MAX_PARTS if place.part else _MAX_METADATA)
        if room and (shallow or place.part) and (isinstance(value, list) or scalar(value)):
            metadata.setdefault(place.name, value)
