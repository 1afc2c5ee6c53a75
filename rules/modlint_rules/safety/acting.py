"""Globals outside the standard library that start programs, import, open, fetch or evaluate.

No checkpoint needs one, and whatever has one may call it: a class's own `__setstate__` or
`__del__`, a hook. Names are judged by their spelling; nothing is imported. Which classes and
functions do so: torch 2.13, numpy 2.x, joblib 1.6; the packages that are widely installed.
"""

from __future__ import annotations

_TORCH = (
    "_dynamo _export _functorch _higher_order_ops _inductor _native _numpy.testing _ops"
    " _subclasses _vendor classes compiler cuda.gds cuda._sanitizer distributed.checkpoint._async"
    " distributed.elastic distributed.launch distributed.launcher distributed.nn distributed.rpc"
    " distributed.run export from_file fx hub jit library load multiprocessing onnx ops package"
    " profiler save serialization testing utils._config_module utils.benchmark utils.bottleneck"
    " utils.collect_env utils.cpp_extension utils.data.datapipes utils.hipify utils.model_zoo"
    " _C._VariableFunctions.from_file _C._VariableFunctionsClass.from_file _C._import"
    " _C._jit PyTorchFileReader PyTorchFileWriter"
)
_NUMPY = (
    "DataSource compat ctypeslib distutils f2py fromfile fromregex genfromtxt load loadtxt"
    " lib._datasource lib._format_impl lib._npyio_impl lib.format lib.npyio lib.utils"
    " memmap save savetxt savez savez_compressed testing _core.records.fromfile"
    " core.records.fromfile"
)
_OTHERS = (
    "IPython PIL.ImageTk _pytest aiohttp anyio boto3 botocore celery cffi cppyy dill django"
    " docker execnet fabric filelock flask fsspec gevent git gradio httpx"
    " huggingface_hub._commit_scheduler huggingface_hub._snapshot_download huggingface_hub.cli"
    " huggingface_hub.commands huggingface_hub.file_download huggingface_hub.hf_api"
    " huggingface_hub.hf_file_system huggingface_hub.hf_hub_download"
    " huggingface_hub.snapshot_download invoke ipykernel jinja2 joblib.dump joblib.executor"
    " joblib.externals joblib.memory joblib.numpy_pickle.dump joblib.parallel joblib.pool"
    " jsonpickle jupyter_client jupyter_core lightning.pytorch.trainer.connectors mako"
    " matplotlib.animation matplotlib.backend_bases matplotlib.backends matplotlib.testing"
    " nltk.downloader nox numexpr onnx.hub onnxruntime.tools onnxruntime.transformers"
    " pandas.eval pandas.io.common pandas.io.parsers pandas.io.pickle pandas.io.sql paramiko"
    " pexpect plumbum pre_commit psutil ptyprocess pytest pytorch_lightning.trainer.connectors"
    " requests sh streamlit sympy tox tqdm transformers.dynamic_module_utils"
    " transformers.pipelines transformers.utils.hub triton urllib3 virtualenv websocket"
    " websockets werkzeug wheel yaml zmq"
)
_PREFIXES = frozenset(
    (
        *(f"torch.{name}" for name in _TORCH.split()),
        *(f"numpy.{name}" for name in _NUMPY.split()),
        *_OTHERS.split(),
    )
)
_DEED_NAMES = (
    "check_call check_output download eval exec exec_module execfile from_pretrained getoutput"
    " import_module import_string load load_from_checkpoint load_library load_module loads popen"
    " read_pickle runstring system unpickle urlopen urlretrieve"
)
_DEEDS = frozenset(_DEED_NAMES.split())
"""Names of functions that say what they do, whichever package has them."""
_ACTING_CLASSES = (
    "CloudpickleWrapper ContinuousBatchProcessor DFIterDataPipe DataSource FFI HfApi"
    " HfFileSystemFile HfFileSystemStreamFile IterDataPipe MLflowCallback MapDataPipe"
    " MemorizedFunc ModelProtoWithShapeInfo NcclCommRegistration NeptuneCallback NpzFile"
    " OptimizedModule PartialFileIO StorageWeakRef _AsyncCheckpointProcess"
    " _IterDataPipeSerializationWrapper _MapDataPipeSerializationWrapper"
    " _MultiProcessingDataLoaderIter memmap"
)
_STANDARD_MAKERS = (
    "ABCMeta BufferedWriter BuiltinFunctionType CDLL CellType CodeType EnumMeta EnumType FileIO"
    " ForkingPickler FunctionType LambdaType MethodType ModuleType PathFinder Popen PyDLL"
    " SourceFileLoader TextIOWrapper Unpickler _Popen attrgetter methodcaller rmtree"
)
_IMPORTED = frozenset(f"{_ACTING_CLASSES} {_STANDARD_MAKERS}".split())
"""Names that other modules import: picklers write the module where a name is defined.

The first are those of classes above that act when they are rebuilt, called or dropped; the others
the standard library's, of what makes classes, functions and modules, or starts and opens.
"""
_ALIASES = {"np": "numpy", "numpy": "numpy", "pd": "pandas", "torch": "torch"}
_LONGEST = 1000


def acts(module: str, name: str) -> bool:
    """Whether a global is known to act, or stands in a module that is a program.

    Args:
        module: dotted module name.
        name: qualified name in it; one may lead through what the module imports, as
            `sklearn.base`, `np.memmap` does.
    """
    if len(module) + len(name) > _LONGEST or "__main__" in module.split(".")[1:]:
        return True
    parts = name.split(".")
    if parts[-1] in _DEEDS or parts[-1] in _IMPORTED:
        return True
    through = (
        ".".join((_ALIASES[part], *parts[at + 1 :]))
        for at, part in enumerate(parts)
        if part in _ALIASES
    )
    return any(map(_has_prefix, (f"{module}.{name}", *through)))


def leads_through(name: str) -> bool:
    """Whether a class is named by what another module imports: no pickler writes that.

    A qualified name leads from class to class, whose names begin with a capital.
    """
    first, dot, _ = name.partition(".")
    return bool(dot) and first.islower()


def _has_prefix(path: str) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:length]) in _PREFIXES for length in range(1, len(parts) + 1))
