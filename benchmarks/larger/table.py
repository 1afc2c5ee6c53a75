"""The table: modlint's graphs of the larger networks beside those of the paper's authors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.larger.nets import PUBLISHED

Figures = Mapping[str, Any]

TITLES = {
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "inception_v3": "Inception-V3",
}
EXPLAINED = Path(__file__).with_name("explained.md")
SAME = (
    "| network | vertices, modlint | their code | edges, modlint | their code"
    " | largest difference of an edge | n-cut, modlint | their code, the same clusters"
    " | their code, their clusters |"
)
PUBLISHED_GRAPHS = (
    "| network | vertices | edges | n-cut, their norm | n-cut, sum of entries"
    " | modlint's n-cut | published, trained | published, shuffled |"
)
SEEDS = "| network | least, modlint | greatest | least, their code | greatest |"
FORMATS = "| network | n-cut, .pt2 | n-cut, .onnx | S₁₀, .pt2 | S₁₀, .onnx | s, .pt2 | s, .onnx |"


def render(networks: Sequence[Figures]) -> str:
    """The document."""
    seeds = ", ".join(sorted({str(network["seed"]) for network in networks}))
    return EXPLAINED.read_text().format(
        seeds=seeds,
        same=_table(SAME, (line for network in networks for line in _same(network))),
        published=_table(PUBLISHED_GRAPHS, map(_published, networks)),
        seeds_of_kmeans=_table(SEEDS, (_seeds(n) for n in networks if "seeds" in n)),
        formats=_table(FORMATS, map(_formats, (n for n in networks if ".onnx" in n))),
    )


def _table(header: str, lines: Iterator[Sequence[str]]) -> str:
    rule = "| --- |" + " ---: |" * (header.count("|") - 2)
    return "\n".join([header, rule, *(f"| {' | '.join(cells)} |" for cells in lines)])


def _same(network: Figures) -> Iterator[Sequence[str]]:
    ours, title = network[".pt2"], TITLES[network["name"]]
    for key, name in (("merged", title), ("pytorch", f"{title}, their PyTorch code")):
        theirs = network.get(key)
        if theirs is not None:
            sizes = [f"{f[what]:,}" for what in ("vertices", "edges") for f in (ours, theirs)]
            cuts = (ours["ncut"], theirs["ncut_of_ours"], theirs["ncut"])
            difference = f"{theirs['difference']:.1e}"
            yield [name, *sizes, difference, *(f"{cut:.4f}" for cut in cuts)]


def _published(network: Figures) -> Sequence[str]:
    theirs = [network.get(key) for key in ("published", "entrywise")]
    known = next(filter(None, theirs), None)
    sizes = [f"{known[what]:,}" if known else "–" for what in ("vertices", "edges")]
    cuts = [f"{figures['ncut']:.3f}" if figures else "–" for figures in theirs]
    own = f"{network['.pt2']['ncut']:.3f}"
    name = network["name"]
    return [TITLES[name], *sizes, *cuts, own, *PUBLISHED[name]]


def _seeds(network: Figures) -> Sequence[str]:
    cuts = [network["seeds"][whose] for whose in ("ours", "theirs")]
    ends = [f"{end(some):.4f}" for some in cuts for end in (min, max)]
    return [TITLES[network["name"]], *ends]


def _formats(network: Figures) -> Sequence[str]:
    both = [network[".pt2"], network[".onnx"]]
    cuts = [f"{figures['ncut']:.5f}" for figures in both]
    sums = [f"{figures['spectral_sum']:.5f}" for figures in both]
    seconds = [f"{figures['seconds']:.0f}" for figures in both]
    return [TITLES[network["name"]], *cuts, *sums, *seconds]
