"""What a claim is called, and how tensors that an exporter changed are found again."""

from __future__ import annotations

import numpy as np
import pytest

from truth.comparing import Claim, judge
from truth.graph import Edges, Truth
from truth.match import Match
from truth.matching import matches

EDGES: Edges = {("a", "b"): {(0, 0), (1, 1)}, ("b", "c"): {(0, 0)}}
TRUTH = Truth(EDGES, {**EDGES, ("a", "c"): {(0, 0)}}, {"a": (2, 3), "b": (1, 2), "c": (1, 1)})
SAME = {n: Match((n,)) for n in "abc"}


@pytest.mark.parametrize(
    ("edges", "kind"),
    [
        (EDGES, "exact"),
        ({**EDGES, ("a", "c"): {(0, 0)}}, "exact"),
        ({("a", "b"): {(0, 0)}}, "partial"),
        ({**EDGES, ("a", "b"): {(0, 1)}}, "wrong"),
        ({**EDGES, ("c", "a"): {(0, 0)}}, "wrong"),
        ({}, "unknown"),
    ],
)
def test_a_claim_is_exact_partial_wrong_or_unknown(edges: Edges, kind: str) -> None:
    assert judge(TRUTH, Claim(edges, set("abc") if edges else set()), SAME).kind == kind


def test_layers_are_counted_by_the_names_of_the_module() -> None:
    found = judge(
        TRUTH, Claim(EDGES, {"x", "b", "other"}), {"x": Match(("a",)), "b": Match(("b",))}
    )
    assert (found.placed, found.layers, found.unmatched) == ({"a", "b"}, 3, {"a", "c"})


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"linear": (6, 5), "square": (5, 5), "conv": (4, 3, 3, 3), "in_proj": (9, 4)}
    shapes |= {"weight_ih_l0": (8, 3), "weight_ih_l0_reverse": (8, 3)}
    return {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}


def test_exported_tensors_are_found_by_value() -> None:
    weights = _weights()
    truth = Truth(
        layers=dict.fromkeys(weights, (1, 1)), units={n: 2 for n in weights if "_ih" in n}
    )
    factors = np.array([2.0, -1.5, 0.1, 3.0], np.float32)[:, None, None, None]
    ways = [weights[n][[0, 1, 6, 7, 2, 3, 4, 5]] for n in ("weight_ih_l0", "weight_ih_l0_reverse")]
    stored = {
        "square": weights["square"],
        "transposed": weights["linear"].T,
        "turned": weights["square"].T,
        "folded": weights["conv"] * factors,
        "slice": weights["in_proj"][3:6].T,
        "stacked": np.stack(ways),
        "other": np.ones((3, 3), np.float32),
    }
    found = matches(stored, weights, truth)
    assert found["transposed"] == Match(("linear",))
    assert found["square"] == found["turned"] == Match(("square",))
    assert found["folded"] == Match(("conv",))
    assert found["slice"].rows == (("in_proj", 3), ("in_proj", 4), ("in_proj", 5))
    assert found["stacked"] == Match(("weight_ih_l0", "weight_ih_l0_reverse"), None, 2, 4)
    assert "other" not in found


@pytest.mark.parametrize(("numbers", "highest"), [((0, 1, 2, 3), 3), ((0, 5, 8, 13), 15)])
def test_stacked_gates_are_units_by_row_and_by_unit(numbers: tuple[int, ...], highest: int) -> None:
    stacked = Match(("f", "r"), None, units=2, gates=4)
    found = [stacked.channel(n, highest=highest) for n in numbers]
    assert found == [[("f", 0)], [("f", 1)], [("r", 0)], [("r", 1)]]
