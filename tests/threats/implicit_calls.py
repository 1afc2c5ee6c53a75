"""Line 32 of the list: calls that no opcode writes, on objects that listed names rebuild."""

from __future__ import annotations

from threats.build import ANYWHERE, RUN, Entry, Finding, Threat, Writer, alone, zip_archive
from threats.pickled import (
    PIP,
    WIPE,
    Name,
    called,
    dict_of,
    ended,
    found,
    list_of,
    namespace,
    number,
    pushed,
    raw,
    rebuilt,
    text,
    tuple_of,
)

_ADAM = ("torch.optim.adam", "Adam")
_SGD = ("torch.optim.sgd", "SGD")
_LINEAR = ("torch.nn.modules.linear", "Linear")
_PARAMETER = ("torch.nn.parameter", "Parameter")
_TENSOR = ("torch", "Tensor")
_ORDERED = ("collections", "OrderedDict")
_NONE = b"N"


def _optimiser(name: Name, **state: bytes) -> bytes:
    own = {"state": b"}", "defaults": b"}", "param_groups": b"]"}
    return rebuilt(name, dict_of(**(own | state)))


def _calls(marker: Name) -> dict[str, bytes]:
    """What is tried, and the opcodes; each leaves one object."""
    global_ = pushed(marker)
    new = namespace(__new__=global_)
    keys = namespace(keys=global_)
    detach = namespace(detach=global_)
    hooks = called(_ORDERED)
    cls = pushed(_TENSOR)
    tagged = called(
        ("torch._tensor", "_rebuild_from_type_v2"),
        pushed(("torch.jit._pickle", "restore_type_tag")),
        cls,
        tuple_of(namespace(as_subclass=global_), text("int")),
        b"}",
    )
    old_tagged = called(
        ("torch._tensor", "_rebuild_from_type"),
        pushed(("torch.jit._pickle", "restore_type_tag")),
        pushed(_PARAMETER),
        tuple_of(namespace(as_subclass=global_), text("int")),
        b"}",
    )
    return {
        "BUILD where __setstate__ was planted": namespace(__setstate__=global_)
        + list_of(text("id"))
        + b"b",
        "APPENDS where extend was planted": namespace(extend=global_) + b"(" + text("id") + b"e",
        "APPEND where extend was planted": namespace(extend=global_) + text("id") + b"a",
        "APPENDS where append was planted": namespace(append=global_) + b"(" + text("id") + b"e",
        "ADDITEMS where add was planted": namespace(add=global_) + b"(" + text("id") + b"\x90",
        "NEWOBJ of an instance with __new__": new + b")\x81",
        "NEWOBJ_EX of an instance with __new__": new + b")}\x92",
        "copyreg.__newobj__ of an instance": called(("copyreg", "__newobj__"), new, text("id")),
        "copyreg.__newobj_ex__ of an instance": called(
            ("copyreg", "__newobj_ex__"), new, tuple_of(text("id")), b"}"
        ),
        "copyreg._reconstructor with an instance as base": called(
            ("copyreg", "_reconstructor"), list_of(text("id")), new, b"}"
        ),
        "copyreg._reconstructor with __init__ planted in its base": called(
            ("copyreg", "_reconstructor"),
            list_of(text("id")),
            namespace(__new__=pushed(("builtins", "list")), __init__=global_),
            b"}",
        ),
        "_rebuild_from_type_v2 of restore_type_tag": tagged,
        "_rebuild_from_type of restore_type_tag": old_tagged,
        "Adam.__setstate__ asks its state for get": _optimiser(
            _ADAM,
            state=namespace(get=global_),
            param_groups=list_of(dict_of(params=list_of(list_of(text("id"))))),
        ),
        "Optimizer.__setstate__ calls setdefault of its defaults": _optimiser(
            _SGD, defaults=namespace(setdefault=global_)
        ),
        "Adam.__setstate__ calls setdefault of its groups": _optimiser(
            _ADAM, param_groups=list_of(namespace(setdefault=global_))
        ),
        "Optimizer.__setstate__ updates from a state with keys": rebuilt(_SGD, keys),
        "Module.__setstate__ updates from a state with keys": rebuilt(_LINEAR, keys),
        "dict of an object with keys": called(("builtins", "dict"), keys),
        "OrderedDict of an object with keys": called(_ORDERED, keys),
        "OrderedDict of an object with items": called(_ORDERED, namespace(items=global_)),
        "defaultdict of an object with keys": called(("collections", "defaultdict"), _NONE, keys),
        "Parameter of an object with detach": called(_PARAMETER, detach),
        "NEWOBJ of Parameter with detach": rebuilt(_PARAMETER, b"", detach),
        "_rebuild_parameter of an object with detach": called(
            ("torch._utils", "_rebuild_parameter"), detach, b"\x88", hooks
        ),
        "_rebuild_parameter_with_state of an object with detach": called(
            ("torch._utils", "_rebuild_parameter_with_state"), detach, b"\x88", hooks, b"}"
        ),
        "_rebuild_device_tensor_from_cpu_tensor of an object with to": called(
            ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"),
            namespace(to=global_),
            pushed(("torch", "float32")),
            text("cpu"),
            b"\x89",
        ),
        "_mareconstruct of an instance with __new__": called(
            ("numpy.ma.core", "_mareconstruct"),
            new,
            pushed(("numpy", "ndarray")),
            tuple_of(number(0)),
            raw(b"b"),
        ),
        "a random generator made by what is named": called(
            ("numpy.random._pickle", "__generator_ctor"), text("MT19937"), global_
        ),
        "a planted __setstate__, copied through the memo": namespace(__setstate__=global_)
        + b"\x94"
        + number(0)
        + b"\x86h\x00N\x62\x86",
    }


def _ran(marker: Name) -> Finding:
    return Finding("SEC001", "error", ANYWHERE, None, f"{marker[0]}.{marker[1]}")


def _package(marker: Name) -> Writer:
    """A persistent id of torch.package by which its importer calls a function."""
    id_ = tuple_of(text("reduce_package"), number(0), pushed(marker), tuple_of(text("id")))
    members = [
        Entry("p/.data/version", b"6\n"),
        Entry("p/.data/extern_modules", marker[0].encode() + b"\n"),
        Entry("p/byteorder", b"little"),
        Entry("p/model/w.pkl", ended(id_, b"Q")),
    ]
    return alone("m.pt", zip_archive(members).content, _ran(marker))


def _call(title: str, opcodes: bytes, marker: Name) -> Threat:
    named = f"{title}: {marker[0].partition('.')[0]}"
    return Threat(32, named, alone("m.pkl", ended(opcodes), _ran(marker)))


_STAGE = ("lightning.pytorch.trainer.states", "RunningStage")
_STATUS = ("http", "HTTPStatus")
_CHANGED = text("_value_") + text("x")
_MEMBERS = {
    "with a second argument": called(_STAGE, text("train"), b"N") + b"}(" + _CHANGED + b"ub",
    "with two values": called(_STAGE, text("train"), number(1)) + b"}(" + _CHANGED + b"ub",
    "by NEWOBJ": rebuilt(_STAGE, b"}(" + _CHANGED + b"u", text("train")),
    "of the standard library": called(_STATUS, number(200)) + b"}(" + _CHANGED + b"ub",
    "of the standard library, by NEWOBJ": rebuilt(_STATUS, b"}(" + _CHANGED + b"u", number(200)),
}
"""A member of an enumeration that a pickle looks up, to change it for the whole process."""


def _member(title: str, opcodes: bytes) -> Threat:
    found = Finding("SEC001", "error", None, None)
    return Threat(32, f"a member is changed, {title}", alone("m.pkl", ended(opcodes), found))


_GETTER = called(("operator", "attrgetter"), text("__class__"))
_HANDED = {
    "an attrgetter that is called": called(_GETTER, text("x")),
    "an attrgetter as a default_factory": called(("collections", "defaultdict"), _GETTER),
    "an attrgetter as __setstate__": namespace(__setstate__=_GETTER),
    "a methodcaller, which deletes the file that a path names": namespace(
        __setstate__=called(("operator", "methodcaller"), text("unlink"))
    ),
    "the type of what is no None": called(("builtins", "type"), number(1)),
    "an iterator over a call": called(("builtins", "iter"), pushed(WIPE), number(1)),
    "a decimal context with a signal of its own": called(
        ("decimal", "Context"), number(5), b"N", b"N", b"N", b"N", b"N", b"]", list_of(pushed(WIPE))
    ),
    "items of a UserDict whose data is planted": (
        rebuilt(("collections", "UserDict"), dict_of(data=namespace(__setitem__=pushed(WIPE))))
        + text("x")
        + number(1)
        + b"s"
    ),
    "items of a UserList whose data is planted": (
        rebuilt(("collections", "UserList"), dict_of(data=namespace(extend=pushed(WIPE))))
        + b"("
        + number(1)
        + b"e"
    ),
}
"""Values of the standard library that are listed, in uses that are not."""


_HOOK = ("torch.nn.modules.module", "_WrappedHook")
_CONFIG = ("transformers.configuration_utils", "PreTrainedConfig")
_WRITES = called(("builtins", "getattr"), rebuilt(_CONFIG, b"}"), text("to_json_file"))
_SEQUENTIAL = ("torch.nn.modules.container", "Sequential")
_INSTANCES = {
    "a hook is called, which calls a bound method": called(
        rebuilt(_HOOK, dict_of(hook=_WRITES, with_module=b"\x89")), text("x.json")
    ),
    "a network is called, which calls its modules": called(
        rebuilt(_SEQUENTIAL, dict_of(_modules=dict_of(x=pushed(WIPE)))), number(1)
    ),
    "a hook by OBJ": b"(" + rebuilt(_HOOK, dict_of(hook=_WRITES)) + text("x.json") + b"o",
}
"""Instances of listed classes that a pickle calls: no pickler writes that."""

_DATA_PIPE = ("torch.utils.data.datapipes.datapipe", "_IterDataPipeSerializationWrapper")
_OPTIMISED = ("torch._dynamo.eval_frame", "OptimizedModule")
_ACTING = {
    "torch.hub.load, beside a class that calls it": rebuilt(
        _OPTIMISED, dict_of(dynamo_ctx=pushed(("torch.hub", "load")))
    ),
    "a compiled module, which calls what it holds": rebuilt(_OPTIMISED, dict_of()),
    "a data pipe, which unpickles": rebuilt(_DATA_PIPE, tuple_of(raw(b"N."), b"\x89")),
    "a DataSource, which removes its folder": rebuilt(
        ("numpy.lib._datasource", "DataSource"), dict_of(_istmpdest=b"\x88", _destpath=text("x"))
    ),
    "an NpzFile, which closes what it holds": rebuilt(
        ("numpy.lib._npyio_impl", "NpzFile"), dict_of(zip=b"N", fid=b"N")
    ),
    "np.memmap through another module, which empties a file": found(("sklearn.base", "np.memmap"))
    + tuple_of(text("x"), text("u1"), text("w+"))
    + b"\x81",
    "a function that loads, of any package": pushed(("thirdparty.zoo", "load_from_checkpoint")),
    "a module that is a program": pushed(("numpy.f2py.__main__", "main")),
    "np.load through another module": found(("thirdparty.io", "np.load")),
}
"""Globals of third parties that act, where the pickle does not call them itself."""

THREATS = (
    *(
        Threat(32, title, alone("m.pkl", ended(opcodes), Finding("SEC001", "error", None, None)))
        for title, opcodes in (_INSTANCES | _ACTING).items()
    ),
    Threat(
        32,
        "items of a sparse matrix behind its state",
        alone(
            "m.pkl",
            ended(
                rebuilt(("scipy.sparse._csr", "csr_matrix"), dict_of(indices=b"N")),
                number(0) + number(1) + b"s",
            ),
            Finding("FMT001", "error", None, None, "behind its state"),
        ),
    ),
    Threat(
        22,
        "a pickle of protocol 0 in a literal that a third party's class unpickles",
        alone(
            "m.pkl",
            ended(rebuilt(("thirdparty.wrap", "Wrapper"), tuple_of(raw(b"N0" * 300 + RUN)))),
            Finding("SEC001", "error", ANYWHERE, None, "os.system"),
        ),
    ),
    *(_member(title, opcodes) for title, opcodes in _MEMBERS.items()),
    *(
        Threat(32, title, alone("m.pkl", ended(opcodes), Finding("SEC001", "error", None, None)))
        for title, opcodes in _HANDED.items()
    ),
    *(
        _call(title, opcodes, marker)
        for marker in (WIPE, PIP)
        for title, opcodes in _calls(marker).items()
    ),
    *(
        Threat(
            32, f"torch.package's reduce_package: {marker[0].partition('.')[0]}", _package(marker)
        )
        for marker in (WIPE, PIP)
    ),
)
