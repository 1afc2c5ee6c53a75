"""Which names tell of numbered layers."""

from __future__ import annotations

from modlint.analysis.layer_stacks import stacks_of


def test_a_stack_has_its_layers_with_their_tensors() -> None:
    names = ["model.layers.0.a.weight", "model.layers.0.b", "model.layers.3.a.weight", "norm"]
    (stack,) = stacks_of(names)
    assert stack.name == "model.layers"
    assert stack.members == {0: {"a.weight", "b"}, 3: {"a.weight"}}
    assert stack.common == {"a.weight"}
    assert (stack.end, stack.gaps, stack.outer) == (4, [1, 2], True)


def test_a_stack_within_another_is_told_apart() -> None:
    outer, inner = stacks_of(["h.1.mlp.experts.2.w", "h.1.norm"])
    assert (outer.name, outer.outer) == ("h", True)
    assert (inner.name, inner.outer) == ("h.1.mlp.experts", False)


def test_numbers_under_other_names_are_no_layers() -> None:
    assert stacks_of(["net.0.weight", "net.2.weight", "0.weight", "layers.weight"]) == ()


def test_odd_numbers_are_none() -> None:
    assert stacks_of([f"layers.{n}.w" for n in ("-1", "1_5", "x", "٣", "9" * 30, "")]) == ()


def test_names_of_thousands_of_parts_are_cut() -> None:
    assert len(stacks_of(["layers.0." * 5000 + "w"])) <= 64
