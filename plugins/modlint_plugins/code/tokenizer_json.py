"""What a `tokenizer.json` makes of a text: steps that multiply its length, and padding.

Replacements run one after the other, those of the normalizer on the added words too, when the file
is loaded: thirty that write a letter twice make a thousand million of it. Sources: tokenizers,
`normalizers::replace`, `AddedVocabulary::refresh_added_tokens`, `utils::padding`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table
from modlint_plugins.code.sizes import KIND

MAX_PADDING = 10_000_000
"""Words to which a text is padded; models read up to ten millions."""
MAX_GROWTH = 10_000
"""How many times longer a text may become."""
_MAX_STEPS = 10_000
_PROBE = 100_000
"""Characters of the text that the steps are tried on; no language needs more."""
_MAX_WORK = 200_000_000
"""Characters that all steps together are tried on."""
_LONGEST = 20_000_000
"""Characters that the text may become while it is followed."""
_MAX_CHARSMAPS = 4
"""Tables of characters one after the other, which are not read; tokenizers have one."""
_FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_LITERAL = re.compile(r"[\w <>,;:!=@#%&'\"~`\u2581/-]+")
"""A regular expression that matches itself alone."""
_STEPS = ("normalizer", "pre_tokenizer", "decoder")
_INNER = ("normalizers", "pretokenizers", "decoders", "processors")
_HELP = "do not load this tokenizer; compare it with the original model's"


def examine_tokenizer(table: Table) -> Iterator[Remark]:
    """Remarks on a tokenizer that makes a short text a huge one."""
    if not table.holds("model") or not (table.holds("normalizer") or table.holds("padding")):
        return
    for key in _STEPS:
        for value in table.values(key):
            if _grows(list(_steps(value))):
                message = f"the {key} makes a text more than {MAX_GROWTH:,} times longer"
                yield Remark(KIND, message, help=_HELP)
    for value in table.values("post_processor"):
        if _repeats(list(_steps(value))) > MAX_GROWTH:
            message = f"the post_processor repeats a text more than {MAX_GROWTH:,} times"
            yield Remark(KIND, message, help=_HELP)
    for value in table.values("padding"):
        for words in _padded(value):
            if words > MAX_PADDING:
                yield Remark(KIND, f"pads every text to {words:,} words", help=_HELP)


def without_vocabulary(documents: list[object]) -> list[object]:
    """Documents, less the words of tokenizers' models, which are only words."""
    return [_stripped(each) if isinstance(each, Table) else each for each in documents]


def _stripped(table: Table) -> Table:
    pairs = [
        (key, _without_words(value) if key == "model" and isinstance(value, Table) else value)
        for key, value in table.pairs
    ]
    return Table(tuple(pairs))


def _without_words(model: Table) -> Table:
    return Table(tuple(pair for pair in model.pairs if pair[0] not in ("vocab", "merges")))


def _steps(value: object) -> Iterator[Table]:
    """The steps within sequences, in their order."""
    pending = [value]
    count = 0
    while pending and count <= _MAX_STEPS:
        held = pending.pop()
        if isinstance(held, list):
            pending += reversed(held)
        elif isinstance(held, Table):
            count += 1
            inner = [each for key in _INNER for each in held.values(key)]
            pending += reversed(inner)
            if not inner:
                yield held


def _grows(steps: list[Table]) -> bool:
    """Whether steps one after the other make a text that holds all they look for huge."""
    replaced = [pair for step in steps for pair in _replacement(step)]
    texts = sorted({text for old, new in replaced for text in (old or "", new)}, key=len)
    probe = " ".join(["a\u00e9", *texts])
    if len(steps) >= _MAX_STEPS or len(probe) > _PROBE:
        return True
    longest = min(MAX_GROWTH * len(probe), _LONGEST)
    factor, work, charsmaps = 1, 0, 0
    for step in steps:
        for old, new in _replacement(step):
            if old is None:  # a regular expression, which may match each character
                factor *= max(len(new), 1)
            elif len(probe) + probe.count(old) * (len(new) - len(old)) > longest:
                return True
            else:
                probe = probe.replace(old, new)
        charsmaps += "Precompiled" in step.texts("type")
        probe = _normalized(step, probe)
        work += len(probe)
        if len(probe) * factor > longest or work > _MAX_WORK or charsmaps > _MAX_CHARSMAPS:
            return True
    return False


def _normalized(step: Table, text: str) -> str:
    """A text behind a step that writes several letters for one; near to what tokenizers does.

    Source: tokenizers, `normalizers::{unicode, byte_level, bert, prepend}`.
    """
    for kind in step.texts("type"):
        form = next((form for form in _FORMS if form == kind), None)
        if form is not None:
            text = unicodedata.normalize(form, text)
        elif kind == "ByteLevel":
            text = text.replace(" ", "\u0120").encode("utf-8", "replace").decode("latin-1")
        elif kind == "BertNormalizer":
            text = _IDEOGRAPH.sub(r" \g<0> ", text)
        elif kind == "Prepend":
            text = "".join((*step.texts("prepend"), text))
    return text


def _replacement(step: Table) -> Iterator[tuple[str | None, str]]:
    """What a step looks for, None for a regular expression, and what it writes in its place."""
    if "Replace" not in step.texts("type"):
        return
    for new in step.texts("content"):
        for pattern in step.values("pattern"):
            if isinstance(pattern, Table):
                yield from ((old, new) for old in pattern.texts("String") if old)
                for old in pattern.texts("Regex"):
                    yield (old if _LITERAL.fullmatch(old) else None), new


def _repeats(steps: list[Table]) -> int:
    """How many times templates one after the other repeat a text."""
    times = 1
    for step in steps:
        pieces = [each for each in step.values("single") if isinstance(each, list)]
        held = [
            sum(isinstance(piece, Table) and piece.holds("Sequence") for piece in each)
            for each in pieces
        ]
        times = min(times * max([1, *held]), MAX_GROWTH + 1)
    return times


def _padded(value: object) -> Iterator[int]:
    if not isinstance(value, Table):
        return
    for strategy in value.values("strategy"):
        if isinstance(strategy, Table):
            yield from (each for each in strategy.values("Fixed") if isinstance(each, int))
    yield from (each for each in value.values("pad_to_multiple_of") if isinstance(each, int))
