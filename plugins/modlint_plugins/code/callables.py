"""What a dotted name reaches: processes, files, the network, native code, or none of them.

A name that a checkpoint gives ("os.system", "torch.hub.load") is judged by its spelling alone;
nothing is imported.
"""

from __future__ import annotations

import builtins
import re
import sys

from modlint_plugins.code.words import told_as, words

DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")

_SYSTEM = "uses the operating system"
_PROCESS = "starts programs"
_FILE = "reads or writes files"
_NETWORK = "uses the network"
_NATIVE = "loads native code"
_RUNS = "runs code by name or from text"
_OBJECTS = "rebuilds objects from bytes"

_MODULES = {
    "os": _SYSTEM,
    "sys": _RUNS,
    **told_as(_PROCESS, "subprocess pty posix nt commands popen2 multiprocessing pexpect"),
    **told_as(_FILE, "shutil tempfile fileinput zipfile tarfile sqlite3 dbm mmap"),
    **told_as(
        _NETWORK,
        "socket ssl requests urllib urllib2 urllib3 http httplib httpx aiohttp ftplib smtplib"
        " poplib imaplib telnetlib xmlrpc socketserver asyncio paramiko websocket websockets boto3"
        " huggingface_hub webbrowser fsspec",
    ),
    **told_as(_NATIVE, "ctypes _ctypes cffi cppyy"),
    **told_as(
        _RUNS,
        "importlib imp builtins __builtin__ runpy code codeop pdb bdb gc pkgutil zipimport pip"
        " ensurepip setuptools pkg_resources distutils timeit cProfile profile doctest atexit",
    ),
    **told_as(_OBJECTS, "pickle _pickle cPickle marshal shelve dill cloudpickle joblib jsonpickle"),
}
"""Modules all of which act, but for `_HARMLESS`."""

_HARMLESS = re.compile(
    r"os\.(?:path|environ|getenv|sep|linesep|pathsep|curdir|name|cpu_count|fspath|PathLike)(?:\.\w+)*"
    r"|os\.(?:getpid|getcwd)"
    r"|sys\.(?:version|version_info|platform|maxsize|byteorder|float_info|stdout|stderr)(?:\.\w+)*"
    r"|sys\.(?:argv|exit|exc_info|hash_info|flags|implementation|executable|getsizeof)(?:\.\w+)*"
    r"|importlib\.(?:util|util\.find_spec|metadata(?:\.\w+)*)|importlib_metadata(?:\.\w+)*"
    r"|urllib\.parse(?:\.\w+)*|http\.HTTPStatus(?:\.\w+)*"
    r"|huggingface_hub\.constants(?:\.\w+)*"
    r"|builtins\.(?:dict|list|tuple|set|frozenset|int|float|str|bool|bytes|complex|slice|range"
    r"|len|sum|min|max|abs|round|sorted|reversed|zip|enumerate|any|all|divmod|print)"
)
_COMMON = ("os", "sys", "importlib")
"""Modules that act where a name of theirs is used that is not harmless; importing them does not."""

_NAMES = {
    **told_as(
        _FILE,
        "torch.load torch.save torch.serialization torch.from_file torch.jit.load torch.export.load"
        " numpy.load"
        " numpy.save numpy.savez numpy.fromfile numpy.memmap numpy.DataSource io.open io.FileIO"
        " io.open_code codecs.open pandas.read_pickle logging.FileHandler",
    ),
    **told_as(_NETWORK, "torch.hub torch.utils.model_zoo keras.utils.get_file"),
    **told_as(
        _NATIVE,
        "torch.ops.load_library torch.classes.load_library torch.utils.cpp_extension"
        " numpy.ctypeslib numpy.f2py tensorflow.load_op_library tensorflow.load_library",
    ),
    **told_as(
        _RUNS,
        "torch.package torch.multiprocessing torch.distributed.rpc torch._inductor hydra.utils"
        " types.FunctionType types.CodeType operator.attrgetter operator.methodcaller"
        " _operator.attrgetter _operator.methodcaller logging.config inspect.currentframe"
        " transformers.dynamic_module_utils sympy.sympify sympy.lambdify sympy.parsing"
        " numpy.testing numpy.distutils yaml.load yaml.load_all yaml.unsafe_load yaml.full_load"
        " pandas.eval numexpr",
    ),
}
_INNER = words(
    "os sys subprocess ctypes socket shutil pty importlib builtins pickle posix multiprocessing"
)
"""Modules that act under any other module's name too: `torch.os` is `os`."""

_BUILTINS = frozenset(name for name in dir(builtins) if name[:1].islower() or name[:2] == "__")

_LONGEST = 1000
"""Characters of a dotted name that is followed; nobody's is as long."""

_STANDARD = frozenset(sys.stdlib_module_names) | {"__builtin__", "__builtins__", "cPickle"}
PLAIN = re.compile(
    r"builtins\.(?:dict|list|tuple|set|frozenset|int|float|str|bool|slice|range)"
    r"|builtins\.(?:len|sum|min|max|abs|round|sorted|reversed|zip|enumerate|any|all|divmod|print)"
    r"|collections\.(?:OrderedDict|defaultdict|deque|Counter)|datetime\.\w+"
    r"|pathlib\.(?:Pure)?(?:Posix)?Path|math\.\w+|decimal\.Decimal|uuid\.UUID|fractions\.Fraction"
    r"|random\.Random|functools\.partial"
    r"|_?operator\.(?:not_|neg|pos|abs|add|sub|mul|truediv|floordiv|mod|and_|or_|xor|eq|ne|lt|le|gt|ge|contains|concat|getitem)"
)
"""Callables of the standard library that only build a value; `partial` names what it wraps."""


def as_path(name: str) -> str:
    """A name by its path: `module:attribute` by dots, a function of Python's within builtins."""
    path = name.strip().replace(":", ".")
    return f"builtins.{path}" if path in _BUILTINS else path


def acts(path: str) -> str | None:
    """What a use of a dotted name does, to follow the name; None where it does nothing of the kind.

    Args:
        path: from the top-level module on.
    """
    if len(path) > _LONGEST:
        return "is longer than any name"
    parts = path.split(".")
    for at, part in enumerate(parts):
        if (at == 0 or part in _INNER) and not _HARMLESS.fullmatch(".".join(parts[at:])):
            deed = _MODULES.get(part)
            if deed is not None:
                return deed
    dotted = (".".join(parts[:length]) for length in range(2, len(parts) + 1))
    return next((_NAMES[name] for name in dotted if name in _NAMES), None)


def importing_acts(path: str) -> str | None:
    """What an import of a dotted name is there for; `import os` alone says nothing yet."""
    return None if path in _COMMON else acts(path)


def standard(path: str) -> bool:
    """Whether a dotted name is the standard library's and does more than build a value."""
    return path.partition(".")[0] in _STANDARD and not PLAIN.fullmatch(path)
