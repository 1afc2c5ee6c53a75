"""Random pickles that put a marker wherever listed classes and functions may call it.

Nothing here unpickles; `recorder` does, in a process of its own, where the marker only records.
"""

from __future__ import annotations

import random
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from modlint_plugins.pickling.handing_on import ALWAYS_CALLED
from modlint_rules.safety.allowlist import CALLED, NAMED

MARKERS = (("protocol.marker", "mark"), ("protocol.marker", "space"))
"""A function that records its calls, and an object all of whose methods do."""

_SKIPPED = frozenset({"xrange", "unicode", "long"})
_SOURCES = ("torch.optim.optimizer", "torch.optim.adam", "torch.optim.sgd", "torch.nn.parameter",
            "torch.nn.modules.module", "torch.nn.modules.container", "torch.nn.modules.rnn",
            "torch.nn.modules.batchnorm", "torch._utils", "torch._tensor", "torch.storage",
            "torch.optim.lr_scheduler", "torch.optim.swa_utils", "numpy.ma.core",
            "numpy.random._pickle", "collections")  # fmt: skip
_METHOD = re.compile(r"\.([a-z_]\w*)\(")


@cache
def attribute_names() -> tuple[str, ...]:
    """Names that the sources of listed classes call as methods, and all that modlint knows of."""
    names = set(ALWAYS_CALLED) | {"__setstate__", "__new__", "__call__", "__iter__", "__len__"}
    for module in _SOURCES:
        spec = find_spec(module)
        if spec is not None and spec.origin is not None:
            names |= set(_METHOD.findall(Path(spec.origin).read_text(encoding="utf-8")))
    return tuple(sorted(names))


@cache
def classes() -> tuple[tuple[str, str], ...]:
    """What a pickle may name; those that modlint judges by what they call are taken more often."""
    return tuple(sorted(pair for pair in NAMED if pair[1] not in _SKIPPED))


@cache
def functions() -> tuple[tuple[str, str], ...]:
    """What a pickle may call."""
    return tuple(sorted(pair for pair in CALLED if pair[1] not in _SKIPPED))


_STATES = ("state", "defaults", "param_groups", "_modules", "_parameters", "_buffers", "params")
_LOOKING = (
    ("builtins", "dict"),
    ("collections", "OrderedDict"),
    ("collections", "Counter"),
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch.nn.parameter", "Parameter"),
    ("torch.jit._pickle", "restore_type_tag"),
)
_CARRIERS = (("types", "SimpleNamespace"), ("argparse", "Namespace"))


class Stream:
    """One pickle under construction."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.out = bytearray(b"\x80\x04")

    def write(self) -> bytes:
        """A whole pickle."""
        self._value(0)
        return bytes(self.out) + b"."

    def _value(self, depth: int) -> None:
        leaves = (self._literal, self._marker, self._marker)
        branches = (self._object, self._call, self._call, self._carrier, self._carrier,
                    self._filled, self._container, self._optimiser, self._wrapped)  # fmt: skip
        deep = depth > 3 or self.random.random() < 0.25
        kind = self.random.choice(leaves if deep else branches)
        kind(depth + 1)

    def _literal(self, _: int) -> None:
        self.out += self.random.choice((b"N", b"K\x00", b"K\x03", b"\x88", b"]", b"}", b")",
                                        b"\x8c\x01x", b"C\x01a", b"\x8f"))  # fmt: skip

    def _marker(self, _: int) -> None:
        self._global(*self.random.choice(MARKERS))

    def _global(self, module: str, name: str) -> None:
        for text in (module.encode(), name.encode()):
            self.out += b"\x8c" + bytes([len(text)]) + text
        self.out += b"\x93"

    def _text(self, text: str) -> None:
        raw = text.encode()
        self.out += b"\x8c" + bytes([len(raw)]) + raw

    def _container(self, depth: int) -> None:
        self.out += b"("
        for _ in range(self.random.randrange(3)):
            self._value(depth)
        self.out += self.random.choice((b"t", b"l"))

    def _arguments(self, depth: int, most: int = 4) -> None:
        self.out += b"("
        for _ in range(self.random.randrange(most + 1)):
            self._value(depth)
        self.out += b"t"

    def _object(self, depth: int) -> None:
        self._global(*self.random.choice(classes()))
        self.out += b")\x81"
        self._state(depth)

    def _carrier(self, depth: int) -> None:
        """A namespace: an instance whose attributes the file chooses."""
        self._global(*self.random.choice(_CARRIERS))
        self.out += b")\x81"
        for _ in range(self.random.randrange(1, 3)):
            self._state(depth)

    def _state(self, depth: int) -> None:
        form = self.random.random()
        if form < 0.75:
            self._attributes(depth)
        elif form < 0.85:
            self.out += b"N"
            self._attributes(depth)
            self.out += b"\x86"
        else:
            self._value(depth)
        self.out += b"b"

    def _attributes(self, depth: int) -> None:
        self.out += b"}("
        for _ in range(self.random.randrange(1, 4)):
            names = _STATES if self.random.random() < 0.3 else attribute_names()
            self._text(self.random.choice(names))
            self._value(depth)
        self.out += b"u"

    def _call(self, depth: int) -> None:
        self._global(*self.random.choice(functions()))
        self._arguments(depth)
        self.out += b"R"

    def _wrapped(self, depth: int) -> None:
        """A function that looks at what it is given, and a namespace for it to look at."""
        self._global(*self.random.choice(_LOOKING))
        self.out += b"("
        self._carrier(depth)
        for _ in range(self.random.randrange(4)):
            self._literal(depth)
        self.out += b"tR"

    def _optimiser(self, depth: int) -> None:
        """An optimiser whose state has the parts that its class reads."""
        optimisers = [pair for pair in classes() if pair[0].startswith("torch.optim.")]
        self._global(*self.random.choice(optimisers))
        self.out += b")\x81}("
        for name in ("state", "defaults"):
            self._text(name)
            self.random.choice((self._carrier, self._marker, self._literal))(depth)
        self._text("param_groups")
        self.out += b"]("
        self.random.choice((self._carrier, self._marker, self._group))(depth)
        self.out += b"eub"

    def _group(self, depth: int) -> None:
        self.out += b"}"
        self._text("params")
        self.out += b"]"
        self._value(depth)
        self.out += b"as"

    def _filled(self, depth: int) -> None:
        """Something that opcodes fill."""
        self._value(depth)
        self.out += b"("
        self._value(depth)
        self._value(depth)
        self.out += self.random.choice((b"e", b"\x90", b"u"))
