"""Lines 34, 36, 44 and 46: what native code does on loading, and tables that say what is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from threats.boxes import program, torch_archive, weights
from threats.build import (
    ANYWHERE,
    STATE,
    Entry,
    Finding,
    Threat,
    Torch,
    Writer,
    alone,
    tensor,
    text,
    zip_archive,
)
from threats.pickled import (
    PAYLOAD,
    PROTO,
    RUN,
    called,
    dict_of,
    list_of,
    number,
    pushed,
    rebuilt,
    tuple_of,
)

_CALLS = Finding("SEC001", "error", ANYWHERE, None, "os.system('id')")
_EVALUATED = Finding("SEC003", "error", ANYWHERE, None, "when the file is loaded")
_STATE = Finding("SEC004", "error", ANYWHERE, None)
_DAMAGED = Finding("FMT001", "error", ANYWHERE, None)
_FOLLOWED = Finding("SEC003", "warning", ANYWHERE, None, "was not followed")

_CLASS = "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
_FORWARD = "  def forward(self: __torch__.M,\n    x: Tensor{more}) -> Tensor:\n    return {value}\n"


def _script(code: str, pickle: bytes = b"\x80\x02c__torch__\nM\n)\x81}b.", *more: Entry) -> bytes:
    """An archive of TorchScript; its one storage is there where the pickle refers to it."""
    members = (
        Entry("model/code/__torch__.py", code.encode()),
        Entry("model/constants.pkl", b"\x80\x02)."),
        *more,
    )
    entries = Torch(pickle=pickle, more=members).entries()
    return zip_archive([e for e in entries if e.name != "model/data/0" or b"Q" in pickle]).content


def _forward(value: str = "x", more: str = "", members: str = "") -> str:
    return _CLASS + members + _FORWARD.format(value=value, more=more)


def _setter(*lines: str, more: str = "") -> str:
    body = "".join(f"    {line}\n" for line in lines)
    head = "  def __setstate__(self: __torch__.M,\n    state: Tuple[int, Tensor]) -> NoneType:\n"
    return _forward() + head + body + more


_BAG = "torch.embedding_bag(torch.ones([1, 3]), torch.zeros([1, 2]), torch.zeros([3, 0]))"


def _body(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in (*lines, "return torch.remainder(1, n)"))
    return _CLASS + f"  def forward(self: __torch__.M,\n    x: Tensor,\n    n: int) -> int:\n{body}"


_SIZE = "n = torch.size(x, 0)"
_ZERO = {
    "which an argument is set to": ("n = 0",),
    "which replaces a size": (_SIZE, "n = 0"),
    "behind a branch that is not taken": ("if False:", f"  {_SIZE}", "else:", "  n = 0"),
    "behind a branch that the compiler drops": (
        "if x is None:",
        f"  {_SIZE}",
        "else:",
        "  n = 0",
    ),
    "behind a loop that does not run": ("n = 0", "for i in range(0):", f"  {_SIZE}"),
    "by one of two values": ("n = torch.size(x, 0) if False else 0",),
    "within a tuple": ("a, n = torch.size(x, 0), 0",),
    "out of a tuple": ("n = (torch.size(x, 0), 0)[1]",),
    "by a condition": ("n = int(torch.gt(torch.size(x, 0), 0) and False)",),
    "of a loop": ("for i in range(torch.size(x, 0)):", "  i = 0", "  n = torch.remainder(1, i)"),
}
_PACKS = (
    "  def pack(self: __torch__.M,\n    w: Tensor) -> NoneType:\n"
    "    self.p = ops.quantized.conv2d_prepack(w, None, [1, 1], [0, 0], [1, 1], self.groups)\n"
)
_COMPUTES = {
    "a default argument": _forward(more=f",\n    y: Tensor={_BAG}"),
    "a default argument that divides": _forward(more=",\n    y: int=torch.remainder(1, 0)"),
    "the constant of a class": _forward(members="  k : Final[int] = torch.remainder(1, 0)\n"),
    "a division of constants": _forward("torch.add(x, torch.remainder(1, 0))"),
    "a division of constants by an operator of Python's": _forward("torch.add(x, 1 % 0)"),
    "a division by a variable": (
        _CLASS + "  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
        "    a = torch.sub(1, 1)\n    b = torch.gcd(7, a)\n    return torch.add(x, b)\n"
    ),
    "a division of the least number": _forward(
        "torch.add(x, torch.floordiv(-9223372036854775808, -1))"
    ),
    "a division by another name": _forward("torch.add(x, ops.aten.remainder(1, other=0))"),
    "a division by a number with its type": _forward(
        "torch.add(x, torch.remainder(1, annotate(int, 0)))"
    ),
    "a division by the constant of a class": _forward(
        "torch.add(x, torch.remainder(1, self.k))", members="  k : Final[int] = 0\n"
    ),
    "a division by the length of a text": _forward('torch.add(x, torch.remainder(7, len("")))'),
    "a division by what a method of a text gives": _forward(
        'torch.add(x, torch.remainder(7, "abc".find("a")))'
    ),
    "a division by a builtin": _forward("torch.add(x, (divmod(-9223372036854775808, -1))[0])"),
    **{f"a division by zero, {title}": _body(*lines) for title, lines in _ZERO.items()},
    "an element type that is none": _forward("torch.to(x, torch.promote_types(-7, 2))"),
    "a setter of the state": _setter(f"self.n = torch.len(torch.size({_BAG}))"),
    "a setter that divides": _setter("self.n = torch.remainder((state)[0], 0)"),
    "a setter that calls its own": _setter(
        "_0 = (self).other((state)[1], )",
        more="  def other(self: __torch__.M,\n    w: Tensor) -> Tensor:\n"
        "    return torch.embedding_bag(w, w, w)\n",
    ),
    "a setter that packs no groups": _setter(
        "w = (state)[1]", "self.p = ops.quantized.conv2d_prepack(w, None, [1], [0], [1], 0)"
    ),
    "a setter that loops": _setter("while True:", "  n = 1"),
}
_USUAL = {
    "literals": _forward(
        "torch.add(x, annotate(int, 1))",
        more=',\n    y: Optional[float]=None,\n    z: str="zeros",\n    l: List[int]=[1, -1]',
        members="  k : Final[int] = 3\n",
    ),
    "a division by what a loop counts": _forward(
        "torch.add(x, torch.remainder(torch.size(x, 0), torch.len(torch.size(x))))"
    ),
    "divisions of sizes, and by literals": _forward(
        "torch.add(torch.remainder(torch.size(x, 0), 2), torch.floordiv(7, 2))"
    ),
    "the packing of a quantised layer": _setter(
        "self.groups = (state)[0]", "_0 = (self).pack((state)[1], )", more=_PACKS
    ),
}


def _object(name: str, state: bytes) -> bytes:
    module, _, leaf = f"__torch__.torch.classes.{name}".rpartition(".")
    return PROTO + rebuilt(("__torch__", "M"), dict_of(p=rebuilt((module, leaf), state))) + b"."


def _tagged(value: bytes, kind: str) -> bytes:
    return called(("torch.jit._pickle", "restore_type_tag"), value, text(kind))


def _quantised(*sizes: int) -> bytes:
    """A quantised tensor of these sizes in storage 0."""
    storage = tuple_of(text("storage"), pushed(("torch", "QInt8Storage")), text("0"), text("cpu"),
                       number(16)) + b"Q"  # fmt: skip
    scheme = tuple_of(pushed(("torch", "per_tensor_affine")), b"G" + struct.pack(">d", 1), b"K\0")
    strides = tuple_of(*(number(0) for _ in sizes))
    hooks = called(("collections", "OrderedDict"))
    return called(("torch._utils", "_rebuild_qtensor"), storage, number(0),
                  tuple_of(*map(number, sizes)), strides, scheme, b"\x89", hooks)  # fmt: skip


def _convolution(groups: int) -> bytes:
    settings = (2, 1, 1, 0, 0, 1, 1, 0, 0, groups, 1)
    return tuple_of(
        number(3), _tagged(list_of(*map(number, settings)), "List[int]"), tuple_of(b"N")
    )


def _layer(groups: int) -> bytes:
    """The state of a quantised convolution as its module writes it."""
    pair = tuple_of(number(1), number(1))
    parts = (number(4), number(4), pair, pair, pair, pair, b"\x89", pair, number(groups))
    state = tuple_of(*parts, text("zeros"), b"N", b"N", number(1), number(0), b"\x88")
    return PROTO + rebuilt(("__torch__.torch.ao.nn.quantized.modules.conv", "Conv2d"), state) + b"."


_DEEP = "List[" * 5000 + "int" + "]" * 5000
_OBJECTS = {
    "weights without elements": _object(
        "quantized.LinearPackedParamsBase", tuple_of(_quantised(4, 2, 1, 0, 1), b"N")
    ),
    "a convolution of no groups": _object("quantized.Conv2dPackedParamsBase", _convolution(0)),
    "a layer's convolution of no groups": _layer(0),
    "a type that is nested too deeply": (
        PROTO + rebuilt(("__torch__", "M"), dict_of(n=_tagged(b"]", _DEEP))) + b"."
    ),
}
_WHOLE = {
    "a convolution of one group": _object("quantized.Conv2dPackedParamsBase", _convolution(1)),
    "a layer's convolution": _layer(4),
    "a type": PROTO + rebuilt(("__torch__", "M"), dict_of(n=_tagged(b"]", "List[int]"))) + b".",
}


def _bytecode(*texts: str) -> bytes:
    names = b"".join(map(text, texts))
    content = b"\x80\x02(K\x08(" + names + b"tt."
    return torch_archive(STATE, Entry("archive/bytecode.pkl", content))


_TABLE = "data/constants/model_constants_config.json"
_LATE = b"N0" * 6_000 + RUN
_CONSTANTS = {
    "of protocol 0 behind many opcodes": ("opaque_obj_0", _LATE),
    "of protocol 0 behind many MARKs": ("opaque_obj_0", b"(" * 2_000 + b"1" * 2_000 + RUN),
    "in capitals": ("OPAQUE_OBJ_0", _LATE),
    "in a folder": ("opaque_obj_0/x", _LATE),
    "for an object of C++": ("custom_obj_0", _LATE),
    "in the layout before": ("m.pt", _LATE),
}


def _place(**attributes: bytes) -> bytes:
    return rebuilt(
        ("torch.distributed.checkpoint.filesystem", "_StorageInfo"), dict_of(**attributes)
    )


def _metadata(place: bytes) -> bytes:
    module = "torch.distributed.checkpoint.metadata"
    index = rebuilt((module, "MetadataIndex"), dict_of(fqn=text("x"), offset=b"N", index=b"N"))
    tables = dict_of(state_dict_metadata=b"}", planner_data=b"N") + text("storage_data")
    return rebuilt((module, "Metadata"), tables + b"}" + index + place + b"ss")


def _distributed(metadata: bytes, *findings: Finding) -> Writer:
    """A part that hides a pickle within a tensor, and what says where its items lie."""
    data = bytes(64) + PAYLOAD + bytes(64)
    pickle = b"\x80\x02}" + text("w") + tensor(elements=len(data), kind="ByteStorage") + b"s."
    entries = [
        Entry(e.name.replace("model/", "archive/"), data if e.name.endswith("/0") else e.data)
        for e in Torch(pickle=pickle).entries()
    ]
    part = zip_archive(entries).content
    at = part.index(PAYLOAD)
    metadata = metadata.replace(b"AT__", struct.pack("<i", at))

    def write(folder: Path) -> tuple[Path, tuple[Finding, ...]]:
        (folder / "__0_0.distcp").write_bytes(part)
        (folder / ".metadata").write_bytes(metadata)
        return folder, findings

    return write


_SPAN = {"offset": b"JAT__", "length": number(len(PAYLOAD))}
_STATED = _place(relative_path=text("__0_0.distcp"), **_SPAN)
_BY_PATH = _place(relative_path=called(("pathlib", "PurePosixPath"), text("__0_0.distcp")), **_SPAN)
_ITEMS = {
    "an item within a tensor": (PROTO + _metadata(_STATED) + b".", _CALLS),
    "the same, behind a long text": (
        PROTO + text("a" * 600) + b"0" + _metadata(_STATED) + b".",
        _CALLS,
    ),
    "the same, of protocol 0": (_metadata(_STATED) + b".", _CALLS),
    "the same, by a path that is no text": (PROTO + _metadata(_BY_PATH) + b".", _DAMAGED),
}


def _word(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def _array(key: str, kind: int, count: int, content: bytes) -> bytes:
    return _word(key) + struct.pack("<IIQ", 9, kind, count) + content


def _number(key: str, value: int) -> bytes:
    return _word(key) + struct.pack("<II", 4, value)


_WORDS = _array("tokenizer.ggml.tokens", 8, 2, _word("a") + _word("b"))
_SCORES = _array("tokenizer.ggml.scores", 6, 2, bytes(8))


def _gguf(*pairs: bytes, kind: int = 0) -> bytes:
    entry = _word("t") + struct.pack("<IQIQ", 1, 8, kind, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + entry
    return head + bytes(-len(head) % 32 + 64)


_HEADERS = {
    "words that are no texts": _gguf(_array("tokenizer.ggml.tokens", 0, 4, bytes(4))),
    "words that are one number": _gguf(_number("tokenizer.ggml.tokens", 4)),
    "fewer scores than words": _gguf(_WORDS, _array("tokenizer.ggml.scores", 6, 1, bytes(4))),
    "scores that are arrays": _gguf(
        _WORDS, _array("tokenizer.ggml.scores", 9, 2, struct.pack("<IQ", 0, 0) * 2)
    ),
    "kinds of words in bytes": _gguf(_WORDS, _array("tokenizer.ggml.token_type", 0, 2, bytes(2))),
    "a word far behind the last": _gguf(_WORDS, _number("tokenizer.ggml.bos_token_id", 10**9)),
    "no heads": _gguf(_number("llama.attention.head_count", 0)),
    "a tensor of a withdrawn type": _gguf(kind=5),
    "a tensor of no type": _gguf(kind=0xFFFFFFFF),
}
_SOUND = {
    "words, scores and numbers": _gguf(
        _WORDS, _SCORES, _number("tokenizer.ggml.bos_token_id", 1),
        _number("tokenizer.ggml.padding_token_id", 2), _number("llama.attention.head_count", 1),
    ),
    "a network without heads": _gguf(_number("mamba.attention.head_count", 0)),
}  # fmt: skip


def _artifacts(content: bytes, name: bytes = b"a2V5", checksum: bytes = bytes(4)) -> bytes:
    """One artifact, as torch.compile keeps it."""

    def piece(data: bytes) -> bytes:
        return struct.pack(">Q", len(data)) + data

    one = piece(b"aW5kdWN0b3I=") + struct.pack(">Q", 1) + piece(name) + piece(content)
    return checksum + struct.pack(">Q", 1) + one


_CONFIG = {"config": {"w": json.loads(weights("x", pickled=False))["config"]["w"]}}


def _constants(name: str, content: bytes) -> bytes:
    entry = {**_CONFIG["config"]["w"], "path_name": name}
    table = json.dumps({"config": {"w": entry}}).encode()
    return program(Entry(_TABLE, table), Entry(f"data/constants/{name}", content))


THREATS = (
    *(
        Threat(36, f"TorchScript computed on load: {title}", alone("m.pt", _script(c), _EVALUATED))
        for title, c in _COMPUTES.items()
    ),
    *(
        Threat(36, f"silent TorchScript: {title}", alone("m.pt", _script(code)))
        for title, code in _USUAL.items()
    ),
    *(
        Threat(
            34, f"an object of TorchScript: {title}", alone("m.pt", _script(_forward(), p), _STATE)
        )
        for title, p in _OBJECTS.items()
    ),
    *(
        Threat(34, f"silent object of TorchScript: {title}", alone("m.pt", _script(_forward(), p)))
        for title, p in _WHOLE.items()
    ),
    Threat(
        36,
        "bytecode that runs on load",
        alone("m.ptl", _bytecode("__torch__.M.__setstate__"), _FOLLOWED),
    ),
    Threat(34, "a type of bytecode nested too deeply", alone("m.ptl", _bytecode(_DEEP), _STATE)),
    *(
        Threat(44, f"a constant that a table calls raw bytes, {title}",
               alone("m.pt2", _constants(*entry), _CALLS))
        for title, entry in _CONSTANTS.items()
    ),
    *(
        Threat(44, f"a distributed checkpoint: {title}", _distributed(metadata, finding))
        for title, (metadata, finding) in _ITEMS.items()
    ),
    *(
        Threat(34, f"GGUF: {title}", alone("m.gguf", content, _DAMAGED))
        for title, content in _HEADERS.items()
    ),
    *(
        Threat(34, f"silent GGUF: {title}", alone("m.gguf", content))
        for title, content in _SOUND.items()
    ),
    Threat(46, "an artifact of torch.compile", alone("cache", _artifacts(PAYLOAD), _CALLS)),
    Threat(
        46,
        "an artifact of a long name, whose checksum begins a table",
        alone("cache", _artifacts(PAYLOAD, b"!" * 70_000, b"PAR1"), _CALLS),
    ),
    Threat(
        34,
        "a model of LightGBM in a pickle",
        alone("m.joblib", PROTO + rebuilt(("lightgbm.basic", "Booster"), b"}") + b".",
              Finding("SEC003", "warning", ANYWHERE, None, "LightGBM")),
    ),
)  # fmt: skip
