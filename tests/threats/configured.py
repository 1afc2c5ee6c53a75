"""Lines 36 and 38 of the list: names that configurations give to loaders, and what stays silent."""

from __future__ import annotations

import json

from threats.boxes import HEALTHY, tar_of, torch_archive
from threats.build import ANYWHERE, STATE, Entry, Finding, Threat, Torch, alone, text, zip_archive
from threats.carried import metadata, scripted
from threats.literature.paths import folder_of
from threats.pickled import dict_of, ended

_WARNING = Finding("SEC003", "warning|error", ANYWHERE, None)
_ERROR = Finding("SEC003", "error", ANYWHERE, None)
_NOTE = Finding("SEC003", "note", ANYWHERE, None)


def _json(**values: object) -> bytes:
    return json.dumps(values).encode()


def _array(*filters: str, objects: bool = True) -> bytes:
    return _json(
        zarr_format=2,
        dtype="|O" if objects else "<f4",
        shape=[1],
        chunks=[1],
        compressor={"id": "zlib", "level": 1},
        filters=[{"id": name} for name in filters],
    )


def _array_3(*codecs: str) -> bytes:
    held = [{"name": name, "configuration": {}} for name in codecs]
    sharded = {"name": "sharding_indexed", "configuration": {"codecs": held}}
    return _json(zarr_format=3, node_type="array", codecs=[sharded])


_NEMO = b"target: nemo.collections.asr.models.EncDecCTCModel\noptim:\n  name: adam\n"
_SPEECH = b"model: !new:speechbrain.nnet.containers.Sequential\n  lr: !ref <lr> * 2\nlr: 0.1\n"
_SPACY = b"""[nlp]
lang = "en"
pipeline = ["tagger"]

[components.tagger.model]
@architectures = "spacy.Tagger.v2"

[training.optimizer]
@optimizers = "Adam.v1"
"""
_SUDACHI = {
    "systemDict": "system.dic",
    "oovProviderPlugin": [
        {"class": "com.worksap.nlp.sudachi.MeCabOovPlugin", "charDef": "char.def"},
        {"class": "sudachipy.plugin.oov.SimpleOovPlugin", "leftId": 8},
    ],
}
_TRITON = b'name: "m"\nbackend: "onnxruntime"\ninput [{ name: "x" data_type: TYPE_FP32 }]\n'
_YOLO = b"""nc: 80
backbone:
- [-1, 1, Conv, [64, 3, 2]]
- [-1, 1, nn.Upsample, [None, 2, 'nearest']]
head:
- [17, 1, Detect, [nc, anchors]]
"""
_MONAI = {
    "imports": ["$import glob", "$import os"],
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "files": "$sorted(glob.glob(os.path.join(@root, '*.nii.gz')))",
    "network": {"_target_": "UNet", "spatial_dims": 3},
}
_GLUONTS = {"__kind__": "instance", "class": "gluonts.model.Forecaster", "args": []}
_FIDDLE = {"type": {"type": "pyref", "module": "nemo.collections.llm", "name": "GPTModel"}}

_BESIDE: dict[str, tuple[str, bytes, Finding]] = {
    "a target of the standard library": (
        "model_config.yaml",
        b"target: turtle.done\nparams: {}\n",
        _WARNING,
    ),
    "a target that starts programs": (
        "model_config.yaml",
        b"target: subprocess:Popen\nparams: {args: id}\n",
        _WARNING,
    ),
    "a target that is computed": (
        "model_config.yaml",
        b"x: os\ntarget: ${x}.system\nparams: {command: id}\n",
        _WARNING,
    ),
    "a target of another package": (
        "model_config.yaml",
        b"target: thirdparty.Net\noptim: {}\n",
        _NOTE,
    ),
    "a tag that applies a function of Python's": (
        "hyperparams.yaml",
        b"x: !apply:eval [\"__import__('os')\"]\n",
        _ERROR,
    ),
    "a tag that names a module": ("hyperparams.yaml", b"x: !module:subprocess\n", _ERROR),
    "a tag that reads a file elsewhere": (
        "hyperparams.yaml",
        b"x: !include:/etc/x.yaml\n",
        _WARNING,
    ),
    "a tag of PyYAML's for eval": ("any.yml", b"x: !!python/object/apply:eval ['0']\n", _ERROR),
    "objects of zarr": ("w.zarr/x/.zarray", _array("pickle"), _WARNING),
    "objects of zarr, in the metadata of all": (
        "w.zarr/.zmetadata",
        _json(metadata={"x/.zarray": json.loads(_array("pickle"))}),
        _WARNING,
    ),
    "objects of zarr 3, in shards": ("w.zarr/zarr.json", _array_3("numcodecs.pickle"), _WARNING),
    "a plugin of Sudachi by its path": (
        "sudachi.json",
        _json(pathRewritePlugin=[{"class": "./hit"}]),
        _WARNING,
    ),
    "a plugin of Sudachi of another package": (
        "sudachi.json",
        _json(oovProviderPlugin=[{"class": "thirdparty.Oov"}]),
        _WARNING,
    ),
    "operators of another library, for ONNX Runtime": (
        "genai_config.json",
        _json(model={"decoder": {"session_options": {"custom_ops_library": "operators"}}}),
        _WARNING,
    ),
    "a callback of spaCy": (
        "config.cfg",
        b'[initialize.before_init]\n@callbacks = "thirdparty.v1"\n',
        _NOTE,
    ),
    "a value of spaCy that names a function": ("config.cfg", b'[x]\ny = "os.system"\n', _WARNING),
    "a model in Python, for Triton": ("config.pbtxt", b'backend: "py" "thon"\n', _NOTE),
    "a library for Triton": ("config.pbtxt", b'backend: "../../hit"\n', _WARNING),
    "a module to unpickle with": ("data/pickle_module_info.txt", b"thirdparty.pickler\n", _WARNING),
    "a Keras of another package": ("data/keras_module.txt", b"thirdparty\n", _WARNING),
    "an object of jsonpickle": (
        "state.json",
        _json(x={"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["id"]}]}),
        _ERROR,
    ),
    "a forecaster of GluonTS": (
        "predictor.json",
        _json(__kind__="instance", **{"class": "thirdparty.Net"}),
        _WARNING,
    ),
    "a reference of Fiddle": (
        "context/io.json",
        _json(objects={"x": {"type": {"type": "pyref", "module": "os", "name": "system"}}}),
        _ERROR,
    ),
    "a component of torchtune": ("config.yaml", b"model:\n  _component_: os.system\n", _ERROR),
    "a class of OLMo's configuration": ("config.json", _json(_CLASS_="subprocess.Popen"), _ERROR),
    "a pipeline of pyannote": (
        "config.yaml",
        b"pipeline:\n  name: thirdparty.Pipeline\n  params: {}\n",
        _WARNING,
    ),
    "characters of Coqui TTS": (
        "config.json",
        _json(characters={"characters_class": "thirdparty.Graphemes"}),
        _WARNING,
    ),
    "imports of mmengine": (
        "model.yaml",
        b"custom_imports:\n  imports: [thirdparty.models]\n",
        _WARNING,
    ),
    "a plugin of modelscope": (
        "configuration.json",
        _json(framework="pytorch", task="x", plugins=["thirdparty"]),
        _WARNING,
    ),
    "an implementation for MLServer": (
        "model-settings.json",
        _json(name="m", implementation="thirdparty.Runtime"),
        _WARNING,
    ),
    "a stage of Spark": (
        "metadata.json",
        _json(sparkVersion="3.5", **{"class": "thirdparty.Stage"}),
        _WARNING,
    ),
    "an expression of MONAI": (
        "configs/inference.json",
        _json(imports=["$import os"], run="$os.system('id')"),
        _WARNING,
    ),
    "a row of layers of YOLOv5": (
        "model.yaml",
        b"backbone:\n- [-1, 1, \"__import__('os').system('id')\", []]\nhead: []\n",
        _ERROR,
    ),
    "a resolver that evaluates": (
        "config.yaml",
        b'lr: ${eval:\'__import__("os").system("id")\'}\n',
        _WARNING,
    ),
    "a function under a key that no table has": (
        "serving.json",
        _json(hooks={"before": "os:system"}),
        _WARNING,
    ),
    "a library of native code with a blank in its name": (
        "serving.json",
        _json(plugin="./my plugin.so"),
        _WARNING,
    ),
}
_SILENT: dict[str, tuple[str, bytes]] = {
    "a model of NeMo's own": ("model_config.yaml", _NEMO),
    "hyperparameters of SpeechBrain": ("hyperparams.yaml", _SPEECH),
    "a tag that reads what lies beside it": ("hyperparams.yaml", b"x: !include:model.yaml\n"),
    "tags that only call what builds or adds": ("hyperparams.yaml", b"x: !apply:sum [[1, 2]]\n"),
    "slices in the YAML of Isaac Lab": (
        "env.yaml",
        b"ids: !!python/object/apply:builtins.slice [null, null, null]\nx: !!python/tuple [1]\n",
    ),
    "texts of zarr": ("w.zarr/x/.zarray", _array("vlen-utf8")),
    "objects of zarr as JSON": ("w.zarr/x/.zarray", _array("json2")),
    "numbers of zarr": ("w.zarr/x/.zarray", _array("shuffle", objects=False)),
    "codecs of zarr 3": ("w.zarr/zarr.json", _array_3("vlen-utf8", "zstd", "numcodecs.json2")),
    "a food that is called pickle": (
        "labels.json",
        _json(categories=[{"id": 1, "name": "pickle"}]),
    ),
    "plugins of Sudachi's own": ("sudachi.json", _json(**_SUDACHI)),
    "a pipeline of spaCy": ("config.cfg", _SPACY),
    "a model of ONNX, for Triton": ("config.pbtxt", _TRITON),
    "a pickler of MLflow's own": ("data/pickle_module_info.txt", b"mlflow.pytorch.pickle_module"),
    "a forecaster of GluonTS's own": ("predictor.json", _json(**_GLUONTS)),
    "a reference to a model of NeMo's": ("context/io.json", _json(objects={"x": _FIDDLE})),
    "rows of layers": ("model.yaml", _YOLO),
    "expressions of MONAI that compute": ("configs/inference.json", _json(**_MONAI)),
    "names of files that look like modules": (
        "files.json",
        _json(a="profile.json", b="code.py", c="socket.io", d="os.path.join", e="pip.conf"),
    ),
    "words for targets, types and classes": (
        "task.json",
        _json(target="token.embedding", type="code.python", types={"a": "string"}, cls="CLS"),
    ),
    "the functions of a classifier of code": (
        "config.json",
        _json(id2label={"0": "os.system", "1": "subprocess.run"}, model_type="x"),
    ),
    "a torch module in a row of torchtune": (
        "config.yaml",
        b"loss:\n  _component_: torch.nn.Loss\n",
    ),
    "a library of Qualcomm's": (
        "genai_config.json",
        _json(provider_options=[{"qnn": {"backend_path": "QnnHtp.dll"}}]),
    ),
}


def _beside(name: str, content: bytes) -> dict[str, bytes]:
    """A folder with weights, by themselves or in a folder that the configuration stands beside."""
    place = "weights/model.pt" if name.startswith(("configs/", "context/")) else "model.pt"
    if name.startswith("data/"):
        place = "data/model.pt"
    return {place: HEALTHY, name: content}


def _scripted_in(member: str, code: str) -> bytes:
    marks = (Entry("model/constants.pkl", b"\x80\x02)."), Entry(member, code.encode()))
    return zip_archive(Torch(more=marks).entries()).content


_FORWARD = "def f(x: Tensor) -> Tensor:\n  {}\n  return x\n"
_QUOTES = '\\u0022\\u0022\\u0022"'
_FROM_FILE = 'torch.from_file("/x", True, 4)'


def _bytecode(operator: str) -> bytes:
    """Bytecode of one function that calls one operator."""
    table = b"\x80\x02K\x08" + text("__torch__.f") + text("operators") + text(operator) + text("")
    return torch_archive(STATE, Entry("archive/bytecode.pkl", table + b"\x86\x85\x86\x86\x86."))


_SCRIPTS = {
    "a cast to a list of classes": scripted("unchecked_cast(List[__torch__.M], x)"),
    "a cast by another name": scripted("unchecked_cast\n    t = t(__torch__.M, x)"),
    "a class that plays a stream": scripted(
        "__torch__.torch.classes.torchvision.Video('http://x', 'video')"
    ),
    "a class of a process group": scripted("__torch__.torch.classes.c10d.ProcessGroup(0, 1)"),
    "an engine of native code": scripted("__torch__.torch.classes.tensorrt.Engine(x)"),
    "all classes as a value": scripted("__torch__.torch.classes.torchvision\n    t = t.Video(x)"),
    "an operator of torch's inside": scripted("ops.inductor._alloc_from_pool(x, 0, 6, [4], [1])"),
    "a comment that tells Python another encoding": _scripted_in(
        "model/code/__torch__.py",
        "# coding: unicode_escape\n"
        + _FORWARD.format(f'a = "{_QUOTES}\n  t = {_FROM_FILE}\n  b = "{_QUOTES}'),
    ),
    "an import that torch passes over": _scripted_in(
        "model/code/__torch__.py", "import mine\n" + _FORWARD.format(f"t = {_FROM_FILE}")
    ),
    "a folder in capitals": _scripted_in(
        "model/CODE/__TORCH__.PY", _FORWARD.format(f"t = {_FROM_FILE}")
    ),
    "a place that model.json names": zip_archive(
        [
            Entry("m/model.json", b'{"mainModule": {"torchscriptArena": {"key": "x"}}}'),
            Entry("m/x", _FORWARD.format(f"t = {_FROM_FILE}").encode()),
        ]
    ).content,
    "bytecode without its source": _bytecode("aten::from_file"),
    "a pickle with an object of a class": torch_archive(
        b"\x80\x02c__torch__.torch.classes.torchvision\nVideo\n)\x81X\x01\0\0\0xb.",
        Entry("archive/constants.pkl", b"\x80\x02)."),
    ),
}
_QUIET = {
    "casts to tensors": scripted("unchecked_cast(Tensor, unchecked_cast(Optional[Tensor], x))"),
    "a text about casts": scripted("'unchecked_cast(__torch__.M, x)'"),
    "packed weights": scripted("__torch__.torch.classes.quantized.LinearPackedParamsBase(x)"),
    "bytecode that computes": _bytecode("aten::sum"),
}

_ARCHITECTURE = dict_of(module=text("thirdparty.models"), **{"class": text("Net")})
_PACKED: dict[str, tuple[str, bytes, tuple[Finding, ...]]] = {
    "a target in NeMo's archive": (
        "m.nemo",
        tar_of(("./model_config.yaml", b"target: os.popen\nparams: {cmd: id}\n")),
        (_WARNING,),
    ),
    "a model of NeMo's own in its archive": ("m.nemo", tar_of(("model_config.yaml", _NEMO)), ()),
    "a tag of PyYAML's in an archive": (
        "m.tar",
        tar_of(("x.yaml", b"!!python/object/new:os.system [id]\n")),
        (_ERROR,),
    ),
    "objects of zarr in an archive": (
        "w.zarr.zip",
        zip_archive([Entry("x/.zarray", _array("pickle")), Entry("x/0", b"?")]).content,
        (_WARNING,),
    ),
    "texts of zarr in an archive": (
        "w.zarr.zip",
        zip_archive([Entry("x/.zarray", _array("vlen-utf8")), Entry("x/0", b"?")]).content,
        (),
    ),
    "an architecture of pyannote's in a checkpoint": (
        "pytorch_model.bin",
        torch_archive(ended(dict_of(architecture=_ARCHITECTURE), proto=2)),
        (_WARNING,),
    ),
    "a reference of Fiddle in metadata": (
        "m.safetensors",
        metadata(io=json.dumps({"type": "pyref", "module": "os", "name": "system"})),
        (_ERROR,),
    ),
}

THREATS = (
    *(
        Threat(38, f"beside weights: {title}", folder_of(_beside(name, content), finding))
        for title, (name, content, finding) in _BESIDE.items()
    ),
    *(
        Threat(38, f"silent beside weights: {title}", folder_of(_beside(name, content)))
        for title, (name, content) in _SILENT.items()
    ),
    *(
        Threat(38, title, alone(name, content, *findings))
        for title, (name, content, findings) in _PACKED.items()
    ),
    *(
        Threat(36, f"TorchScript: {title}", alone("m.pt", content, _WARNING))
        for title, content in _SCRIPTS.items()
    ),
    *(
        Threat(36, f"silent TorchScript: {title}", alone("m.pt", content))
        for title, content in _QUIET.items()
    ),
)
