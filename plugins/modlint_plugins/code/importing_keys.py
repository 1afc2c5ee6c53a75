"""Keys of configurations whose values loaders import, call, or load as native code: a table.

A row says who reads the key, where it stands, and which names that library itself writes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.hub import REMOTE
from modlint_plugins.code.targets import FOREIGN_CALLABLE, TARGET
from modlint_plugins.code.words import words

TRITON = "config.pbtxt"
"""What the fields of Triton's configuration stand under, to be told from those of JSON."""
ANY = "*"
"""In place of a key: each key of the table."""


class ImportingKey(Struct, frozen=True):
    """A key, and what a loader does with its value.

    Attributes:
        keys: the keys, words of a text; `ANY` for each of a table's.
        does: who does what with the value, to follow it: "NeMo imports and calls".
        own: pattern of the names that are silent.
        beside: words, one of which the same table must hold as a key; "" for any table.
        within: words, one of which leads to the table; "" for any table.
        joined: a key of the same table whose text goes on with the name.
        where: the other key's text that tells such tables, of the key `type`.
        foreign: the remark's kind for names that are neither the library's nor the standard
            library's.
        called: whether loading calls what it imports, without a question.
        dotted: whether a name without a dot is looked up in a table of the library's.
    """

    keys: str
    does: str
    own: str = ""
    beside: str = ""
    within: str = ""
    joined: str = ""
    where: str = ""
    foreign: str = FOREIGN_CALLABLE
    called: bool = False
    dotted: bool = False

    def is_own(self, name: str) -> bool:
        """Whether a name is one that the library writes."""
        return re.fullmatch(self.own, name, re.DOTALL) is not None


def _of(packages: str) -> str:
    """A pattern of everything in packages, words of a text."""
    return rf"(?:{'|'.join(map(re.escape, packages.split()))})(?:\..*)?"


_MODELS = _of(
    "torch megatron transformers sentence_transformers diffusers peft timm optimum trl accelerate"
)
_NEMO = "params nemo_version preprocessor train_ds optim tokenizer encoder decoder"
_SUDACHI = (
    "inputTextPlugin oovProviderPlugin pathRewritePlugin connectionCostPlugin editConnectionPlugin"
    " editConnectionCostPlugin morphemeFormatterPlugin"
)
_REGISTRIES = (
    "@architectures @augmenters @batchers @initializers @languages @layers"
    " @lemmatizers @loggers @lookups @losses @misc @models @ops @optimizers @readers @schedules"
    " @scorers @tokenizers @vectors"
)
_SPACY = r"(?:spacy[\w-]*|thinc|srsly)\..*|[A-Za-z_]\w*\.v\d+"
_SPARK = _of(
    "org.apache.spark pyspark com.johnsnowlabs com.microsoft synapse mmlspark ml.dmlc xgboost"
)
_PICKLERS = r"mlflow\..*|pickle|cloudpickle|dill"

TABLE = (
    ImportingKey(
        "tokenizer_class activation_function activation_fct loss_fct pooling_class",
        "loading imports and calls",
        _MODELS,
        called=True,
        dotted=True,
    ),
    ImportingKey("megatron_core", "peft imports", _MODELS, called=True),
    ImportingKey(
        "parent_library", "peft imports and calls", _MODELS, within="auto_mapping", called=True
    ),
    ImportingKey(
        ANY, "Sentence Transformers imports and calls", _MODELS, within="types", called=True,
        dotted=True,
    ),
    ImportingKey(
        "target cls", "NeMo, or latent diffusion, imports and calls", beside=_NEMO, foreign=TARGET,
        dotted=True,
    ),
    ImportingKey(
        "class_path", "Lightning imports and calls", ".*", beside="init_args", dotted=True
    ),
    ImportingKey("_component_", "torchtune imports and calls", foreign=TARGET, called=True),
    ImportingKey("_CLASS_", "OLMo imports and calls", foreign=TARGET, called=True),
    ImportingKey(
        "class", "GluonTS imports and calls", _of("gluonts numpy pandas torch mxnet"),
        beside="__kind__", called=True,
    ),
    ImportingKey(
        "type.txt", "GluonTS imports and calls", _of("gluonts"), called=True
    ),
    ImportingKey(
        "module", "Fiddle imports and calls, for NeMo", _of("nemo megatron torch lightning fiddle"),
        joined="name", where="pyref", called=True, foreign=TARGET,
    ),
    ImportingKey(
        "module", "pyannote imports", _of("pyannote"), within="architecture", called=True,
    ),
    ImportingKey(
        "name", "pyannote imports and calls", _of("pyannote"), within="pipeline preprocessors",
        beside="params", called=True, dotted=True,
    ),
    ImportingKey("characters_class", "Coqui TTS imports and calls", _of("TTS"), called=True),
    ImportingKey("imports", "mmengine imports", r"mm\w+(?:\..*)?", within="custom_imports"),
    ImportingKey(
        "plugins", "modelscope installs and imports", _of("modelscope adaseq"),
        beside="framework",
    ),
    ImportingKey("plugins", "axolotl imports", _of("axolotl"), beside="base_model", dotted=True),
    ImportingKey(
        "implementation", "MLServer imports and calls", r"mlserver\w*\..*",
        beside="name parameters platform", called=True, dotted=True,
    ),
    ImportingKey("module", "BentoML imports", _of("bentoml"), beside="api_version", dotted=True),
    ImportingKey("class", "Spark imports and calls", _SPARK, beside="sparkVersion", called=True),
    ImportingKey(
        "py/object py/type py/class py/function py/module py/newobj",
        "jsonpickle imports and calls",
        foreign=TARGET, called=True,
    ),
    ImportingKey("py/repr", "jsonpickle evaluates", called=True),
    ImportingKey(
        "class", "Sudachi imports, or loads as native code",
        _of("com.worksap.nlp.sudachi sudachipy"),
        within=_SUDACHI, called=True,
    ),
    ImportingKey(
        "custom_ops_library register_custom_ops_library ep_library_path trt_extra_plugin_lib_paths",
        "ONNX Runtime loads as native code",
    ),
    ImportingKey(
        "network_class_name network_arch_class_name", "nnU-Net imports and calls",
        _of("dynamic_network_architectures nnunetv2 nnunet monai torch"), called=True, dotted=True,
    ),
    ImportingKey(
        "type", "PaddleDetection evaluates", r"\w+", within="Preprocess", foreign=EVALUATED,
        called=True,
    ),
    ImportingKey(
        "uses", "Rasa imports and calls", _of("rasa rasa_plus"), beside="constructor_name fn",
        called=True, dotted=True,
    ),
    ImportingKey(
        "model_class", "MLflow imports and calls", _of("xgboost lightgbm sklearn catboost"),
        beside="data", called=True,
    ),
    ImportingKey(
        "object_constructor", "MLflow imports for LlamaIndex", _of("llama_index"),
        beside="object_kwargs", called=True,
    ),
    ImportingKey("pickle_module_info.txt", "MLflow imports and unpickles with", _PICKLERS),
    ImportingKey("keras_module.txt", "MLflow imports", _of("keras tensorflow tf_keras")),
    ImportingKey(
        "keras_module", "MLflow imports", _of("keras tensorflow tf_keras"),
        within="tensorflow keras",
    ),
    ImportingKey("remote_code", "FunASR runs on request", foreign=REMOTE),
    ImportingKey("user_dir", "fairseq imports", within="common", foreign=REMOTE),
    ImportingKey(
        "@callbacks @factories", "spaCy looks up and calls", r"spacy[\w-]*\..*", foreign=TARGET
    ),
    ImportingKey(_REGISTRIES, "spaCy looks up and calls", _SPACY, foreign=TARGET, called=True),
    ImportingKey("backend", "Triton loads as native code", r"[\w-]*", within=TRITON),
    ImportingKey(
        "backend", "Triton takes to run the folder's code", "(?!python$).*", within=TRITON,
        foreign=REMOTE,
    ),
    ImportingKey("runtime", "Triton loads as native code", within=TRITON),
    ImportingKey("EXECUTION_ENV_PATH", "Triton unpacks and runs", foreign=REMOTE, within=TRITON),
)  # fmt: skip


ALLENNLP = ImportingKey(
    "type", "AllenNLP imports and calls", _of("allennlp allennlp_models torch transformers"),
    called=True, dotted=True,
)  # fmt: skip
"""Wherever it stands in a configuration of AllenNLP's, which has both of `ALLENNLP_KEYS`."""
ALLENNLP_KEYS = ("dataset_reader", "model")


def by_key(rows: Iterable[ImportingKey]) -> dict[str, list[ImportingKey]]:
    """The rows of each key."""
    found: dict[str, list[ImportingKey]] = {}
    for row in rows:
        for key in words(row.keys):
            found.setdefault(key, []).append(row)
    return found


BY_KEY = by_key(TABLE)
