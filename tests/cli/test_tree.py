"""Networks as `modlint inspect` shows them: as a tree, and in the language of Graphviz."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import torch
from large_networks import language_model
from traced_networks import Drawn

from modlint.cli.dot import dot
from modlint.cli.tree import network_lines, unplaced_lines
from modlint.network_contents import NetworkContents, UnplacedContents


def test_a_model_of_a_hundred_blocks_is_a_dozen_lines() -> None:
    lines = network_lines(NetworkContents.of(language_model(100).network, {}))[2:]
    assert lines == [
        "  ├─ embed  embedding 8×20, 8 neurons, from input",
        "  ├─ layers.0 … layers.99  ×100",
        "  │  ├─ attn.q  linear 8×8, 8 neurons, from embed",
        "  │  ├─ attn.k  linear 8×8, 8 neurons, from embed",
        "  │  ├─ attn.v  linear 8×8, 8 neurons, from embed",
        "  │  ├─ attn.o  linear 8×8, 8 neurons, from attn.v",
        "  │  ├─ mlp.gate  linear 16×8, silu, 16 neurons, from embed, attn.o",
        "  │  ├─ mlp.up  linear 16×8, 16 neurons, from embed, attn.o",
        "  │  └─ mlp.down  linear 8×16, 8 neurons, from mlp.gate, mlp.up",
        "  └─ head  linear 20×8, 20 neurons, from layers.98.mlp.down, layers.99.attn.o, "
        "layers.99.mlp.down and 198 before",
    ]


def test_layers_that_differ_are_each_told() -> None:
    drawn = Drawn()
    x = drawn.relu(drawn.linear("fc1", drawn.input(1, 3), torch.ones(4, 3)))
    network = drawn.inputs(drawn.linear("fc2", x, torch.ones(2, 4))).network
    assert network_lines(NetworkContents.of(network, {}))[2:] == [
        "  ├─ fc1  linear 4×3, relu, 4 neurons, from input",
        "  └─ fc2  linear 2×4, 2 neurons, from fc1",
    ]


def test_what_is_in_no_network_is_told_by_reason() -> None:
    unplaced = [UnplacedContents(f"w{i}", "it is computed") for i in range(5)]
    lines = unplaced_lines([*unplaced, UnplacedContents("v", "a\nloop")])
    assert lines == [
        "",
        "in no network: 6 weights",
        "  it is computed: w0, w1, w2, … (5)",
        "  a\\nloop: v",
    ]
    assert unplaced_lines([]) == []


def _hostile() -> str:
    drawn = Drawn()
    x = drawn.linear('a"];\n}', drawn.input(1, 3, name="\\x\\"), torch.ones(4, 3))
    return dot([drawn.inputs(x).network])


def test_dot_draws_calls_and_joins() -> None:
    text = dot([language_model(2).network])
    assert text.count("shape=circle") == 2 * 4  # two sums, a product and a meeting each
    assert len(re.findall(r"label=\"layers\.\d\.[a-z.]+\\n", text)) == 2 * 7
    assert 'label="rms norm"' in text


def test_dot_escapes_names() -> None:
    assert '[label="a\\"];\\\\n}\\nlinear 4×3"]' in _hostile()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("text", [dot([language_model(30).network]), _hostile(), dot([])])
def test_graphviz_renders_it(text: str) -> None:
    run = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=True)
    assert run.stdout.startswith(b"<?xml")
    assert not run.stderr
