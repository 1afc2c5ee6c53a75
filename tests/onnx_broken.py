"""Models that are broken, or look so, in one way each; what a runtime makes of them is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx_models import (
    CONDITION,
    WEIGHT,
    array,
    body,
    branch,
    choice,
    function,
    model,
    node,
    sparse_tensor,
    untyped,
    value,
)

RELU = node("Relu", "x", "y", "r")
PRODUCT = node("MatMul", "x w", "y", "mm")
CALL = node("f", "x", "y", domain="own")
THREE = numpy_helper.from_array(np.array(3), "n")
STANDARD = {"domain": "", "opsets": {"": 17}}


def changed(source: onnx.ModelProto, change: Callable[[Any], object]) -> onnx.ModelProto:
    change(source)
    return source


def attribute(change: Callable[[Any], object]) -> onnx.ModelProto:
    made = model(node("Softmax", "x", "y", axis=1))
    return changed(made, lambda m: change(m.graph.node[0].attribute[0]))


def initialiser(**fields: Any) -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 3], raw_data=bytes(36))
    for name, held in fields.items():
        tensor.ClearField(name)
        if isinstance(held, list):
            getattr(tensor, name).extend(held)
        elif held is not None:
            setattr(tensor, name, held)
    return tensor


def external(**entries: str) -> TensorProto:
    tensor = initialiser(raw_data=None, data_location=TensorProto.EXTERNAL)
    for key, held in entries.items():
        tensor.external_data.add(key=key, value=held)
    return tensor


def product(tensor: TensorProto, **rest: Any) -> onnx.ModelProto:
    return model(PRODUCT, tensors=[tensor], **rest)


def constant(tensor: TensorProto) -> onnx.ModelProto:
    return model(node("Constant", "", "w", value=tensor), PRODUCT)


def sparse(**how: Any) -> onnx.ModelProto:
    made = model(PRODUCT)
    made.graph.sparse_initializer.append(sparse_tensor(**how))
    return made


def called(*functions: Any, call: Any = CALL, **rest: Any) -> onnx.ModelProto:
    return model(call, functions=functions, opsets={"own": 1}, **rest)


def conditional(then: Any, *before: Any, **rest: Any) -> onnx.ModelProto:
    return model(*before, choice(then), tensors=[CONDITION, WEIGHT], **rest)


def loop(inner: Any) -> onnx.ModelProto:
    return model(node("Loop", "n c x", "y", body=inner), tensors=[CONDITION, THREE])


def names() -> dict[str, onnx.ModelProto]:
    relu = node("Relu", "h", "y")
    return {
        "undefined": model(relu),
        "undefined output": model(RELU, outputs=[value("y"), value("z")]),
        "unsorted": model(relu, node("Relu", "x", "h")),
        "cycle": model(node("Add", "x b", "a"), node("Add", "a x", "b"), node("Relu", "b", "y")),
        "node that reads itself": model(node("Add", "x y", "y")),
        "node names twice": model(node("Relu", "x", "h", "r"), node("Relu", "h", "y", "r")),
        "output twice": model(RELU, node("Abs", "x", "y")),
        "output of one node twice": model(node("Split", "x", "y y", axis=0), opset=11),
        "node that defines an input": model(node("Relu", "x", "x"), RELU),
        "node that defines an initialiser": model(node("Abs", "x", "w"), PRODUCT, tensors=[WEIGHT]),
        "input twice": model(RELU, inputs=[value("x"), value("x")]),
        "graph output twice": model(RELU, outputs=[value("y"), value("y")]),
        "graph without a name": model(RELU, name=""),
        "input without a name": model(RELU, inputs=[value("x"), value("")]),
        "unused node": model(RELU, node("Abs", "x", "z")),
        "constants of one name": model(
            node("Constant", "", "w", "n", value=WEIGHT),
            node("Constant", "", "v", "n", value=WEIGHT),
            PRODUCT,
        ),
    }


def operators() -> dict[str, onnx.ModelProto]:
    return {
        "unknown operator": model(node("Odd", "x", "y")),
        "unknown operator of ai.onnx": model(node("Odd", "x", "y", domain="ai.onnx")),
        "operator of ai.onnx": model(node("Relu", "x", "y", domain="ai.onnx")),
        "operator of a later opset": model(node("Gelu", "x", "y")),
        "deprecated operator": model(node("Upsample", "x", "y", scales=[1.0, 1.0])),
        "ml without import": model(
            node("Scaler", "x", "y", domain="ai.onnx.ml", offset=[0.0], scale=[1.0])
        ),
        "unknown operator of ml": model(
            node("Odd", "x", "y", domain="ai.onnx.ml"), opsets={"ai.onnx.ml": 3}
        ),
        "unknown domain": model(node("Odd", "x", "y", domain="org.x"), opsets={"org.x": 1}),
        "unknown domain, not imported": model(node("Odd", "x", "y", domain="org.x")),
        "onnxruntime's own": model(node("Gelu", "x", "y", domain="com.microsoft")),
        "not onnxruntime's": model(
            node("Odd", "x", "y", domain="com.microsoft"), opsets={"com.microsoft": 1}
        ),
        "too few inputs": model(node("MatMul", "x", "y")),
        "too many inputs": model(node("Relu", "x x", "y")),
        "too many outputs": model(node("Relu", "x", "y z")),
        "no output": model(node("Relu", "x", ""), RELU),
        "required input left out": model(node("MatMul", "x -", "y")),
        "optional input left out": model(node("Clip", "x - -", "y")),
        "unknown attribute": model(node("Relu", "x", "y", axis=1)),
        "missing attribute": model(node("Cast", "x", "y")),
        "attribute of a wrong type": model(node("Softmax", "x", "y", axis=1.5)),
        "attribute out of range": model(node("Softmax", "x", "y", axis=7)),
        "attribute without type": attribute(lambda a: a.ClearField("type")),
        "attribute without value": attribute(lambda a: a.ClearField("i")),
        "attribute of two values": attribute(lambda a: setattr(a, "f", 1.0)),
        "attribute that lies": attribute(lambda a: setattr(a, "type", 1)),
        "attribute without name": attribute(lambda a: setattr(a, "name", "")),
        "constant of two values": model(
            node("Constant", "", "w", value=WEIGHT, value_float=1.0), PRODUCT
        ),
        "constant of none": model(node("Constant", "", "w"), PRODUCT),
        "no opset": changed(model(RELU), lambda m: m.ClearField("opset_import")),
        "opset 0": model(RELU, opset=0),
        "opset 99": model(RELU, opset=99),
        "no ir_version": changed(model(RELU), lambda m: m.ClearField("ir_version")),
        "ir_version 99": changed(model(RELU), lambda m: setattr(m, "ir_version", 99)),
        "metadata twice": changed(
            model(RELU), lambda m: [m.metadata_props.add(key="a", value="b") for _ in "ab"]
        ),
    }


def types() -> dict[str, onnx.ModelProto]:
    hidden, reads = node("Relu", "x", "h"), node("Relu", "h", "y")
    onward = node("MatMul", "h w", "y")
    return {
        "inputs of two types": model(node("Add", "x i", "y"), tensors=[array("i", 1, 2, 3)]),
        "type that is not taken": model(
            RELU, inputs=[value("x", TensorProto.BOOL)], outputs=[value("y", TensorProto.BOOL)]
        ),
        "stated output type": model(RELU, outputs=[value("y", TensorProto.INT32)]),
        "stated inner type": model(hidden, reads, values=[value("h", TensorProto.INT32)]),
        "stated output shape": model(RELU, outputs=[value("y", shape=(2, 4))]),
        "stated output rank": model(RELU, outputs=[value("y", shape=(2,))]),
        "stated inner shape": model(hidden, reads, values=[value("h", shape=(2, 4))]),
        "stated shape that would not fit": model(
            hidden, onward, values=[value("h", shape=(2, 4))], tensors=[WEIGHT]
        ),
        "shapes that do not fit": product(WEIGHT, inputs=[value("x", shape=(2, 4))]),
        "one wrong shape and one wrong statement": model(
            hidden,
            node("Relu", "h", "k", "k"),
            node("MatMul", "k w", "y"),
            values=[value("h", shape=(2,))],
            inputs=[value("x", shape=(2, 4))],
            tensors=[WEIGHT],
        ),
        "broadcast": model(node("Add", "x w", "y"), tensors=[WEIGHT]),
        "reshape to another size": model(node("Reshape", "x s", "y"), tensors=[array("s", 4, 4)]),
        "reshape of two unknowns": model(
            node("Reshape", "x s", "y"), tensors=[array("s", -1, -1)], outputs=[untyped("y")]
        ),
        "input without type": model(RELU, inputs=[untyped("x")]),
        "input without shape": model(RELU, inputs=[value("x", shape=None)]),
        "output without type": model(RELU, outputs=[untyped("y")]),
        "input of an unknown type": model(RELU, inputs=[value("x", 99)]),
        "output of no type": model(RELU, outputs=[value("y", 0)]),
        "inner value of an unknown type": model(hidden, reads, values=[value("h", 99)]),
        "stated type of an initialiser": product(
            WEIGHT, values=[value("w", TensorProto.INT32, (3, 3))]
        ),
        "sequence for a tensor": model(node("SequenceConstruct", "x", "s"), node("Relu", "s", "y")),
    }


def initialisers() -> dict[str, onnx.ModelProto]:
    other = numpy_helper.from_array(np.ones((3, 2), np.float32), "w")
    text = TensorProto(name="w", data_type=TensorProto.STRING, dims=[2], string_data=[b"a"])
    strings = {"outputs": [value("y", TensorProto.STRING, (2,))], "tensors": [text]}
    return {
        "too short": product(initialiser(raw_data=bytes(32))),
        "too long": product(initialiser(raw_data=bytes(40))),
        "typed and too short": product(initialiser(raw_data=None, float_data=[1.0] * 8)),
        "typed": product(initialiser(raw_data=None, float_data=[1.0] * 9)),
        "raw and typed": product(initialiser(float_data=[1.0] * 9)),
        "of another field": product(initialiser(raw_data=None, int32_data=[1] * 9)),
        "stripped": product(initialiser(raw_data=None)),
        "of type 0": product(initialiser(data_type=0)),
        "of type 99": product(initialiser(data_type=99)),
        "of negative size": product(initialiser(dims=[-3, -3])),
        "segment": changed(
            product(initialiser()), lambda m: setattr(m.graph.initializer[0].segment, "end", 9)
        ),
        "given twice": model(PRODUCT, tensors=[WEIGHT, WEIGHT]),
        "given twice and differing": model(PRODUCT, tensors=[WEIGHT, other]),
        "that is an input": product(WEIGHT, inputs=[value("x"), value("w", shape=(3, 3))]),
        "that is an input of another shape": product(
            WEIGHT, inputs=[value("x"), value("w", shape=(3, 4))]
        ),
        "without a name": model(RELU, tensors=[initialiser(name="")]),
        "unused and too short": model(RELU, tensors=[initialiser(raw_data=bytes(8))]),
        "constant too short": constant(initialiser(raw_data=bytes(8))),
        "constant of type 0": constant(initialiser(data_type=0)),
        "too few strings": model(node("Identity", "w", "y"), **strings),
        "external": product(external(location="w.bin")),
        "external and missing": product(external(location="gone.bin")),
        "external of an unknown key": product(external(location="w.bin", script="w.bin")),
        "external beyond the end": product(external(location="w.bin", offset="8")),
        "external of another length": product(external(location="w.bin", length="35")),
        "external of length 0": product(external(location="w.bin", length="0")),
        "external number with a sign": product(external(location="w.bin", offset="+0")),
        "external elsewhere": product(external(location="../w.bin")),
        "constant external and missing": constant(external(location="gone.bin")),
        "sparse": sparse(indices=[0, 4]),
        "sparse of two axes": sparse(indices=[[0, 0], [1, 1]]),
        "sparse beyond the end": sparse(indices=[0, 99]),
        "sparse before the beginning": sparse(indices=[-1, 4]),
        "sparse beyond an axis": sparse(indices=[[0, 0], [1, 9]]),
        "sparse of fewer indices": sparse(indices=[4]),
        "sparse of unsigned indices": sparse(indices=[0, 4], dtype=np.uint8),
        "sparse of negative size": sparse(indices=[0, 4], shape=(-3, 3)),
    }


def subgraphs() -> dict[str, onnx.ModelProto]:
    relu = node("Relu", "x", "b")
    inner = node("Relu", "h", "b")
    return {
        "undefined in a branch": conditional(branch(node("Relu", "q", "b"))),
        "undefined output of a branch": conditional(branch(node("Relu", "x", "bb"))),
        "unsorted branch": conditional(branch(inner, node("Relu", "x", "h"))),
        "branch that reads a later name": model(
            choice(branch(inner)), node("Relu", "x", "h"), tensors=[CONDITION]
        ),
        "branch that reads its own result": model(
            choice(branch(inner)), node("Relu", "y", "h"), tensors=[CONDITION]
        ),
        "branch that hides a name": conditional(
            branch(node("Relu", "x", "h"), inner), node("Relu", "x", "h")
        ),
        "unknown operator in a branch": conditional(branch(node("Odd", "x", "b"))),
        "branches of two types": conditional(branch(node("Cast", "x", "b", to=6))),
        "branches of two lengths": conditional(branch(relu, outputs="b b")),
        "branch with an input": conditional(branch(relu, inputs=[value("k")])),
        "branch without a name": conditional(branch(relu, name="")),
        "branch that gives an outer value": conditional(branch(outputs="x")),
        "shapes that do not fit in a branch": conditional(branch(node("MatMul", "x x", "b"))),
        "branch with a short initialiser": conditional(
            branch(relu, initializer=[initialiser(raw_data=bytes(4))])
        ),
        "node names twice in a branch": conditional(
            branch(node("Relu", "x", "h", "n"), node("Relu", "h", "b", "n"))
        ),
        "node names in two branches": model(
            choice(branch(node("Relu", "x", "b", "n")), branch(node("Abs", "x", "b", "n"))),
            tensors=[CONDITION],
        ),
        "condition that is no boolean": model(
            node("If", "x", "y", then_branch=branch(relu), else_branch=branch(relu))
        ),
        "loop": loop(body(node("Relu", "v", "vo"))),
        "loop whose body hides an outer value": loop(body(node("Relu", "v", "x"), given="x")),
        "loop whose input hides an outer value": loop(body(node("Relu", "x", "vo"), carried="x")),
        "loop that gives too little": loop(body(given="v")),
    }


def functions() -> dict[str, onnx.ModelProto]:
    relu, odd = node("Relu", "a", "b"), node("Odd", "a", "b")
    unsorted = (node("Relu", "h", "b"), node("Relu", "a", "h"))
    twice = (node("Relu", "a", "h", "n"), node("Relu", "h", "b", "n"))
    endless = function(node("f", "a", "b", domain="own"))
    return {
        "function": called(function(relu)),
        "recursive function": called(endless),
        "recursive function that nothing calls": called(endless, call=RELU),
        "undefined in a function": called(function(node("Relu", "q", "b"))),
        "undefined in an uncalled function": called(function(node("Relu", "q", "b")), call=RELU),
        "undefined output of a function": called(function(relu, outputs="bb")),
        "function that gives its input": called(function(relu, outputs="a")),
        "unsorted function": called(function(*unsorted)),
        "unknown operator in a function": called(function(odd)),
        "unknown operator in an uncalled function": called(function(odd), call=RELU),
        "node names twice in a function": called(function(*twice)),
        "function that is called twice": called(
            function(node("Relu", "a", "b", "n")),
            call=node("f", "h", "y", domain="own"),
            inputs=[value("h")],
        ),
        "too few arguments": called(function(node("Add", "a c", "b"), inputs="a c")),
        "too few arguments that are optional": called(
            function(node("Clip", "a c", "b"), inputs="a c")
        ),
        "too many arguments": called(function(relu), call=node("f", "x x", "y", domain="own")),
        "too many results": called(function(relu), call=node("f", "x", "y z", domain="own")),
        "functions of one name": called(function(relu), function(relu)),
        "functions of one name and two overloads": called(
            function(relu), function(relu, overload="v2")
        ),
        "function of another opset": called(function(relu, opsets={"": 13})),
        "function without an import": called(function(relu, opsets={"own": 1})),
        "function whose domain is not imported": model(CALL, functions=[function(relu)]),
        "function in place of an operator": model(
            RELU, functions=[function(node("Cast", "a", "b", to=7), name="Relu", **STANDARD)]
        ),
        "function of the standard's domain": model(
            node("Odd", "x", "y"), functions=[function(relu, name="Odd", **STANDARD)]
        ),
        "function that calls the operator it is named as": model(
            RELU, functions=[function(relu, name="Relu", **STANDARD)]
        ),
    }


def broken() -> dict[str, onnx.ModelProto]:
    """Every model, by what is odd about it."""
    groups = (names(), operators(), types(), initialisers(), subgraphs(), functions())
    return {title: made for group in groups for title, made in group.items()}
