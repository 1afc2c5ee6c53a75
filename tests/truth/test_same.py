"""The same network from every source gives the same structure, by the values of its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from truth.rebuilt import rebuilt
from truth.same import difference, form_of
from truth.sources import write
from truth.zoo import ZOO, built

GRAPHS = ("pt2", "onnx-ts", "onnx-dynamo", "torchscript")
SOURCES = {
    "cnn_batch_norm": (*GRAPHS, "torchscript-script", "safetensors"),
    "grouped": (*GRAPHS, "torchscript-script"),
    "inverted_residual": (*GRAPHS, "torchscript-script"),
    "lstm_stacked_bidirectional": GRAPHS,
    "grouped_queries": GRAPHS,
    "unet": GRAPHS,
    "transformers_bert": (*GRAPHS, "config"),
    "transformers_llama": (*GRAPHS, "config"),
}
TABLES = {  # whose rows are the same for every input: exporters write them as constants
    "bert.embeddings.position_embeddings.weight",
    "bert.embeddings.token_type_embeddings.weight",
}


@pytest.mark.parametrize("name", SOURCES)
def test_all_sources_hold_the_same_network(name: str, tmp_path: Path) -> None:
    forms = [form_of(rebuilt(write(s, *built(ZOO[name]), tmp_path))) for s in SOURCES[name]]
    assert len(forms[0].names) > 2
    for source, form in zip(SOURCES[name][1:], forms[1:], strict=True):
        assert difference(forms[0], form, TABLES).is_none, source


def test_another_order_of_columns_and_other_values_are_found(tmp_path: Path) -> None:
    form = form_of(rebuilt(write("pt2", *built(ZOO["mlp_square"]), tmp_path)))
    columns = [own if i != 1 else own[::-1] for i, own in enumerate(form.columns)]
    assert list(difference(form, replace(form, columns=columns)).other) == [form.names[1]]
    rows = [own if i else own * 1.001 for i, own in enumerate(form.rows)]
    found = difference(form, replace(form, rows=rows))
    assert list(found.unmatched) == list(found.missing) == [form.names[0]]
