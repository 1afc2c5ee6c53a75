"""The oracle against truth derived by hand, and its group tests against one channel at a time."""

from __future__ import annotations

import pytest

from truth import records
from truth.graph import Columns, Edges, Truth
from truth.oracle import decoding, measure
from truth.zoo import ZOO, built


def same(count: int, shift: int = 0, start: int = 0) -> Columns:
    """Channel start + j feeds column shift + j."""
    return {(start + j, shift + j) for j in range(count)}


def _both_ways(layer: int, reader: str, shift: int = 0) -> Edges:
    kinds = ("ih", "hh")
    return {
        (f"rnn.weight_{k}_l{layer}{'_reverse' * bool(shift)}", reader): same(4, shift)
        for k in kinds
    }


def _stacked() -> Edges:
    edges: Edges = {}
    for layer in (0, 1):
        for way in ("", "_reverse"):
            shift, hidden = 4 * bool(way), f"rnn.weight_hh_l{layer}{way}"
            edges |= {(f"rnn.weight_{k}_l{layer}{way}", hidden): same(4) for k in ("ih", "hh")}
            above = (
                ["rnn.weight_ih_l1", "rnn.weight_ih_l1_reverse"] if layer == 0 else ["out.weight"]
            )
            for reader in above:
                edges |= _both_ways(layer, reader, shift)
            edges["table.weight", f"rnn.weight_ih_l0{way}"] = same(5)
    return edges


WRITTEN: dict[str, Edges] = {
    "mlp": {("0.weight", "2.weight"): same(12), ("2.weight", "4.weight"): same(9)},
    "tied_autoencoder": {("encoder.weight", "encoder.weight"): same(5)},
    "glu": {("inp.weight", "out.weight"): same(6) | same(6, 0, 6)},
    "lstm_stacked_bidirectional": _stacked(),
    "channel_shuffle": {
        ("0.0.weight", "1.weight"): same(8),
        ("1.weight", "3.weight"): {(g * 6 + i, i * 2 + g) for g in range(2) for i in range(6)},
        ("3.weight", "5.weight"): {(g * 2 + i, i * 3 + g) for g in range(3) for i in range(2)},
    },
    "super_resolution": {
        ("0.weight", "2.weight"): same(6),
        ("2.weight", "5.weight"): {(c, c // 4) for c in range(20)},
    },
    "space_to_depth": {
        ("0.weight", "2.weight"): {(c, 4 * c + i) for c in range(5) for i in range(4)},
        ("2.weight", "5.weight"): same(4),
    },
    "concat_net": {
        ("a.0.weight", "b.0.weight"): same(5, 3),
        ("a.0.weight", "out.weight"): same(5, 9),
        ("b.0.weight", "out.weight"): same(6),
    },
    "grouped_queries": {
        ("inp.weight", "qkv.weight"): same(12),
        ("inp.weight", "out.weight"): same(12),
        ("o.weight", "out.weight"): same(12),
        ("qkv.weight", "o.weight"): {
            (18 + s * 3 + i, (2 * s + h) * 3 + i) for s in (0, 1) for h in (0, 1) for i in range(3)
        },
    },
    "cnn_flatten": {
        ("0.weight", "3.weight"): same(6),
        ("3.weight", "6.weight"): {(c, 4 * c + i) for c in range(5) for i in range(4)},
        ("6.weight", "8.weight"): same(8),
    },
    "grouped_transposed": {
        ("0.weight", "2.0.weight"): same(8),
        ("2.0.weight", "3.weight"): same(6),
    },
    "einsum_attention": {
        **{("inp.weight", name): same(8) for name in ("q", "k", "v", "out.weight")},
        ("v", "o"): same(6),
        ("o", "out.weight"): same(8),
    },
    "embedding_tables": {
        ("user.weight", "head.0.weight"): same(4),
        ("item.weight", "head.0.weight"): same(6, 4),
        ("head.0.weight", "head.2.weight"): same(7),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_the_oracle_measures_what_is_derived_by_hand(name: str) -> None:
    assert measure(*built(ZOO[name])).required == WRITTEN[name]


@pytest.mark.parametrize("name", ["inverted_residual", "glu", "unet", "multi_input"])
def test_groups_of_channels_tell_what_single_ones_tell(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = measure(*built(ZOO[name]))
    monkeypatch.setattr(decoding, "FEW", 10**9)
    assert measure(*built(ZOO[name])) == groups


def test_positions_are_optional_and_sums_over_channels_allowed() -> None:
    places = measure(*built(ZOO["transformer_encoder"]))
    assert places.optional == {"places.weight"}
    assert not any("places.weight" in edge for edge in places.demanded)
    maxout = measure(*built(ZOO["maxout"]))
    assert maxout.required == {}
    assert maxout.allowed == {("inp.weight", "out.weight"): {(c, c // 2) for c in range(12)}}


def test_a_truth_is_the_same_after_it_was_saved(tmp_path) -> None:
    edges: Edges = {("a", "b"): {(0, 0), (0, 3), (1, 6), (2, 9), (7, 1)}, ("b", "b"): same(40)}
    truth = Truth(edges, {**edges, ("a", "c"): same(3)}, {"a": (8, 4)}, {"p"}, {"b": 4}, {"x": "a"})
    records.save(truth, tmp_path / "t.json.gz")
    assert records.load(tmp_path / "t.json.gz") == truth
