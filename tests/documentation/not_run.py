"""Commands of the documentation that the tests cannot run, each with the reason."""

from __future__ import annotations

STEPS = "\n## Ten minutes\n", "\n## Recipes\n"
"""Between these README leads through a project of its own, which tests/newcomer runs."""

SETS_UP = "sets up an environment of its own: scripts/release.py does so, with the wheel"
ALL = "runs these tests among everything else"
RUNS_THE_TESTS = "runs these tests, or what runs them: .ci/run is that"
BENCHMARK = "a benchmark of minutes to hours, on data that is not in the repository"

REASONS = {
    "make demo": SETS_UP,
    "make docs     # builds the site of the documentation into site/": SETS_UP,
    "source .venv/bin/activate": "the tests' own environment is active",
    'make test     # sets up .venv and runs the tests; ARGS="-k non_finite" passes arguments to'
    " pytest": RUNS_THE_TESTS,
    "make lint     # ruff, mypy --strict, import-linter, and whether the outputs in README.md are"
    " true": RUNS_THE_TESTS,
    "make format   # mends what ruff can mend": "changes the working tree",
    "make pictures # renews the pictures of terminals and notebooks; look at them": (
        "changes the working tree, and needs Chromium and JupyterLab"
    ),
    ".ci/run       # all of it, and the built wheels in a fresh environment": ALL,
    'python scripts/new_rule.py NUM007 constant-tensor "a weight holds one value only"': (
        "writes into the working tree: tests/test_new_rule.py runs it in a copy"
    ),
    "python -m pip install .": SETS_UP,
    "python -m pip install . ./plugins/modlint-train": SETS_UP,
    'python -m pip install "./modlint[torch]" --extra-index-url'
    " https://download.pytorch.org/whl/cpu": "downloads torch from an index of its own",
    'python -m pip install "./modlint[torch]"      # with CUDA': "downloads gigabytes of CUDA",
    "python scripts/release.py                 # builds all three, checks them, tries the wheels": (
        SETS_UP
    ),
    "python scripts/release.py --tests all     # with every test that needs no source file": ALL,
    "modlint rule EXA001": "needs the example plugin installed: scripts/release.py installs it",
    "modlint check --select EXA001 --output-format counts model.pt": (
        "needs the example plugin installed: scripts/release.py installs it"
    ),
    "python -m pip install scikit-learn matplotlib ./plugins/modlint-train": BENCHMARK,
    "python benchmarks/reproduce.py --seeds 2 --data FOLDER": BENCHMARK,
    "python benchmarks/speed.py MNIST_MLP.pt": BENCHMARK,
    "git clone https://github.com/dfilan/clusterability_in_neural_networks": BENCHMARK,
    "git clone https://github.com/HumanCompatibleAI/nn-clustering-pytorch": BENCHMARK,
    "nice python -m benchmarks.larger --authors clusterability_in_neural_networks"
    " --pytorch nn-clustering-pytorch": BENCHMARK,
    "python benchmarks/calibration.py": BENCHMARK,
    "python -m benchmarks.modules calibration --networks 600": BENCHMARK,
    "python -m benchmarks.modules power --seeds 20": BENCHMARK,
    "python -m benchmarks.modules files --folder FOLDER --seeds 5": BENCHMARK,
    "python -m benchmarks.modules table": BENCHMARK,
    "python -m benchmarks.lesions clusterability_in_neural_networks": BENCHMARK,
    "python -m benchmarks.modules.boolean": BENCHMARK,
    "python -m benchmarks.modules.function --data FOLDER --seeds 3": BENCHMARK,
    "python -m pip install ./plugins/modlint-train": BENCHMARK,
    "python benchmarks/promote.py --seeds 3 --mnist-seeds 2": BENCHMARK,
    "python benchmarks/penalty.py": BENCHMARK,
    "python benchmarks/api.py": BENCHMARK,
    "python benchmarks/diff.py": BENCHMARK,
    "python -m pip install weightwatcher torch .": BENCHMARK,
    "python benchmarks/spectra.py": BENCHMARK,
    "python -m benchmarks.papers.structures": BENCHMARK,
    "python -m benchmarks.papers.rank_by_depth": BENCHMARK,
    "python -m benchmarks.papers.periods": BENCHMARK,
    "python -m benchmarks.papers.lipschitz": BENCHMARK,
    "python -m benchmarks.papers.recurrence": BENCHMARK,
    "python -m benchmarks.papers.coding": BENCHMARK,
    "python -m benchmarks.papers.binarised": BENCHMARK,
    "python -m benchmarks.papers.lateral": BENCHMARK,
    "python -m benchmarks.papers.protected": BENCHMARK,
    "python -m benchmarks.papers.payload": BENCHMARK,
    "python -m benchmarks.papers.failout": BENCHMARK,
    "python -m benchmarks.papers.ensembles --data FOLDER": BENCHMARK,
    "python -m benchmarks.papers.tangents": BENCHMARK,
    "python -m benchmarks.papers.spiking": BENCHMARK,
    "python -m venv scanners": BENCHMARK,
    "scanners/bin/pip install picklescan fickling modelscan modelaudit hayward==1.4.1": BENCHMARK,
    "python benchmarks/scanners.py --venv scanners --corpus FOLDER --literature": BENCHMARK,
    "python -m venv analysers": BENCHMARK,
    "analysers/bin/pip install weightwatcher model-clinic weightlens torch-audit polygraphy"
    " onnx-graphsurgeon": BENCHMARK,
    "python benchmarks/neighbours.py --scanners scanners --analysers analysers": BENCHMARK,
    "python -m venv weights": BENCHMARK,
    "weights/bin/pip install weightlens model-clinic safetensors": BENCHMARK,
    "python benchmarks/tensor_statistics.py --venv weights --rounds 7": BENCHMARK,
    "python -m benchmarks.fuzz --count 20000 --seed 0 --corpus FOLDER": BENCHMARK,
    "python -m benchmarks.mutation --sample 200 --seed 0": BENCHMARK,
    "python benchmarks/same_verdicts.py ../before . ../shared/models --most 25": BENCHMARK,
}

FINDS = {
    "modlint check                                  # all checkpoints in this folder": (
        "examples/checkpoints/broken is among them"
    ),
}
"""Commands that end in exit code 1 without that the page says so: why."""
