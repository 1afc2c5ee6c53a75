"""Products of matrices: layers where one is a constant, meetings where neither is."""

from __future__ import annotations

from string import ascii_uppercase

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.handlers.arithmetic import with_constant
from modlint_plugins.networks.onnx_graph.op import Handlers, Op, Result, standard
from modlint_plugins.networks.onnx_graph.refused import Refused
from modlint_plugins.networks.onnx_graph.static import Static
from modlint_plugins.networks.onnx_graph.weights import Letters, product


def multiplied(
    op: Op,
    letters: Letters,
    a: Traced | Static,
    b: Traced | Static,
    bias: str | None = None,
    *,
    is_exact: bool = True,
) -> Traced:
    """Einsum of two: `letters` name the axes of a, b and the result."""
    shape = _shape(letters, a.shape, b.shape)
    if isinstance(a, Traced) and isinstance(b, Traced):
        return op.tracer.contracted(op.name, letters, a, b, shape)
    if isinstance(b, Traced):
        letters, a, b = (letters[1], letters[0], letters[2]), b, a
    if not isinstance(a, Traced) or not isinstance(b, Static):
        raise Refused("multiplies constants")
    if b.tensor is None:
        return op.forgotten(shape, a)
    return product(op, letters, a, b, bias, is_exact=is_exact)


def _shape(letters: Letters, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of the result.

    Raises:
        Refused: the operands do not fit one another.
    """
    size: dict[str, int] = {}
    for own, shape in zip(letters, shapes, strict=False):
        if len(own) != len(shape) or len(set(own)) != len(own):
            raise Refused("names its axes in a way that is not followed")
        for letter, n in zip(own, shape, strict=True):
            if n != 1 and size.setdefault(letter, n) != n:
                raise Refused(f"multiplies {' and '.join(str(list(s)) for s in shapes)}")
    return tuple(size.get(letter, 1) for letter in letters[2])


def matrix_letters(a: int, b: int, *, turn_a: bool = False, turn_b: bool = False) -> Letters:
    """The axes of a product of matrices of ranks a and b, either transposed or not."""
    batch = ascii_uppercase[: max(a, b, 2) - 2]
    left = batch[len(batch) - max(a - 2, 0) :] + ("km" if turn_a else "mk") if a > 1 else "k"
    right = batch[len(batch) - max(b - 2, 0) :] + ("nk" if turn_b else "kn") if b > 1 else "k"
    return left, right, batch + ("m" if a > 1 else "") + ("n" if b > 1 else "")


def _matmul(op: Op) -> Result:
    return matmul(op, 0, 1)


def matmul(op: Op, first: int, second: int) -> Traced:
    """The product of two inputs, by their places."""
    a, b = op.value(first), op.value(second)
    if not a.shape or not b.shape or max(len(a.shape), len(b.shape)) > 20:
        raise Refused("multiplies what are no matrices")
    return multiplied(op, matrix_letters(a.rank, b.rank), a, b)


def _gemm(op: Op) -> Result:
    """Y = alpha · A · B + beta · C."""
    return gemm(op, 0, 1, 2)


def gemm(op: Op, first: int, second: int, third: int) -> Traced:
    """Gemm by the places of its inputs."""
    a, b, c = op.value(first), op.value(second), op.at(third)
    node = op.node
    turned = [bool(node.integer(name, 0)) for name in ("transA", "transB")]
    letters = matrix_letters(2, 2, turn_a=turned[0], turn_b=turned[1])
    rows = b.shape[0 if turned[1] else 1] if b.rank == 2 else 0
    is_bias = isinstance(c, Static) and c.elements == rows and node.real("beta", 1.0) == 1
    bias = c.name if isinstance(c, Static) and is_bias and isinstance(a, Traced) else None
    y = multiplied(op, letters, a, b, bias, is_exact=node.real("alpha", 1.0) == 1)
    if c is None or bias is not None:
        return y
    if isinstance(c, Traced):
        op.walk.scope.fresh.pop(node.output, None)
        return op.tracer.join("sum", y, c)
    return with_constant(op, "", y, c, "")


def _einsum(op: Op) -> Result:
    equation = op.node.string("equation", "").replace(" ", "")
    values = [op.value(index) for index in range(op.count)]
    terms, target = _terms(equation, [value.rank for value in values])
    if len(values) == 1 and isinstance(values[0], Traced):
        return _summed(op, terms[0], target, values[0])
    while len(values) > 2:
        kept = set(target).union(*terms[2:])
        between = "".join(t for t in dict.fromkeys(terms[0] + terms[1]) if t in kept)
        values[:2] = [multiplied(op, (terms[0], terms[1], between), values[0], values[1])]
        terms[:2] = [between]
    if len(values) != 2:
        raise Refused("sums in a way that is not followed")
    return multiplied(op, (terms[0], terms[1], target), values[0], values[1])


def _terms(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, dots filled in."""
    left, arrow, target = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise Refused("has an equation that does not fit")
    spare = [c for c in ascii_uppercase if c not in equation]
    longest = 0
    for i, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        count = rank - len(term.replace("...", ""))
        longest = max(longest, count if "..." in term else 0)
        if longest > len(spare):
            raise Refused("has too many axes")
        terms[i] = term.replace("...", "".join(reversed(spare[:count])))
    dots = "".join(reversed(spare[:longest]))
    if not arrow:
        every = "".join(terms)
        target = "..." + "".join(sorted(c for c in set(every) - set(dots) if every.count(c) == 1))
    return terms, target.replace("...", dots)


def _summed(op: Op, own: str, target: str, x: Traced) -> Traced:
    if len(set(own)) != len(own):
        raise Refused("takes a diagonal, which is not followed")
    gone = [axis for axis, letter in enumerate(own) if letter not in target]
    y = op.tracer.reduced(op.name, x, gone, keep=False) if gone else x
    rest = [letter for letter in own if letter in target]
    return op.as_traced(op.transposed(y, [rest.index(letter) for letter in target]))


def fused_matmul(op: Op) -> Result:
    """FusedMatMul of onnxruntime: either operand transposed, the result scaled."""
    a, b, node = op.value(0), op.value(1), op.node
    if node.integer("transBatchA", 0) or node.integer("transBatchB", 0):
        raise Refused("transposes batches, which is not followed")
    turn_a, turn_b = bool(node.integer("transA", 0)), bool(node.integer("transB", 0))
    letters = matrix_letters(a.rank, b.rank, turn_a=turn_a, turn_b=turn_b)
    return multiplied(op, letters, a, b, is_exact=node.real("alpha", 1.0) == 1)


def _determinant(op: Op) -> Result:
    x = op.traced(0)
    return op.forgotten(x.shape[:-2], x)


HANDLERS: Handlers = {
    **standard(MatMul=_matmul, Gemm=_gemm, Einsum=_einsum, Det=_determinant),
    ("com.microsoft", "FusedMatMul"): fused_matmul,
    ("com.microsoft", "TransposeMatMul"): fused_matmul,
}
