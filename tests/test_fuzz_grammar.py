"""The grammar's pickles: well-formed, of listed classes, and the same for the same seed."""

from __future__ import annotations

import io
import pickletools
import random

from benchmarks.fuzz.grammar import Grammar
from benchmarks.fuzz.wrappers import grammar_file
from modlint_rules.safety.allowlist import FOLLOWED, NAMED

COUNT = 300
PICKLES = [Grammar(random.Random(seed), odd=False).pickle() for seed in range(COUNT)]


def test_streams_are_well_formed() -> None:
    for content in PICKLES:
        pickletools.dis(content, io.StringIO())  # checks the stack, the marks and the memo


def test_every_way_to_build_an_object_occurs() -> None:
    met = {opcode.name for content in PICKLES for opcode, _, _ in pickletools.genops(content)}
    assert met > {
        "REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ", "APPEND", "APPENDS", "ADDITEMS",
        "SETITEM", "SETITEMS", "BINPERSID", "PERSID", "DUP", "POP", "POP_MARK", "MEMOIZE", "BINGET",
        "LONG_BINGET", "FRAME", "STACK_GLOBAL",
    }  # fmt: skip


def test_most_globals_are_listed() -> None:
    named = [
        tuple(argument.split(" "))
        for content in PICKLES
        for opcode, argument, _ in pickletools.genops(content)
        if opcode.name == "GLOBAL" and argument
    ]
    listed = [pair for pair in named if pair in NAMED | FOLLOWED]
    assert len(listed) > 0.8 * len(named)
    assert ("os", "system") in named


def test_files_are_the_same_for_the_same_seed_and_of_every_kind() -> None:
    files = [grammar_file(random.Random(seed)) for seed in range(COUNT)]
    assert files == [grammar_file(random.Random(seed)) for seed in range(COUNT)]
    names = {name for name, _ in files}
    assert names == {"grammar.pt", "grammar.bin", "grammar.pkl", "grammar.joblib", "grammar.npy"}
