"""The globals that a pickle may name, by exact (module, name): nothing else is taken as safe.

`CALLED` may be called, `CALLED_WITH_LITERALS` with numbers, texts and bytes alone, `FOLLOWED`
where the trace shows what the call does, and `NAMED` may be named and rebuilt. None runs code that
a file could choose, but for `CALLS_ITS_ARGUMENTS`, which call what the file names besides. Sources:
torch 2.13, `torch._weights_only_unpickler._get_allowed_globals` and the safe globals that its
packages register; the `__reduce__` methods of numpy 1.26 and 2.x; the class names of
`torch.nn.modules` and `torch.optim`, torch 0.1 to 2.13.
"""

from __future__ import annotations

from modlint_rules.safety.torch_classes import TORCH_CLASSES
from modlint_rules.safety.torch_objects import TORCH_OBJECTS

Pair = tuple[str, str]

_NUMBERS = "Double Float Half BFloat16 Long Int Short Char Byte Bool"
_STORAGES = f"{_NUMBERS} ComplexDouble ComplexFloat QInt8 QInt32 QUInt8 QUInt4x2 QUInt2x4 Untyped"
_DTYPES = (
    "float64 float32 float16 bfloat16 complex128 complex64 complex32 bool"
    " uint64 uint32 uint16 uint8 uint7 uint6 uint5 uint4 uint3 uint2 uint1"
    " int64 int32 int16 int8 int7 int6 int5 int4 int3 int2 int1"
    " float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2"
    " qint8 qint32 quint8 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2"
    " per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric"
    " per_channel_affine_float_qparams strided"
    " sparse_bsc sparse_bsr sparse_coo sparse_csc sparse_csr"
)


def _prefixed(owner: str) -> str:
    return " ".join(f"{owner}.{name}" for name in _TORCH_FUNCTIONS.split())


def _suffixed(names: str, suffix: str) -> str:
    return " ".join(name + suffix for name in names.split())


_TYPES = f"{_suffixed(_STORAGES, 'Storage')} {_suffixed(_NUMBERS, 'Tensor')}"
_NUMPY_MULTIARRAY = "_reconstruct scalar"
_NUMPY_DTYPES = _suffixed(
    "Bool Complex128 Complex64 Float16 Float32 Float64 Int16 Int32 Int64 Int8 Object"
    " Str UInt16 UInt32 UInt64 UInt8",
    "DType",
)
_NUMPY_GENERATORS = "__randomstate_ctor __generator_ctor __bit_generator_ctor"
_TORCH_FUNCTIONS = (
    "abs add atan bmm cat celu clamp cos cosh div erf exp hardshrink log log1p log_softmax matmul"
    " max mean min mul neg pow prelu relu relu_ rrelu rsqrt selu sigmoid sign sin sinh softmax"
    " softplus sqrt square stack sub sum tan tanh"
)
_ACTIVATIONS_IN_C = (
    "avg_pool2d avg_pool3d elu_ gelu hardtanh_ leaky_relu_ linear log_sigmoid one_hot"
    " scaled_dot_product_attention softplus softshrink"
)
_TORCH_FUNCTION_OWNERS = ("_VariableFunctions", "_VariableFunctionsClass")
_BUILTINS = "bytearray bytes complex dict frozenset list object range set slice tuple"
_CONVERTING = "bool float int len str"
"""Functions that call whatever they are given for its value."""

_EXCEPTIONS = (
    "ArithmeticError AssertionError AttributeError BufferError ConnectionError DeprecationWarning"
    " EOFError Exception FileExistsError FileNotFoundError FloatingPointError FutureWarning"
    " ImportError IndexError KeyError KeyboardInterrupt LookupError MemoryError"
    " ModuleNotFoundError NotImplementedError OSError OverflowError PermissionError RecursionError"
    " RuntimeError RuntimeWarning StopIteration TimeoutError TypeError UserWarning ValueError"
    " Warning ZeroDivisionError"
)
"""As a search keeps what a trial raised; making one runs nothing."""
_SIGNALS = (
    "Clamped DecimalException DivisionByZero FloatOperation Inexact InvalidOperation Overflow"
    " Rounded Subnormal Underflow"
)
_PURE = "abs divmod hash max min pow round sorted sum"
"""Functions that are named: a partial or a transformer keeps them."""

_CALLED: dict[str, str] = {
    "__builtin__": f"{_BUILTINS} xrange",
    "_codecs": "encode",
    "array": "_array_reconstructor array",
    "builtins": _BUILTINS,
    "collections": "Counter OrderedDict defaultdict deque",
    "datetime": "date datetime time timedelta timezone",
    "numpy": "dtype ndarray",
    "numpy._core.multiarray": _NUMPY_MULTIARRAY,
    "numpy._core.numeric": "_frombuffer",
    "numpy.core.multiarray": _NUMPY_MULTIARRAY,
    "numpy.core.numeric": "_frombuffer",
    "numpy.ma.core": "_mareconstruct",
    "numpy.random": "__RandomState_ctor",
    "numpy.random._pickle": _NUMPY_GENERATORS,
    "numpy.random.bit_generator": "__pyx_unpickle_SeedSequence",
    "pathlib": "PosixPath PurePosixPath PureWindowsPath WindowsPath",
    "pathlib._local": "PosixPath PurePosixPath PureWindowsPath WindowsPath",
    "random": "Random",
    "time": "struct_time",
    "torch": f"Size Tensor device {_TYPES}",
    "torch._C": "Generator",
    "torch._utils": (
        "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy"
        " _rebuild_meta_tensor_no_storage _rebuild_nested_tensor _rebuild_parameter"
        " _rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor _rebuild_tensor"
        " _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_wrapper_subclass _rebuild_xla_tensor"
    ),
    "torch.amp.grad_scaler": "_refresh_per_optimizer_state",
    "torch.cuda": _TYPES,
    "torch.cuda.amp.grad_scaler": "_refresh_per_optimizer_state",
    "torch.cuda.sparse": _suffixed(_NUMBERS, "Tensor"),
    "torch.jit._pickle": (
        "build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist"
        " restore_type_tag"
    ),
    "torch.nested._internal.nested_tensor": "_rebuild_njt",
    "torch.nn.backends.thnn": "_get_thnn_function_backend",
    "torch.nn.parameter": "Buffer Parameter UninitializedBuffer UninitializedParameter",
    "torch.serialization": "_get_layout",
    "torch.sparse": _suffixed(_NUMBERS, "Tensor"),
    "torch.storage": "TypedStorage UntypedStorage _TypedStorage _UntypedStorage",
    "torch.torch_version": "TorchVersion",
    "types": "SimpleNamespace",
}

_NAMED: dict[str, str] = {
    "__future__": (
        "absolute_import annotations barry_as_FLUFL division generator_stop generators"
        " nested_scopes print_function unicode_literals with_statement"
    ),
    "_io": "BytesIO StringIO",
    "argparse": "Namespace",
    "UserDict": "IterableUserDict UserDict",
    "UserList": "UserList",
    "UserString": "UserString",
    "builtins": f"Ellipsis NotImplemented {_PURE}",
    "__builtin__": f"Ellipsis NotImplemented {_PURE}",
    "collections": "ChainMap UserDict UserList UserString",
    "decimal": _SIGNALS,
    "math": (
        "acos asin atan atan2 ceil cos cosh degrees erf exp expm1 fabs floor gcd hypot isfinite"
        " isinf isnan log log10 log1p log2 pow radians sin sinh sqrt tan tanh"
    ),
    "statistics": "NormalDist",
    "string": "Template",
    "urllib.parse": "ParseResult SplitResult",
    "urlparse": "ParseResult SplitResult",
    "zoneinfo": "ZoneInfo",
    "io": "BytesIO",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "numpy": (
        "bool bool_ bytes_ complex128 complex64 datetime64 float16 float32 float64 float128 generic"
        " int16 int32 int64 int8 longdouble matrix object_ recarray str_ timedelta64"
        " uint16 uint32 uint64 uint8 void"
    ),
    "numpy._core.records": "recarray record",
    "numpy.core.records": "recarray record",
    "numpy.dtypes": _NUMPY_DTYPES,
    "numpy.lib._polynomial_impl": "poly1d",
    "numpy.lib.polynomial": "poly1d",
    "numpy.ma": "MaskedArray",
    "numpy.ma.core": "MaskedArray",
    "numpy.matrixlib.defmatrix": "matrix",
    "numpy.polynomial.chebyshev": "Chebyshev",
    "numpy.polynomial.legendre": "Legendre",
    "numpy.polynomial.polynomial": "Polynomial",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random.bit_generator": "SeedSequence",
    "torch": _DTYPES,
    "torch._C": " ".join(f"{owner} {_prefixed(owner)}" for owner in _TORCH_FUNCTION_OWNERS),
    "torch._C._nn": _ACTIVATIONS_IN_C,
    "torch._utils": (
        "torch.channels_last torch.channels_last_3d torch.contiguous_format torch.preserve_format"
    ),
    "torch.distributed.checkpoint.filesystem": "_StorageInfo",
    "torch.distributed.checkpoint.metadata": (
        "BytesStorageMetadata ChunkStorageMetadata Metadata MetadataIndex StorageMeta"
        " TensorProperties TensorStorageMetadata _MEM_FORMAT_ENCODING"
    ),
    "torch.nn.functional": (
        "adaptive_avg_pool2d adaptive_avg_pool3d alpha_dropout batch_norm binary_cross_entropy"
        " binary_cross_entropy_with_logits celu cosine_embedding_loss cross_entropy ctc_loss"
        " dropout dropout1d dropout2d dropout3d elu embedding gelu glu group_norm gumbel_softmax"
        " hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss instance_norm interpolate"
        " kl_div l1_loss layer_norm leaky_relu linear log_softmax logsigmoid margin_ranking_loss"
        " mish mse_loss multi_margin_loss nll_loss normalize one_hot pad poisson_nll_loss relu"
        " relu6 rms_norm rrelu selu sigmoid silu smooth_l1_loss soft_margin_loss softmax softmin"
        " softplus softsign tanh tanhshrink threshold triplet_margin_loss upsample"
    ),
    "typing": "Any",
    "uuid": "UUID",
}


def _pairs(table: dict[str, str]) -> frozenset[Pair]:
    return frozenset((module, name) for module, names in table.items() for name in names.split())


CALLED: frozenset[Pair] = _pairs(_CALLED)
"""What a pickle may call."""

CALLED_WITH_LITERALS: frozenset[Pair] = _pairs(
    {
        "__builtin__": f"{_CONVERTING} long unicode",
        "_decimal": "Decimal",
        "exceptions": _EXCEPTIONS,
        "_io": "BytesIO",
        "builtins": f"{_CONVERTING} {_EXCEPTIONS}",
        "decimal": "Decimal",
        "fractions": "Fraction",
        "http": "HTTPMethod HTTPStatus",
        "ipaddress": (
            "IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network"
        ),
        "io": "BytesIO",
        "logging": "getLogger",
        "re": "RegexFlag _compile",
        "signal": "Handlers Signals",
        "socket": "AddressFamily SocketKind",
        "torch.distributed.checkpoint.metadata": "_MEM_FORMAT_ENCODING",
        "uuid": "SafeUUID UUID",
        "zoneinfo": "ZoneInfo._unpickle",
    }
)
"""What a pickle may call with numbers, texts and bytes alone."""

NAMED: frozenset[Pair] = (
    CALLED
    | _pairs({"builtins": _CONVERTING, "__builtin__": f"{_CONVERTING} long unicode"})
    | _pairs(_NAMED)
    | _pairs(TORCH_CLASSES)
    | _pairs(TORCH_OBJECTS)
)
"""What a pickle may name, and rebuild an instance of."""

FOLLOWED: frozenset[Pair] = frozenset(
    {
        ("__builtin__", "getattr"),
        ("__builtin__", "iter"),
        ("__builtin__", "type"),
        ("_decimal", "Context"),
        ("builtins", "getattr"),
        ("builtins", "iter"),
        ("builtins", "type"),
        ("copy_reg", "_reconstructor"),
        ("copyreg", "_reconstructor"),
        ("decimal", "Context"),
        ("functools", "partial"),
        ("torch._tensor", "_rebuild_from_type"),
        ("torch._tensor", "_rebuild_from_type_v2"),
        ("torch.storage", "_load_from_bytes"),
    }
)
"""What a pickle may call where the trace holds what the call reads, calls or loads in turn."""

CALLS_ITS_ARGUMENTS: frozenset[Pair] = frozenset(
    {
        ("collections", "defaultdict"),
        ("numpy.ma.core", "_mareconstruct"),
        ("numpy.random", "__RandomState_ctor"),
        *(("numpy.random._pickle", name) for name in _NUMPY_GENERATORS.split()),
        ("torch.nested._internal.nested_tensor", "_rebuild_njt"),
    }
)
"""Those of `CALLED` that call, or keep to call, something that they are given."""
