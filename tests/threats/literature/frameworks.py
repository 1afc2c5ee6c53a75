"""Loading paths of frameworks that keep their checkpoints as pickles, or beside them."""

from __future__ import annotations

import base64
import json

from threats.boxes import HEALTHY, LAMBDA, keras, sparse_tar, tar_of, torch_archive
from threats.build import ANYWHERE, CALL, Entry, Finding, Threat, alone, zip_archive
from threats.literature.paths import CALLS, folder_of, hides, path
from threats.pickled import (
    PAYLOAD,
    called,
    dict_of,
    ended,
    list_of,
    number,
    pushed,
    raw,
    rebuilt,
    text,
    tuple_of,
)

_LAYOUTS = {
    "Lightning": (
        "epoch=1-step=10.ckpt",
        dict_of(
            **{"pytorch-lightning_version": text("2.5.0")},
            epoch=number(1),
            state_dict=b"}",
            callbacks=dict_of(ModelCheckpoint=dict_of(best_model_path=CALL)),
        ),
    ),
    "fastai": ("export.pkl", rebuilt(("fastai.learner", "Learner"), dict_of(model=CALL))),
    "ultralytics": (
        "yolo.pt",
        dict_of(
            epoch=number(-1),
            model=rebuilt(("ultralytics.nn.tasks", "DetectionModel"), dict_of(args=CALL)),
        ),
    ),
    "mmengine": ("epoch_1.pth", dict_of(meta=dict_of(cfg=CALL), state_dict=b"}", message_hub=b"}")),
    "DeepSpeed": (
        "mp_rank_00_model_states.pt",
        dict_of(module=b"}", ds_config=b"}", ds_version=text("0.16"), buffer_names=list_of(CALL)),
    ),
    "Megatron": (
        "model_optim_rng.pt",
        dict_of(args=CALL, checkpoint_version=number(3), model=b"}"),
    ),
    "transformers, optimizer.pt": (
        "optimizer.pt",
        dict_of(state=b"}", param_groups=list_of(dict_of(lr=CALL))),
    ),
    "transformers, scheduler.pt": ("scheduler.pt", dict_of(last_epoch=CALL)),
    "transformers, rng_state.pth": (
        "rng_state.pth",
        dict_of(python=tuple_of(number(3), CALL), cpu=b"N"),
    ),
    "transformers, training_args.bin": (
        "training_args.bin",
        rebuilt(("transformers.training_args", "TrainingArguments"), dict_of(output_dir=CALL)),
    ),
}


def _layout(name: str) -> Threat:
    file, content = _LAYOUTS[name]
    return path(name, hides(file, torch_archive(ended(content, proto=2)), "archive/data.pkl", None))


_PLAIN = {
    "detectron2": ("model_final.pkl", dict_of(model=dict_of(w=CALL), __author__=text("x"))),
    "gensim": ("word2vec.model", rebuilt(("gensim.models.word2vec", "Word2Vec"), dict_of(wv=CALL))),
    "PaddlePaddle": ("linear.pdparams", dict_of(w=CALL)),
    "PaddlePaddle, optimiser": ("linear.pdopt", dict_of(LR_Scheduler=CALL)),
    "dill": ("model.dill", called(("dill._dill", "_create_namespace"), CALL)),
    "cloudpickle, as MLflow's python_model.pkl": (
        "python_model.pkl",
        called(("cloudpickle.cloudpickle", "_make_function"), CALL),
    ),
    "NLTK": (
        "english.pickle",
        rebuilt(("nltk.tokenize.punkt", "PunktSentenceTokenizer"), dict_of(_params=CALL)),
    ),
    "statsmodels": (
        "results.pickle",
        rebuilt(("statsmodels.base.model", "Results"), dict_of(model=CALL)),
    ),
    "sklearn": ("model.pkl", rebuilt(("sklearn.svm._classes", "SVC"), dict_of(C=CALL))),
    "statsmodels, under a name that tells nothing": ("results.dat", list_of(CALL)),
}


def _plain(name: str) -> Threat:
    file, content = _PLAIN[name]
    return path(name, hides(file, ended(content), None, None))


_BASE64 = base64.b64encode(PAYLOAD).decode()
_SB3 = json.dumps({"policy_class": {":type:": "<class 'abc.ABCMeta'>", ":serialized:": _BASE64}})
_SKOPS = {
    "__class__": "Tree",
    "__module__": "os",
    "__loader__": "OperatorFuncNode",
    "attrs": {"content": "system"},
    "protocol": 2,
}
_NEMO = (("model_config.yaml", b"target: nemo.collections.asr.models.EncDecCTCModel\n"),)
_SHELF = PAYLOAD.ljust(512, b"\0") + PAYLOAD
_HIDDEN_SUFFIXES = [
    ".nemo",
    ".npy",
    ".tar",
    ".pkl.gz",
    ".model",
    ".pdparams",
    ".dill",
    ".dat",
    ".keras",
    ".zip",
    ".weights",
    ".x",
]


def _unlisted(suffix: str) -> Threat:
    """A payload beside healthy weights, under a suffix that no scanner lists, or under none."""
    files = {"model.pt": HEALTHY, f"beside{suffix}": PAYLOAD}
    name = suffix or "no suffix"
    return path(f"a file beside the weights, {name}", folder_of(files, CALLS), 45)


THREATS = (
    *map(_layout, _LAYOUTS),
    *map(_plain, _PLAIN),
    path("NeMo", hides("asr.nemo", tar_of(*_NEMO, ("model_weights.ckpt", torch_archive(PAYLOAD))))),
    path(
        "NeMo, a GNU sparse member",
        hides("asr.nemo", sparse_tar("model_weights.ckpt", torch_archive(PAYLOAD))),
        47,
    ),
    path(
        "NeMo, a pickle as a GNU sparse member",
        hides("asr.nemo", sparse_tar("model_weights.ckpt", PAYLOAD)),
        47,
    ),
    path(
        "Stable-Baselines3",
        hides(
            "ppo.zip",
            zip_archive(
                [Entry("data", _SB3.encode()), Entry("policy.pth", torch_archive())]
            ).content,
        ),
        39,
    ),
    path(
        "Stable-Baselines3, behind a picture and beside a decoy",
        hides(
            "ppo.zip",
            zip_archive(
                [
                    Entry("x/data.pkl", b"\x80\x02}."),
                    Entry("x/version", b"3\n"),
                    Entry("data", _SB3.encode()),
                ],
                before=b"GIF89a" + bytes(40),
            ).content,
        ),
        43,
    ),
    path(
        "TorchServe",
        hides(
            "m.mar",
            zip_archive(
                [
                    Entry("MAR-INF/MANIFEST.json", b'{"model": {"serializedFile": "m.pt"}}'),
                    Entry("m.pt", torch_archive(PAYLOAD)),
                ]
            ).content,
        ),
    ),
    path(
        "Keras, a Lambda layer",
        alone("m.keras", keras(LAMBDA), Finding("SEC003", "warning|error", ANYWHERE, None)),
        38,
    ),
    path(
        "Keras, a Lambda layer beside weights that are an archive of objects",
        hides(
            "m.keras",
            keras(
                LAMBDA, Entry("model.weights.npz", zip_archive([Entry("a.npy", PAYLOAD)]).content)
            ),
        ),
        38,
    ),
    path(
        "Keras, a Lambda layer in HDF5",
        alone(
            "m.h5",
            b"\x89HDF\r\n\x1a\n" + bytes(120) + json.dumps(LAMBDA).encode() + bytes(8),
            Finding("SEC003|FMT001", "warning|error", ANYWHERE, None),
        ),
        38,
    ),
    path(
        "skops",
        alone(
            "m.skops",
            zip_archive([Entry("schema.json", json.dumps(_SKOPS).encode())]).content,
            Finding("SEC003", "warning|error", ANYWHERE, None),
        ),
        38,
    ),
    path("shelve, dbm.dumb", hides("shelf.dat", _SHELF, None, None)),
    path(
        "pickle, bytes that a class of a third party unpickles",
        hides("m.pkl", ended(called(("thirdparty.tasks", "restore"), raw(PAYLOAD)))),
    ),
    path(
        "pickle, a global that torch rebuilds a parameter from",
        hides(
            "m.pkl",
            ended(
                called(
                    ("torch._utils", "_rebuild_parameter"),
                    CALL,
                    b"\x88",
                    pushed(("collections", "OrderedDict")),
                )
            ),
            None,
            None,
        ),
    ),
    *map(_unlisted, (*_HIDDEN_SUFFIXES, "")),
)
