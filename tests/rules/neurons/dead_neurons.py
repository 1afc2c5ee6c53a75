"""Cases of NEU001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rule_cases import Case, Expected

Change = Callable[[dict[str, torch.Tensor]], None]


def mlp(*changes: Change) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    state = torch.nn.Sequential(
        torch.nn.Linear(8, 20),
        torch.nn.ReLU(),
        torch.nn.Linear(20, 10),
        torch.nn.ReLU(),
        torch.nn.Linear(10, 3),
    ).state_dict()
    for change in changes:
        change(state)
    return dict(state)


def saved(content: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


def exported(
    *changes: Change,
    activation: Callable[[], torch.nn.Module] = torch.nn.ReLU,
    outputs: tuple[str, ...] = (),
) -> Any:
    """The same network with an activation that the file tells: as ONNX, with further outputs."""

    def write(folder: Path) -> Path:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        state = mlp(*changes)
        kind = {torch.nn.ReLU: "Relu", torch.nn.Tanh: "Tanh"}[activation]
        nodes, value = [], "x"
        for index in ("0", "2", "4"):
            gemm = [value, f"{index}.weight", f"{index}.bias"]
            last = index == "4"
            output = "y" if last else f"h{index}"
            nodes.append(helper.make_node("Gemm", gemm, [output], name=index, transB=1))
            if not last:
                nodes.append(helper.make_node(kind, [output], [f"a{index}"]))
                value = f"a{index}"
        graph = helper.make_graph(
            nodes,
            "mlp",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None])
                for name in ("y", *outputs)
            ],
            [numpy_helper.from_array(t.numpy(), name) for name, t in state.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        onnx.save(model, folder / "model.onnx")
        return folder / "model.onnx"

    return write


def silence(name: str, *units: int) -> Change:
    """Nothing reads these units: zero columns of the layer that follows."""

    def change(state: dict[str, torch.Tensor]) -> None:
        state[f"{name}.weight"][:, list(units)] = 0

    return change


def undrive(name: str, *units: int, bias: float = -1.0) -> Change:
    """Nothing drives these units: zero rows of their layer."""

    def change(state: dict[str, torch.Tensor]) -> None:
        state[f"{name}.weight"][list(units)] = 0
        state[f"{name}.bias"][list(units)] = bias

    return change


def undrive_rows(name: str, *units: int) -> Change:
    """The same of a layer without bias."""

    def change(state: dict[str, torch.Tensor]) -> None:
        state[f"{name}.weight"][list(units)] = 0

    return change


def poison(state: dict[str, torch.Tensor]) -> None:
    state["0.weight"][0, 0] = float("nan")


def passing(total: int, confidence: str = "medium", **values: Any) -> Expected:
    return Expected("pass", confidence=confidence, values={"dead": 0, "total": total, **values})


def failing(severity: str, total: int, *dead: int, confidence: str = "medium") -> Expected:
    values = {"dead": len(dead), "total": total, "share": len(dead) / total, "indices": dead}
    return Expected("fail", severity, confidence, values=values)


def slices(
    name: str,
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    *share: int,
    message: str = "",
    severity: str = "note",
) -> Expected:
    """`share` is how many of how many, on the side of rows or of columns that has more."""
    dead, total = share
    values = {"dead": dead, "total": total, "indices": rows, "columns": columns}
    values |= {"share": dead / total}
    return Expected("fail", severity, "low", ("tensor", name), values, message)


def no_network(name: str, change: Change = lambda state: None) -> Callable[[Path], Path]:
    """Two weights that no graph builder can chain."""
    state = {f"{name}.weight": torch.ones(8, 5), "other.weight": torch.ones(7, 3)}
    state[f"{name}.bias"] = torch.ones(8)
    change(state)
    return saved(state)


def gan(*changes: Change) -> Callable[[Path], Path]:
    """A generator that is a chain beside a discriminator that is none."""
    state = {f"generator.{name}": tensor for name, tensor in mlp().items()}
    state |= {
        "discriminator.embedding.weight": torch.ones(9, 30),
        "discriminator.fc.weight": torch.ones(40, 30),
    }
    for change in changes:
        change(state)
    return saved(state)


def llama(factor: str, unit: int) -> Callable[[Path], Path]:
    """A block of LLaMA's names, of which one factor of one hidden unit is zero."""
    torch.manual_seed(0)
    state = {f"self_attn.{p}_proj.weight": torch.randn(4, 4) for p in "qkvo"}
    state |= {f"mlp.{p}_proj.weight": torch.randn(6, 4) for p in ("gate", "up")}
    state |= {f"{p}_layernorm.weight": torch.ones(4) for p in ("input", "post_attention")}
    state["mlp.down_proj.weight"] = torch.randn(4, 6)
    state[f"mlp.{factor}.weight"][unit] = 0
    return saved({f"layers.0.{name}": tensor for name, tensor in state.items()})


def _zero(weight: torch.Tensor) -> None:
    weight[1:3] = 0
    weight[:, 4] = 0


def dead_units(rows: bool = True) -> Callable[[Path], Path]:
    """19 of 64 units set to zero on both sides, in weights that no graph builder can chain."""
    state = {"a.weight": torch.ones(64, 40), "b.weight": torch.ones(30, 64)}
    state |= {"c.weight": torch.ones(9, 64), "tied.weight": state["a.weight"]}
    if rows:
        state["a.weight"][:19] = 0
    for name in ("b", "c"):
        state[f"{name}.weight"][:, :19] = 0
    return saved(state)


def zero_convolution() -> dict[str, torch.Tensor]:
    """As ControlNet starts: a convolution of zeros beside others."""
    return {
        "mid.weight": torch.ones(6, 5, 3, 3),
        "skip.weight": torch.ones(4, 9),
        "zero_conv.weight": torch.zeros(8, 8, 1, 1),
        "zero_conv.bias": torch.zeros(8),
    }


UNREAD_TWO = silence("2", 3, 7)


def table(rows: int, *zero: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    weight = torch.randn(rows, 16)
    weight[list(zero)] = 0
    return {"tokens_in.weight": weight, "odd.weight": torch.randn(4, 3, 2)}


CASES = (
    Case(
        "the padding of an embedding is no dead unit",
        saved(table(300, 1)),
        (Expected("pass", message="no all-zero row or column in 2 weights"),),
    ),
    Case(
        "two zero rows are no padding",
        saved(table(300, 0, 1)),
        (Expected("fail", "note", values={"dead": 2}),),
    ),
    Case("a healthy network passes layer by layer", saved(mlp()), (passing(20), passing(10))),
    Case(
        "few units that nothing reads are a note",
        saved(mlp(UNREAD_TWO)),
        (failing("note", 20, 3, 7), passing(10)),
    ),
    Case(
        "more than a tenth of a layer is a warning",
        saved(mlp(silence("2", 0, 1, 19))),
        (failing("warning", 20, 0, 1, 19), passing(10)),
    ),
    Case(
        "a whole layer is an error, and so is what only it reads",
        saved(mlp(silence("4", *range(10)))),
        (failing("error", 20, *range(20)), failing("error", 10, *range(10))),
    ),
    Case(
        "the shares are options",
        saved(mlp(UNREAD_TWO)),
        (passing(20, dead=2, share=0.1), passing(10)),
        {"note-share": 0.1},
    ),
    Case(
        "max-share makes it a warning sooner",
        saved(mlp(UNREAD_TWO)),
        (failing("warning", 20, 3, 7), passing(10)),
        {"max-share": 0.05},
    ),
    Case(
        "a state_dict does not tell the activation: an undriven unit has low confidence",
        saved(mlp(undrive("0", 5))),
        (failing("note", 20, 5, confidence="low"), passing(10)),
    ),
    Case(
        "behind a ReLU an undriven unit with a negative bias is dead",
        exported(undrive("0", 5, bias=-1.0)),
        (failing("note", 20, 5, confidence="high"), passing(10, confidence="high")),
    ),
    Case(
        "behind a ReLU an undriven unit with bias 0 is dead",
        exported(undrive("0", 5, bias=0.0)),
        (failing("note", 20, 5, confidence="high"), passing(10, confidence="high")),
    ),
    Case(
        "behind a ReLU an undriven unit with a positive bias serves as a bias",
        exported(undrive("0", 5, bias=1.0)),
        (passing(20, constant=1, off=0, confidence="high"), passing(10, confidence="high")),
    ),
    Case(
        "behind a tanh an undriven unit is constant, with low confidence",
        exported(undrive("0", 5), activation=torch.nn.Tanh),
        (failing("note", 20, 5, confidence="low"), passing(10, confidence="high")),
    ),
    Case(
        "a unit neither driven nor read is counted once",
        exported(undrive("0", 3), UNREAD_TWO),
        (failing("note", 20, 3, 7, confidence="high"), passing(10, confidence="high")),
    ),
    Case(
        "a NaN drives its unit",
        saved(mlp(undrive("0", 0), poison)),
        (passing(20), passing(10)),
    ),
    Case(
        "without a network nothing zero passes once",
        no_network("conv"),
        (Expected("pass", confidence="low", values={"tensors": 2, "dead": 0}),),
    ),
    Case(
        "without a network zero rows and columns are a note",
        no_network("conv", lambda state: _zero(state["conv.weight"])),
        (
            slices(
                "conv.weight",
                (1, 2),
                (4,),
                *(2, 8),
                message="2 of 8 rows all zero (25.0%), 1 of 5 columns all zero (20.0%)",
            ),
        ),
    ),
    Case(
        "without a network, rows and columns are counted apart and units told once, tied or not",
        dead_units(),
        (
            slices(
                "a.weight",
                tuple(range(19)),
                (),
                *(19, 64),
                message="19 of 64 rows all zero (29.7%)",
            ),
        ),
    ),
    Case(
        "without a network, columns that no rows tell are told",
        dead_units(rows=False),
        (
            slices("b.weight", (), tuple(range(19)), 19, 64, message="19 of 64 columns all zero"),
            slices("c.weight", (), tuple(range(19)), 19, 64),
        ),
    ),
    Case(
        "a convolution of zeros is said to be one",
        saved(zero_convolution()),
        (
            slices(
                "zero_conv.weight",
                tuple(range(8)),
                tuple(range(8)),
                *(8, 8),
                message="every element is zero, in all of 8 rows",
            ),
        ),
    ),
    Case(
        "the settings' severity is that of shares above max-share",
        saved(mlp(UNREAD_TWO, silence("4", 0, 1))),
        (failing("note", 20, 3, 7), failing("error", 10, 0, 1)),
        {"severity": "error"},
    ),
    Case(
        "without a network too",
        no_network("conv", lambda state: _zero(state["conv.weight"])),
        (slices("conv.weight", (1, 2), (4,), 2, 8),),
        {"severity": "error", "max-share": 0.25},
    ),
    *(
        Case(
            f"zero rows of {name} are no dead units",
            no_network(name, lambda state, name=name: _zero(state[f"{name}.weight"])),
            (Expected("pass", values={"tensors": 1}),),
        )
        for name in ("embedding", "pos_encoder", "lora_B", "lm_head")
    ),
    Case(
        "a network that was rebuilt does not hide the tensors of one that was not",
        gan(undrive_rows("discriminator.fc", *range(20))),
        (passing(20), passing(10), slices("discriminator.fc.weight", tuple(range(20)), (), 20, 40)),
    ),
    Case(
        "tensors of networks are not judged again outside them",
        gan(silence("generator.2", 3)),
        (
            failing("note", 20, 3),
            passing(10),
            Expected("pass", confidence="low", values={"tensors": 1}, message="outside the"),
        ),
    ),
    Case(
        "a network without a hidden layer is not passed",
        saved({"fc.weight": torch.zeros(3, 8), "fc.bias": torch.zeros(3)}),
        (Expected("not-applicable", target=("file", "model.pt"), message="has a hidden layer"),),
    ),
    Case(
        "units that are an output too are read",
        exported(silence("2", 3), outputs=("a0",)),
        (passing(20, silent=0, confidence="high"), passing(10, confidence="high")),
    ),
    Case(
        "matrices that nothing tells from weights leave it inconclusive",
        saved({"mixer.w1": torch.ones(4, 8), "mixer.w2": torch.ones(8, 4)}),
        (Expected("inconclusive"),),
    ),
    Case(
        "the factors of an adapter hold no units",
        saved({"lora_A.weight": torch.ones(4, 8), "lora_B.weight": torch.zeros(8, 4)}),
        (Expected("not-applicable"),),
    ),
    Case(
        "a file without a matrix is not passed",
        saved({"norm.weight": torch.zeros(4), "steps": torch.zeros(2, 2).long()}),
        (Expected("not-applicable", message="holds no weight matrix"),),
    ),
    *(
        Case(
            f"a product is dead where its {factor} is zero",
            llama(factor, 2),
            (
                *(Expected("pass", target=("layer", f"layers.0.self_attn.{p}_proj")) for p in "qv"),
                failing("warning", 6, 2),
            ),
        )
        for factor in ("gate_proj", "up_proj")
    ),
)
