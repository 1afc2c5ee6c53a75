"""Pickles made by a grammar: well-formed streams of opcodes over classes that modlint lists.

What mutation rarely makes: objects built in every way there is, states that are dictionaries,
slots or instances, elements appended to what is no list, and numbers written as C reads them.
Bytes only: nothing here is an object, and nothing loads what it writes.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from benchmarks.fuzz import fragments
from modlint_rules.safety.allowlist import CALLED, FOLLOWED, NAMED

_CALLED = sorted(CALLED | FOLLOWED)
_NAMED = sorted(NAMED)
_UNLISTED = (("os", "system"), ("builtins", "eval"), ("functools", "partial"), ("a.b", "C.__new__"))
_DEPTH = 5
_PARTS = 400
"""Parts after which a stream only gets leaves."""


class Grammar:
    """One stream of opcodes; every method gives code that leaves one value on the stack.

    Code is made in the order in which it stands: what gets a key of the memo is met later.

    Attributes:
        odd: whether numbers, frames and memo keys may be written as no pickler does.
    """

    def __init__(self, rng: random.Random, *, odd: bool = True, depth: int = _DEPTH) -> None:
        self.rng = rng
        self.odd = odd
        self._depth = depth
        self._parts = 0
        self._keys: set[int] = set()

    def pickle(self) -> bytes:
        """A whole pickle."""
        body = self.value(self._depth)
        if self.rng.random() < 0.3:
            body = self._framed(body)
        return b"\x80" + bytes([self.rng.choice((2, 3, 4, 5))]) + body + b"."

    def value(self, depth: int) -> bytes:
        """Any value."""
        self._parts += 1
        if depth <= 0 or self._parts > _PARTS:
            return self.rng.choice((self.leaf, self.leaf, self.named))()
        made = self.rng.choice(_VALUES)(self, depth - 1)
        return made + self._memoised() if self.rng.random() < 0.2 else made

    def leaf(self) -> bytes:
        """A literal, or something from the memo."""
        if self._keys and self.rng.random() < 0.3:
            return fragments.get(self.rng, self.rng.choice(sorted(self._keys)))
        if self.odd and self.rng.random() < 0.2:
            return fragments.odd_number(self.rng)
        return fragments.literal(self.rng)

    def named(self) -> bytes:
        """A global: most often one that modlint lists."""
        if self.rng.random() < 0.05:
            return self._global(self.rng.choice(_UNLISTED))
        return self._global(self.rng.choice(_NAMED))

    def sequence(self, depth: int) -> bytes:
        """A tuple, list, set or frozenset, empty or not."""
        match self.rng.randrange(6):
            case 0:
                return b"]" + self._memoised() + b"(" + self._several(depth) + b"e"
            case 1:
                return b"\x8f" + self._memoised() + b"(" + self._several(depth) + b"\x90"
            case 2:
                return self._fixed(depth)
            case _:
                return b"(" + self._several(depth) + self.rng.choice((b"t", b"l", b"\x91"))

    def _fixed(self, depth: int) -> bytes:
        count = self.rng.randrange(4)
        items = b"".join(self.value(depth) for _ in range(count))
        return items + (b")", b"\x85", b"\x86", b"\x87")[count]

    def mapping(self, depth: int) -> bytes:
        """A dictionary."""
        if self.rng.random() < 0.3:
            return b"(" + self._pairs(depth) + b"d"
        return b"}" + self._memoised() + b"(" + self._pairs(depth) + b"u"

    def call(self, depth: int) -> bytes:
        """A listed class or function is called, by one of the opcodes that call."""
        function = self._global(self.rng.choice(_CALLED))
        match self.rng.randrange(6):
            case 0:
                return function + self._fixed(depth) + b"\x81"
            case 1:
                return function + self._fixed(depth) + self.mapping(depth) + b"\x92"
            case 2:
                return b"(" + function + self._several(depth) + b"o"
            case 3:
                module, name = self.rng.choice(_CALLED)
                return b"(" + self._several(depth) + f"i{module}\n{name}\n".encode()
            case _:
                return function + self._fixed(depth) + b"R"

    def instance(self, depth: int) -> bytes:
        """An object without its constructor: `NEWOBJ`, or `_reconstructor` on some base."""
        owner = self._global(self.rng.choice(_NAMED))
        if self.rng.random() < 0.5:
            return owner + self._fixed(depth) + b"\x81"
        module = self.rng.choice(("copyreg", "copy_reg"))
        base = self.value(depth) if self.rng.random() < 0.3 else b"cbuiltins\nobject\n"
        return self._global((module, "_reconstructor")) + owner + base + self.leaf() + b"\x87R"

    def built(self, depth: int) -> bytes:
        """An object with a state: a dictionary, slots, both, an instance, or anything."""
        made = self.rng.choice((self.instance, self.call, self.mapping, self.value))(depth)
        for _ in range(self.rng.choice((1, 1, 2))):
            made += self._state(depth) + b"b"
        return made

    def _state(self, depth: int) -> bytes:
        return self.rng.choice(
            (
                self.mapping,
                lambda d: b"N" + self.mapping(d) + b"\x86",
                lambda d: self.mapping(d) + self.mapping(d) + b"\x86",
                self.instance,
                self.sequence,
                self.value,
            )
        )(depth)

    def filled(self, depth: int) -> bytes:
        """Elements or items for whatever object stands there."""
        owner = self.rng.choice((self.call, self.instance, self.built, self.value))(depth)
        match self.rng.randrange(5):
            case 0:
                return owner + self.value(depth) + b"a"
            case 1:
                return owner + b"(" + self._several(depth) + b"e"
            case 2:
                return owner + b"(" + self._several(depth) + b"\x90"
            case 3:
                return owner + self.value(depth) + self.value(depth) + b"s"
            case _:
                return owner + b"(" + self._pairs(depth) + b"u"

    def stacked(self, depth: int) -> bytes:
        """A value amid others that are doubled, marked and dropped."""
        match self.rng.randrange(4):
            case 0:
                return self.value(depth) + b"20"
            case 1:
                return b"(" + self._several(depth) + b"1" + self.value(depth)
            case 2:
                return self.value(depth) + b"0" + self.value(depth)
            case _:
                return b"(" + self.value(depth) + b"2" * self.rng.choice((1, 3, 20)) + b"t"

    def persistent(self, depth: int) -> bytes:
        """A persistent id: PyTorch's storages, a line, or any value."""
        match self.rng.randrange(4):
            case 0:
                return b"P" + self.rng.choice((b"0", b"storage", b"('storage',)", b"")) + b"\n"
            case 1:
                return self.value(depth) + b"Q"
            case _:
                return fragments.storage(self.rng)

    def tensor(self, depth: int) -> bytes:
        """A tensor, of sizes and strides that need not fit, rebuilt and perhaps rebuilt again."""
        made = fragments.tensor(self.rng)
        match self.rng.randrange(4):
            case 0:
                return b"ctorch._utils\n_rebuild_parameter\n" + made + b"\x88N\x87R"
            case 1:
                call = b"ctorch._tensor\n_rebuild_from_type_v2\n("
                function = self._global(self.rng.choice(_CALLED)) + self.named()
                return call + function + self._fixed(depth) + self._state(depth) + b"tR"
            case _:
                return made

    def array(self, depth: int) -> bytes:
        """A NumPy array, scalar or dtype, whose state need not fit."""
        return fragments.array(self.rng, lambda: self.value(depth))

    def nested(self, depth: int) -> bytes:
        """Bytes that are a pickle of their own, perhaps given to `_load_from_bytes`."""
        inner = Grammar(self.rng, odd=self.odd, depth=min(depth, 2)).pickle()
        literal = fragments.raw(inner)
        if self.rng.random() < 0.5:
            return literal
        return b"ctorch.storage\n_load_from_bytes\n" + literal + b"\x85R"

    def _several(self, depth: int) -> bytes:
        return b"".join(self.value(depth) for _ in range(self.rng.choice((0, 1, 1, 2, 3))))

    def _pairs(self, depth: int) -> bytes:
        count = self.rng.choice((0, 1, 1, 2, 3))
        return b"".join(self._key(depth) + self.value(depth) for _ in range(count))

    def _key(self, depth: int) -> bytes:
        if self.rng.random() < 0.7:
            return fragments.text(self.rng.choice(fragments.ATTRIBUTES))
        return self.value(min(depth, 2))

    def _global(self, pair: tuple[str, str]) -> bytes:
        if self.rng.random() < 0.3:
            return fragments.text(pair[0]) + fragments.text(pair[1]) + b"\x93"
        return f"c{pair[0]}\n{pair[1]}\n".encode()

    def _memoised(self) -> bytes:
        """The value on top gets a memo key that is still free, or one that is not, if odd."""
        key = len(self._keys)
        if self.odd and self.rng.random() < 0.2:
            key = self.rng.choice((0, 255, 256, 70_000, key))
        if key in self._keys and not self.odd:
            return b""
        code = fragments.put(self.rng, key, len(self._keys), odd=self.odd)
        self._keys.add(key)
        return code

    def _framed(self, body: bytes) -> bytes:
        length = len(body) + 1
        if self.odd and self.rng.random() < 0.4:
            length = self.rng.choice((0, 1, length - 1, length + 1, length // 2, 1 << 40))
        return b"\x95" + struct.pack("<Q", length) + body


_VALUES: tuple[Callable[[Grammar, int], bytes], ...] = (
    Grammar.sequence, Grammar.mapping, Grammar.mapping, Grammar.call, Grammar.call,
    Grammar.instance, Grammar.built, Grammar.built, Grammar.filled, Grammar.filled,
    Grammar.stacked, Grammar.persistent, Grammar.tensor, Grammar.array, Grammar.nested,
)  # fmt: skip
