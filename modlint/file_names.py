"""What the names of files promise; what they hold is told by their content."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

_READ = (
    ".pt",
    ".pth",
    ".pt2",
    ".th",
    ".ckpt",
    ".safetensors",
    ".onnx",
    ".pth.tar",
    ".pkl",
    ".pickle",
    ".joblib",
)
"""Names that promise a checkpoint of a format that modlint reads."""

LISTED = (
    *_READ,
    ".bin",
    ".npz",
    ".distcp",
    ".mar",
    ".safetensors.index.json",
    ".bin.index.json",
)
"""Names that are checked wherever they are found; the pre-commit hooks select by the same list."""

_INDEX = re.compile(r"\.(safetensors|bin)\.index(\.\w+)?\.json$")

_DISTRIBUTED = ".metadata"
"""Name of the file that describes a distributed checkpoint's parts."""

_ONLY_CHECKPOINTS = (
    *_READ,
    ".npy",
    ".npz",
    ".distcp",
    ".mar",
    ".nemo",
    ".skops",
    ".dill",
    ".cloudpickle",
    ".pdparams",
    ".pdopt",
    ".pdmodel",
    ".keras",
    ".h5",
    ".hdf5",
    ".gguf",
    ".ggml",
    ".tflite",
    ".torchscript",
    ".ptl",
    ".pte",
    ".mlmodel",
    ".t7",
    ".caffemodel",
)
"""Names for checkpoints and for nothing else."""

_ALSO_OTHERS = (
    *(".bin", ".model", ".pb", ".params", ".weights", ".msgpack", ".msgpck", ".ot", ".ort"),
    *(".engine", ".plan", ".trt", ".mnn", ".mindir", ".pdiparams", ".vmfb", ".hnsw", ".tl"),
    *(".ann", ".voy"),
)
"""Names for checkpoints and for much else: vocabularies, settings, firmware."""

_WRAPPED = re.compile(
    r"(\.(gz|bz2|xz|lzma|z|zlib|zst|lz4|7z|rar|zip|bak|old|orig|tmp|part|\d+)|~)$"
)
"""What follows the name of a file that was compressed, copied or cut into parts."""

_GRAPH, _TENSORS = ".meta", ".index"

_COMPANION = re.compile(
    r"(\w+_)?config(_\w+)?\.json|special_tokens_map\.json|sudachi\.json|\.zarray|zarr\.json"
    r"|\.zmetadata|configuration\.json|model-settings\.json|predictor\.json|config\.(cfg|pbtxt)"
    r"|pickle_module_info\.txt|keras_module\.txt"
    r"|(modular_)?model_index\.json|modules\.json|mlmodel|chat_template(\.[\w-]+)*"
)
_SPARK = re.compile(r"part-\d{5}")
"""Names of the files in which Spark keeps a stage's class and settings, in a folder `metadata`."""
_TEMPLATES = "additional_chat_templates"
"""The folder of a tokenizer's further templates."""
COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib")
"""What Python imports in place of source."""
_CODE = (".py", *COMPILED, ".jinja", ".jinja2", ".yaml", ".yml", ".json", ".cfg", ".pbtxt")
_RUN_BY_NAME = re.compile(
    r"(modeling|modular|configuration|tokenization|processing|image_processing|video_processing"
    r"|feature_extraction|pipeline|custom)(_\w+)?\.py|handler\.py|hubconf\.py|inference\.py|\w+_st\.py"
    r"|ms_wrapper\.py"
)
"""Names of modules that transformers, diffusers and servers of models look for."""
_SETTINGS = re.compile(
    r"(\w+[_-])?(config|hparams|hyperparams|params|settings|cfg)\.ya?ml|plans\.json"
)

_REQUIREMENTS = re.compile(
    r"(.*[-_.])?(requirements?|reqs?|constraints?|dependencies|deps)([-_.].*)?\.(txt|in|pip)"
)
_ENVIRONMENT = re.compile(r"(conda|python_env|environment)\.ya?ml")
"""Names of lists of packages that a server of models installs."""

_CONFIGURES = (".json", ".cfg", ".pbtxt")
_VOCABULARIES = ("vocab.json", "added_tokens.json")
"""JSON that is read as words and numbers, whatever it holds."""
_KNOWN_CONFIGURATIONS = (
    "tokenizer.json",
    "io.json",
    "meta.json",
    "metadata.json",
    "inference.json",
    "train.json",
    "evaluate.json",
    "type.txt",
)
"""What loaders read by its name where weights are."""
MAX_CONFIGURATION = 16 << 20
"""Bytes of a configuration of another name that is examined."""

_ADAPTER = re.compile(
    r"(adapter_model(\.\w+)?(-\d{5}-of-\d{5})?|(\d+_)?adapters?|pytorch_lora_weights(\.\w+)?)"
    r"\.(safetensors|bin|pt|pth|npz)"
)

_WEIGHTS = re.compile(
    r"((diffusion_|open_clip_)?pytorch_model|(open_clip_)?model|model_weights|weights|state_dict"
    r"|pytorch_model_fsdp|consolidated([._-]\d+)?)(\.\w+)?(-\d{5}-of-\d{5})?(\.\w+)?"
    r"\.(bin|pt|pth|th|ckpt|safetensors)"
)


def promises_weights(path: Path) -> bool:
    """Whether a file is named as the weights of a model, whole or in shards, or as an adapter."""
    name = path.name.lower()
    named = is_adapter(path) or _WEIGHTS.fullmatch(name) is not None
    return named or name.endswith((".safetensors.index.json", ".bin.index.json"))


def is_adapter(path: Path) -> bool:
    """Whether a file is named as an adapter alone, by PEFT, MLX or diffusers."""
    return _ADAPTER.fullmatch(path.name.lower()) is not None


def is_index(path: Path) -> bool:
    """Whether a file is named as the index of a sharded checkpoint."""
    return _INDEX.search(path.name) is not None


def promises_readable(path: Path) -> bool:
    """Whether the file's name says that it is a checkpoint of a format that modlint reads."""
    return path.name.lower().endswith(_READ)


def is_listed(path: Path) -> bool:
    """Whether the file has a report of its own wherever it is found, whatever it holds."""
    return path.name.lower().endswith(LISTED) or path.name == _DISTRIBUTED


def promises_checkpoint(path: Path, *, only: bool = False) -> bool:
    """Whether the name says that the file is a checkpoint, compressed or in parts perhaps.

    Args:
        path: the file.
        only: leave out names that other files have too (`.bin`, `.model`).
    """
    name = path.name.lower()
    while name:
        if name.endswith(_ONLY_CHECKPOINTS) or (not only and name.endswith(_ALSO_OTHERS)):
            return True
        wrapped = _WRAPPED.search(name)
        if wrapped is None:
            break
        name = name[: wrapped.start()]
    return path.name == _DISTRIBUTED


def restores_tensors(path: Path) -> bool:
    """Whether a file is a graph that TensorFlow 1 runs to restore the tensors beside it.

    By its name and theirs, as `tf.train.import_meta_graph` has them.
    """
    if path.suffix.lower() != _GRAPH:
        return False
    return any(path.with_suffix(suffix).is_file() for suffix in (_TENSORS, ""))


def is_companion(path: Path) -> bool:
    """Whether the file's name says that loaders of the checkpoints around it read it."""
    if path.parent.name == "metadata" and _SPARK.fullmatch(path.name):
        return True
    return path.parent.name == _TEMPLATES or _COMPANION.fullmatch(path.name.lower()) is not None


def is_code(path: Path) -> bool:
    """Whether a loader may run the file, or call what it names, where checkpoints are around."""
    return path.name.lower().endswith(_CODE)


def is_run_by_name(path: Path) -> bool:
    """Whether a file is named as the code that loaders look for beside a checkpoint."""
    return _RUN_BY_NAME.fullmatch(path.name.lower()) is not None


def is_configuration(path: Path) -> bool:
    """Whether a file may configure the checkpoints around it, by its suffix and its size."""
    name = path.name.lower()
    if name in _KNOWN_CONFIGURATIONS:
        return True
    if not name.endswith(_CONFIGURES) or name in _VOCABULARIES:
        return False
    try:
        return path.stat().st_size <= MAX_CONFIGURATION
    except OSError:
        return False


def is_requirements(path: PurePath) -> bool:
    """Whether a file is named as a list of packages that a model needs, as pip reads it."""
    return _REQUIREMENTS.fullmatch(path.name.lower()) is not None


def names_packages(path: Path) -> bool:
    """Whether a file is named as the packages that a server of the model installs."""
    return is_requirements(path) or _ENVIRONMENT.fullmatch(path.name.lower()) is not None


def is_settings(path: Path) -> bool:
    """Whether a file is named as the settings of a training, from which a model is built again."""
    return _SETTINGS.fullmatch(path.name.lower()) is not None
