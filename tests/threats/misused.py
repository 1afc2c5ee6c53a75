"""Listed names used as no library uses them: values that stand where others belong, filled twice.

Lines 32, 34 and 37 of the list.
"""

from __future__ import annotations

from threats.build import ANYWHERE, Finding, Threat, alone, text
from threats.pickled import (
    PAYLOAD,
    WIPE,
    Name,
    called,
    dict_of,
    dtype,
    ended,
    list_of,
    namespace,
    ndarray,
    number,
    pushed,
    raw,
    rebuilt,
    tuple_of,
)

_ERROR = Finding("SEC001|SEC004", "error", ANYWHERE, None)
_WRITES: Name = ("transformers.configuration_utils", "PreTrainedConfig")
"""A class of a known library, with a method that writes a file of the caller's choice."""
_NONE = b"N"
_ARRAY: Name = ("numpy", "ndarray")
_OBJECT = dtype("O8", number(3), text("|"), *[_NONE] * 3, number(-1), number(-1), number(63))
_POINTER = raw(b"A" * 8)
_LOAD: Name = ("torch.storage", "_load_from_bytes")


def _cases(line: int, cases: dict[str, bytes]) -> tuple[Threat, ...]:
    return tuple(
        Threat(line, title, alone("m.pkl", ended(opcodes), _ERROR))
        for title, opcodes in cases.items()
    )


def _with_keywords(name: Name, **keywords: bytes) -> bytes:
    """NEWOBJ_EX."""
    return pushed(name) + b")" + dict_of(**keywords) + b"\x92"


def _kept(opcodes: bytes, *uses: bytes) -> bytes:
    """A value, and uses of it that each leave one more; all of them in a tuple."""
    return b"(" + opcodes + b"\x94" + b"".join(uses) + b"t"


def _fields(end: bytes = b"") -> bytes:
    """A structured type whose dict of fields is memo entry 0; what follows may change that."""
    fields = dict_of(a=tuple_of(dtype("f8"), number(0)))
    state = (number(3), text("|"), _NONE, tuple_of(text("a")), fields + b"\x94", number(8))
    return dtype("V8", *state, number(1), number(0)) + end


_AGAIN = b"h\x00"
"""What the memo holds first, once more."""
_METHOD = called(("functools", "partial"), pushed(WIPE), text("chosen"))
_WRITER = called(
    ("functools", "partial"),
    called(("builtins", "getattr"), pushed(_WRITES), text("to_json_file")),
    text("/tmp/x"),
)
_MODULE = rebuilt(("torch.nn.modules.module", "Module"), dict_of(extra_repr=_METHOD))
_LISTED = rebuilt(
    ("torch.nn.modules.container", "ParameterList"),
    dict_of(_size=number(1), _get_abs_string_index=_METHOD),
)
_NESTED = called(_LOAD, raw(PAYLOAD))
_ATTRIBUTE = dict_of(__setstate__=pushed(WIPE))
_PLACEMENT: Name = ("torch.distributed.tensor.placement_types", "Partial")
_MEMORY = {
    "a distance with a state of one part": rebuilt(
        ("sklearn.metrics._dist_metrics", "EuclideanDistance64"), tuple_of(number(1))
    ),
    "a distance that newObj makes, with a state of two parts": called(
        ("sklearn.metrics._dist_metrics", "newObj"),
        pushed(("sklearn.metrics._dist_metrics", "EuclideanDistance64")),
    )
    + list_of(number(1), number(1))
    + b"b",
    "a tree with a state of twelve parts": rebuilt(
        ("sklearn.neighbors._kd_tree", "KDTree64"), tuple_of(*[number(0)] * 12)
    ),
    "a placement that is never set": rebuilt(_PLACEMENT),
    "a placement that is a key before it is set": _kept(
        rebuilt(_PLACEMENT), b"}" + _AGAIN + b"Ns", _AGAIN + dict_of(reduce_op=text("sum")) + b"b"
    ),
    "fewer objects than an array has": ndarray(tuple_of(number(100)), _OBJECT, list_of(_NONE)),
    "an array filled again after another was made of it": _kept(
        ndarray(tuple_of(number(2)), dtype("f8"), raw(bytes(16))),
        called(("numpy._core.numeric", "_frombuffer"), _AGAIN, dtype("f8"), tuple_of(number(2)))
        + b"0",
        _AGAIN
        + tuple_of(number(1), tuple_of(number(1)), dtype("f8"), b"\x89", raw(bytes(8)))
        + b"b",
    ),
    "an array made by its class": called(_ARRAY, tuple_of(number(2)), dtype("f8")),
    "an array whose sizes are an instance": called(
        ("numpy._core.multiarray", "_reconstruct"), pushed(_ARRAY), _LISTED, raw(b"b")
    ),
    "an address as an allocator": _with_keywords(
        ("torch.storage", "UntypedStorage"), allocator=number(4096)
    ),
    "an address as a tensor": _with_keywords(("torch", "Tensor"), cdata=number(4096)),
    "a text type of negative size": dtype("S8", *[_NONE] * 5, number(-8), number(1), number(0)),
    "fields of a type that are changed afterwards": _kept(
        _fields(),
        _AGAIN + text("a") + tuple_of(_OBJECT, number(0)) + b"s",
    ),
    "a NumPy scalar of an address in a list": rebuilt(
        ("numpy", "float64"), b"", list_of(namespace(__array_interface__=dict_of()))
    ),
    "an address among the items of a mapping": rebuilt(("sklearn.utils", "Bunch"))
    + b"("
    + text("__array_interface__")
    + b"}u",
    "an array of a computed tuple of arguments": pushed(("numpy._core.multiarray", "_reconstruct"))
    + called(("builtins", "tuple"), list_of(pushed(_ARRAY), tuple_of(number(0)), raw(b"b")))
    + b"R"
    + tuple_of(number(1), tuple_of(number(9)), _OBJECT, b"\x89", list_of(_NONE))
    + b"b",
    "a record array made by its class": rebuilt(
        ("numpy", "recarray"),
        tuple_of(number(1), tuple_of(number(9)), _OBJECT, b"\x89", list_of(_NONE)),
    ),
    "objects of four bytes": dtype(
        "V4",
        number(3),
        text("|"),
        _NONE,
        tuple_of(text("a")),
        dict_of(a=tuple_of(dtype("O4"), number(0))),
        number(4),
        number(1),
        number(27),
    ),
    "a field of objects whose type needs no initialising": dtype(
        "V8",
        number(3),
        text("|"),
        _NONE,
        tuple_of(text("a")),
        dict_of(a=tuple_of(_OBJECT, number(0))),
        number(8),
        number(1),
        number(3),
    ),
    "a tensor's elements as an attribute": called(
        ("torch._utils", "_rebuild_parameter_with_state"),
        called(("torch._utils", "_rebuild_meta_tensor_no_storage"), *[_NONE] * 4),
        b"\x89",
        b"}",
        dict_of(data=_NONE),
    ),
    "a tensor that is filled after it was made": called(("torch.nn.parameter", "Parameter"))
    + called(("torch._utils", "_rebuild_meta_tensor_no_storage"), *[_NONE] * 4)
    + tuple_of(_NONE, number(0), tuple_of(), tuple_of())
    + b"b\x86",
}
_META: Name = ("torch.nn.parameter", "_ParameterMeta")
_CLASS = rebuilt(_META, b"", text("Net"), b")", dict_of(__setstate__=pushed(WIPE)))
_EVALUATED = text("[].append(1)")
_CALLS = {
    "a class that a metaclass makes, with a method of its own": _CLASS
    + b")\x81"
    + dict_of()
    + b"b",
    "a class that a metaclass makes, by a call": called(
        _META, text("Net"), b")", dict_of(__hash__=pushed(WIPE))
    ),
    "a class that is made of another, which is told of it": rebuilt(
        _META, b"", text("Net"), tuple_of(pushed(WIPE)), b"}"
    ),
    "a metaclass of Python's by another module's import": rebuilt(
        ("sklearn.naive_bayes", "ABCMeta"), b"", text("Net"), b")", b"}"
    ),
    "a tuple of SymPy, which evaluates texts": rebuilt(
        ("sympy.core.containers", "Tuple"), b"", _EVALUATED
    ),
    "a distribution of SciPy by another module's import": rebuilt(
        ("scipy.stats", "rv_continuous"), dict_of(_parse_arg_template=_EVALUATED)
    ),
    "a compiled module by another module's import": rebuilt(
        ("lightning.fabric.wrappers", "OptimizedModule"), dict_of(dynamo_ctx=_METHOD)
    ),
    "a program of Python's by another module's import": list_of(
        pushed(("numexpression.tasks", "Popen"))
    ),
    "Python 2's name of a module of the standard library": list_of(
        pushed(("DocXMLRPCServer", "resolve_dotted_attribute"))
    ),
    "a method of an array, in a layer": rebuilt(
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
        dict_of(nodes=rebuilt(("torch.nn.modules.module", "Module"), dict_of(astype=pushed(WIPE)))),
    ),
    "edges of a graph of NetworkX, which ask it for its nodes": rebuilt(
        ("networkx.classes.reportviews", "OutEdgeDataView"),
        dict_of(viewer=rebuilt(("thirdparty.nets", "Net"), dict_of(_graph=_METHOD))),
    ),
    "a callback that removes a folder when it is dropped": rebuilt(
        ("transformers.integrations.integration_utils", "NeptuneCallback"),
        dict_of(_volatile_checkpoints_dir=text("/tmp/x")),
    ),
    "a summary of a layer, which calls a hook when it is dropped": rebuilt(
        ("lightning.pytorch.utilities.model_summary.model_summary", "LayerSummary"),
        dict_of(detach_hook=_METHOD),
    ),
    "a bar of progress, which is closed when it is dropped": rebuilt(
        ("tqdm.std", "tqdm"), dict_of(close=_METHOD)
    ),
    "a tokenizer that asks another for its vocabulary": rebuilt(
        ("transformers.models.roformer.tokenization_roformer", "RoFormerTokenizer"),
        dict_of(_tokenizer=rebuilt(("thirdparty.nets", "Net"), dict_of(get_vocab=_METHOD))),
    ),
    "an optimiser whose state is pairs": rebuilt(
        ("torch.optim.sgd", "SGD"),
        list_of(tuple_of(text("_patch_step_function"), _METHOD)),
    ),
    "a dotted name through the package of layers": rebuilt(
        ("torch.optim.sgd", "SGD"),
        dict_of(_patch_step_function=pushed(("torch.nn.modules.module", "inspect.os.mkdir"))),
    ),
    "what a text is appended to, by the items of a mapping": called(
        ("copyreg", "_reconstructor"),
        pushed(("sklearn.utils", "Bunch")),
        pushed(("builtins", "dict")),
        dict_of(append=pushed(WIPE)),
    ),
    "a method of an array, in the place of one": rebuilt(
        ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
        dict_of(nodes=namespace(astype=pushed(WIPE))),
    ),
    "a default factory among the slots of a mapping": called(("collections", "defaultdict"))
    + tuple_of(_NONE, dict_of(default_factory=pushed(WIPE)))
    + b"b",
    "the hundredth call of what was called with a number": b"".join(
        [
            pushed(("thirdparty.kinds", "Kind")) + b"\x940",
            *(_AGAIN + tuple_of(number(at)) + b"R0" for at in range(101)),
            _AGAIN + tuple_of(text("chosen"), text("words")) + b"R",
        ]
    ),
    "a method of a list of parameters": list_of(_LISTED),
    "a method of a layer within a deque": called(
        ("builtins", "str"), list_of(called(("collections", "deque")) + b"(" + _MODULE + b"e")
    ),
    "a method of a known library within a deque": called(
        ("collections", "OrderedDict"),
        list_of(
            tuple_of(
                called(("collections", "deque"))
                + b"("
                + rebuilt(("torch.nn.modules.module", "Module"), dict_of(extra_repr=_WRITER))
                + b"e",
                _NONE,
            )
        ),
    ),
    "a checkpoint within it as a method": namespace(append=_NESTED) + b"(" + _NONE + b"e",
    "a checkpoint within it as a key": b"}(" + _NESTED + _NONE + b"u",
    "a checkpoint within it as an argument": called(("collections", "OrderedDict"), _NESTED),
    "a state of a checkpoint within it": _NESTED + _ATTRIBUTE + b"b",
    "the handlers of a logger": called(("logging", "getLogger"))
    + dict_of(handlers=list_of(namespace(level=number(0), handle=_METHOD)))
    + b"b",
    "a member of an enumeration that is filled": called(
        ("transformers.trainer_utils", "IntervalStrategy"), text("no")
    )
    + dict_of(_value_=text("steps"))
    + b"b",
}
_RANGE = called(("builtins", "range"), number(10**10))
_NETWORK = called(("ipaddress", "IPv4Network"), text("0.0.0.0/0"))
_MUCH = {
    "a list of a network's addresses": called(("builtins", "list"), _NETWORK),
    "a tensor of a range": called(("torch", "LongTensor"), _RANGE),
    "a size of a range": called(("torch", "Size"), _RANGE),
    "a time of a range": called(("time", "struct_time"), _RANGE),
    "bytes of NumPy of a number": rebuilt(("numpy", "bytes_"), b"", number(10**11)),
    "a record array of a number": rebuilt(("numpy", "recarray"), b"", tuple_of(number(10**11))),
    "an array of a computed length": called(
        _ARRAY, tuple_of(called(("builtins", "len"), list_of(_RANGE))), dtype("u1")
    ),
}

_STORAGE = Threat(
    32,
    "a state of what a persistent id stands for",
    alone(
        "m.pkl",
        ended(text("x") + b"Q" + _ATTRIBUTE + b"b"),
        Finding("FMT001", "error", ANYWHERE, None),
    ),
)

_LISTED_STATE = Threat(
    34,
    "a generator's state that is a list",
    alone(
        "m.pkl",
        ended(
            rebuilt(
                ("numpy.random._mt19937", "MT19937"),
                list_of(dict_of(state=dict_of(pos=number(-300_000_000))), _NONE),
            )
        ),
        Finding("FMT001", "error", ANYWHERE, None),
    ),
)

THREATS = (_STORAGE, _LISTED_STATE, *_cases(34, _MEMORY), *_cases(32, _CALLS), *_cases(37, _MUCH))
