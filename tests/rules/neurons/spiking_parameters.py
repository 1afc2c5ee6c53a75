"""Cases of NEU010: state_dicts of snnTorch's layers, by their names and shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import save_as

State = dict[str, torch.Tensor]
Change = Callable[[State], object]
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def neurons(name: str, **others: torch.Tensor | float) -> State:
    """What snn.Leaky stores; Synaptic has `alpha` too, Lapicque further ones."""
    values: Mapping[str, torch.Tensor | float] = {
        "threshold": 1.0,
        "graded_spikes_factor": 1.0,
        "reset_mechanism_val": torch.tensor(0),
        "beta": 0.9,
        **others,
    }
    return {f"{name}.{part}": torch.as_tensor(value) for part, value in values.items()}


def linear(name: str, inputs: int, outputs: int) -> State:
    layer = torch.nn.Linear(inputs, outputs)
    return {f"{name}.{part}": value.detach() for part, value in layer.state_dict().items()}


def named(seed: int, change: Change) -> State:
    torch.manual_seed(seed)
    first = linear("fc1", 40, 30) | neurons("lif1")
    state = first | linear("fc2", 30, 20) | neurons("lif2")
    change(state)
    return state


def numbered(seed: int, change: Change) -> State:
    """An `nn.Sequential` in a module, under a prefix."""
    places = {"fc1": "net.0", "lif1": "net.1", "fc2": "net.3", "lif2": "net.4"}
    state = named(seed, change)
    return {places[name.split(".")[0]] + name[name.index(".") :]: t for name, t in state.items()}


def put(name: str, value: torch.Tensor | float) -> Change:
    return lambda state: state.update({name: torch.as_tensor(value)})


def unable(state: State) -> None:
    """All weights of two neurons hold back."""
    state["fc2.weight"][[3, 7]] = -state["fc2.weight"][[3, 7]].abs()
    state["fc2.bias"][[3, 7]] = 0.0


def faint(state: State) -> None:
    state["fc2.weight"][:5] *= 0.005
    state["fc2.bias"][:5] = 0.0


def out_of_reach(state: State) -> None:
    state["lif2.threshold"] = torch.tensor(500.0)


def held_back(state: State) -> None:
    state["fc2.bias"][:] = -20.0


ONES = torch.ones(20)
PLANTED: list[tuple[str, Change, str]] = [
    ("a threshold of 0", put("lif1.threshold", 0.0), "warning"),
    ("a negative one", put("lif2.threshold", -0.3), "warning"),
    ("one of many", put("lif2.threshold", torch.cat([ONES[:19], -ONES[:1]])), "warning"),
    ("half of many", put("lif2.threshold", torch.linspace(-1, 1, 20)), "warning"),
    ("a decay above 1", put("lif1.beta", 1.2), "warning"),
    ("below 0", put("lif1.beta", -0.1), "warning"),
    ("one of many decays", put("lif2.beta", torch.linspace(0.2, 1.05, 20)), "warning"),
    ("of channels", put("lif1.beta", torch.full((30, 1, 1), 1.5)), "warning"),
    ("the current's decay", put("lif1.alpha", 1.1), "warning"),
    ("below 0, of many", put("lif1.alpha", torch.linspace(-0.2, 0.9, 30)), "warning"),
    ("weights that hold back", unable, "note"),
    ("faint weights", faint, "note"),
    ("a threshold out of reach", out_of_reach, "note"),
    ("a bias that holds back", held_back, "note"),
]
NEAR_MISSES: list[tuple[str, Change]] = [
    ("as initialised", lambda state: None),
    ("a small threshold", put("lif1.threshold", 0.01)),
    ("thresholds of many", put("lif2.threshold", torch.linspace(0.1, 1, 20))),
    ("no leak", put("lif2.beta", 1.0)),
    ("no memory", put("lif1.beta", 0.0)),
    ("decays of many", put("lif2.beta", torch.linspace(0.6, 1, 20))),
    ("a slow decay", put("lif2.beta", 0.999)),
    ("the current's decay", put("lif1.alpha", 0.8)),
    ("the first layer's input is not known to be spikes", put("fc1.bias", -50 * torch.ones(30))),
    ("another neuron's reach is not known", lambda s: (held_back(s), s.update(late(s)))),
    ("nor behind a norm", lambda s: (held_back(s), normed(s))),
    ("graded spikes", lambda s: (faint(s), s.update({"lif1.graded_spikes_factor": GRADED}))),
    ("a drive that adds up", lambda s: (faint(s), s.update({"lif2.beta": SLOW}))),
]
GRADED, SLOW = torch.tensor(1000.0), torch.tensor(1.0)


def late(state: State) -> State:
    """What snn.Synaptic stores besides."""
    return {"lif2.alpha": torch.tensor(0.5)}


def normed(state: State) -> None:
    """A batch norm between the linear layer and its neurons."""
    last = {name: state.pop(name) for name in list(state) if name.startswith("lif2.")}
    state.update({"bn.weight": torch.ones(20), "bn.bias": torch.zeros(20), **last})


def written(number: int, change: Change, layout: Callable[[int, Change], State]) -> Callable:
    def write(folder: Path) -> Path:
        dtype = DTYPES[number % len(DTYPES)]
        state = layout(number, change)
        typed = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}
        return save_as(typed, folder, ("pt", "legacy", "section")[number % 3])

    return write


LAYOUTS = (named, numbered)
CASES = (
    *(
        Case(
            f"{title}, {layout.__name__}",
            written(number, change, layout),
            (Expected("fail", severity),),
        )
        for number, (title, change, severity) in enumerate(PLANTED)
        for layout in LAYOUTS
        if layout is named or "alpha" not in title
    ),
    *(
        Case(
            f"near: {title}, {layout.__name__}",
            written(number, change, layout),
            (Expected("pass", message="2 layers of spiking neurons"),),
        )
        for number, (title, change) in enumerate(NEAR_MISSES)
        for layout in (LAYOUTS if "norm" not in title else (named,))
    ),
    Case(
        "which neurons",
        written(0, unable, named),
        (
            Expected(
                "fail",
                "note",
                "low",
                ("units", "lif2"),
                {"never": (3, 7), "neurons": 20, "driver": "fc2"},
                "2 neurons of 20 never spike",
            ),
        ),
    ),
    Case(
        "thresholds of something else",
        lambda folder: save_as({"shrink.threshold": torch.tensor(-1.0)}, folder, "pt"),
        (Expected("not-applicable", message="snnTorch"),),
    ),
    Case(
        "NaN",
        written(0, put("lif1.beta", float("nan")), named),
        (Expected("inconclusive", message="NaN"),),
    ),
)
