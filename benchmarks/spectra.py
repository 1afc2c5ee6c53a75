"""modlint's spectra beside WeightWatcher's: agreement, seconds, and memory over many layers.

    python -m pip install weightwatcher torch .
    python benchmarks/spectra.py [--out FILE] [--rounds N]

Both measure the same weights in one process on one thread. Agreement is the largest difference,
relative to 1 or the value, over layers that both measure. Seconds are those of the processor, which
other work on the machine hardly changes; both take turns, the best of some rounds counts.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from torch import nn

from modlint.analysis.spectra import TensorSpectrum
from modlint.numerics.spectra.matrices import slices_of
from modlint.portraits.spectra_document import LayerSpectrum

torch.set_num_threads(1)
COMPARED = (
    *("alpha", "D", "xmin", "sigma", "num_pl_spikes", "log_norm", "log_spectral_norm"),
    *("alpha_weighted", "log_alpha_norm", "stable_rank"),
)
OF_BULKS = ("num_spikes", "sigma_mp", "bulk_min", "bulk_max", "mp_softrank")
SURVEY = "\n## The rules on healthy files\n"
"""What follows this heading is written by hand, and kept."""
STEP = 2.0**-23
_PROGRAM = """
import re
from pathlib import Path
import numpy as np
from modlint.analysis.spectra import TensorSpectrum
random = np.random.default_rng(0)
for i in range(%d):
    values = random.standard_normal((512, 2048), dtype=np.float32)
    TensorSpectrum(bulk=False).of_array(values, 2.0**-23)
    if i in (19, %d):
        status = Path("/proc/self/status").read_text()
        print(int(re.search(r"VmHWM:\\s*(\\d+)", status)[1]) / 1024)
"""


def correlated(module: nn.Module, seed: int) -> nn.Module:
    """Weights with a heavy tail, as training gives them: noise, and directions that stand out."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in (p for p in module.parameters() if p.dim() > 1):
            rows, columns = len(p), p[0].numel()
            directions = min(rows, columns, 40)
            sizes = torch.arange(1, directions + 1) ** -0.8
            left = torch.randn(rows, directions, generator=generator) * sizes
            signal = left @ torch.randn(directions, columns, generator=generator)
            noise = torch.randn(rows, columns, generator=generator)
            p.copy_((0.02 * signal + 0.03 * noise).reshape(p.shape))
    return module


def small() -> nn.Module:
    """Every kind of layer and odd sizes; 19, 20 and 21 eigenvalues."""
    layers = [nn.Linear(100, n) for n in (9, 12, 19, 20, 21, 64, 100)]
    convolutions = [nn.Conv2d(a, b, k) for a, b, k in ((3, 16, 7), (16, 16, 3), (8, 24, 1))]
    return nn.Sequential(*layers, *convolutions, nn.Embedding(500, 40))


def resnet18() -> nn.Module:
    """The weights of a ResNet-18."""
    shapes = [(3, 64, 7)] + [(64, 64, 3)] * 4
    for narrow, wide in ((64, 128), (128, 256), (256, 512)):
        shapes += [(narrow, wide, 3), (wide, wide, 3), (narrow, wide, 1)] + [(wide, wide, 3)] * 2
    return nn.Sequential(*(nn.Conv2d(*shape) for shape in shapes), nn.Linear(512, 1000))


def transformer(blocks: int, width: int) -> nn.Module:
    """The weights of a transformer's blocks."""
    sizes = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)] * blocks
    return nn.Sequential(*(nn.Linear(*size) for size in sizes))


def own(module: nn.Module, bulk: bool) -> dict[str, LayerSpectrum]:
    """By layer, what modlint measures."""
    analysis, found = TensorSpectrum(bulk=bulk), {}
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            values = parameter.detach().numpy()
            spectrum = analysis.of_array(values, STEP)
            found[name.removesuffix(".weight")] = LayerSpectrum(
                name=name, kind="weight", shape=values.shape, dtype="float32", spectrum=spectrum
            )
    return found


def theirs(module: nn.Module, bulk: bool) -> dict[str, dict[str, Any]]:
    """By layer, what WeightWatcher measures."""
    import weightwatcher

    with quiet():
        watcher = weightwatcher.WeightWatcher(model=module)
        details = watcher.analyze(mp_fit=bulk)
    return {row["longname"]: row for row in details.to_dict("records")}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what WeightWatcher prints and warns of."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def differences(module: nn.Module, columns: tuple[str, ...], bulk: bool) -> dict[str, float]:
    """By column, the largest difference over the layers."""
    mine, other = own(module, bulk), theirs(module, bulk)
    print(f"  {len(other)} layers of {len(mine)} measured by both", file=sys.stderr)
    return {
        column: max(
            abs(mine[name].value(column) - row[column]) / max(1.0, abs(row[column]))
            for name, row in other.items()
        )
        for column in columns
    }


def seconds(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """For each, the best of some rounds in which they take turns."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            best[place] = min(best[place], time.process_time() - start)
    return best


def floor(module: nn.Module) -> None:
    """What no method by Gram matrices in float64 can leave out: the products, their eigenvalues."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            matrices = slices_of(parameter.detach().numpy()).stack.astype(np.float64)
            np.linalg.eigvalsh(np.matmul(matrices.swapaxes(1, 2), matrices))


def peaks(layers: int) -> tuple[float, float]:
    """Peak memory in MB after 20 layers of 512 × 2048 and after all, in a process of its own."""
    program = _PROGRAM % (layers, layers - 1)
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, last = map(float, told.stdout.split())
    return first, last


def report(rounds: int, layers: int) -> Iterator[str]:
    """The results, as Markdown."""
    import weightwatcher

    yield "# Spectra: modlint beside WeightWatcher"
    yield ""
    yield (
        f"`python benchmarks/spectra.py`: WeightWatcher {weightwatcher.__version__}, numpy"
        f" {np.__version__}, Python {platform.python_version()}, one thread on"
        f" {platform.machine()}; weights with planted heavy tails."
    )
    yield ""
    yield "## Agreement"
    yield ""
    yield "Largest difference over the layers, relative to 1 or the value, whichever is larger."
    yield ""
    yield "| column | small layers | ResNet-18 shapes | 2 × 768 transformer |"
    yield "|---|---|---|---|"
    few = differences(correlated(small(), 0), (*COMPARED, *OF_BULKS), True)
    large = [
        differences(correlated(module, 1), COMPARED, False)
        for module in (resnet18(), transformer(2, 768))
    ]
    for column, value in few.items():
        cells = [f"{each[column]:.0e}" if column in each else "" for each in large]
        yield f"| `{column}` | {value:.0e} | {' | '.join(cells)} |"
    yield ""
    yield "The small layers have 9 to 784 eigenvalues, 19, 20 and 21 among them."
    yield ""
    yield "## Seconds"
    yield ""
    yield "α, D, norms and stable rank (no bulk, no shuffles), weights in memory; modlint computes"
    yield f"ranks and effective ranks too. Seconds of one processor, the best of {rounds}; *floor*"
    yield "is what Gram matrices in float64 and LAPACK's eigenvalues of them take by themselves."
    yield ""
    yield "| weights | modlint | floor | WeightWatcher | times |"
    yield "|---|---|---|---|---|"
    for title, module in (
        ("ResNet-18 shapes, 21 layers", correlated(resnet18(), 2)),
        ("12 × 768 transformer, 48 layers", correlated(transformer(12, 768), 2)),
    ):
        works = [partial(each, module, bulk=False) for each in (own, theirs)]
        fast, slow, least = seconds([*works, partial(floor, module)], rounds)
        yield f"| {title} | {fast:.2f} | {least:.2f} | {slow:.2f} | {slow / fast:.1f} |"
    yield ""
    yield "The aims were 2 and 5 times. Where modlint takes what the floor takes, one core has no"
    yield "more to give: a layer's SVD costs two to four times a Gram matrix and its eigenvalues."
    first, last = peaks(layers)
    yield ""
    yield "## Memory"
    yield ""
    yield (
        f"{layers} layers of 512 × 2048, one after the other: peak {first:.0f} MB after 20,"
        f" {last:.0f} MB after all."
    )


def main() -> None:
    """Write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/spectra.md")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--layers", type=int, default=200)
    arguments = parser.parse_args()
    text = "\n".join(report(arguments.rounds, arguments.layers)) + "\n"
    before = arguments.out.read_text(encoding="utf-8") if arguments.out.exists() else ""
    _, heading, survey = before.partition(SURVEY)
    arguments.out.write_text(text + heading + survey, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
