"""Files laid out as other libraries lay them out, with stand-ins for those libraries' classes.

Names and contents follow deepspeed 0.17, Megatron-LM, ultralytics 8, mmengine 0.10, detectron2,
fairseq 0.12 and timm 1.0; what counts for modlint is which globals a pickle names, and how.
"""

from __future__ import annotations

import argparse
import collections
import enum
import pickle
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benign.collection import Collection

FILES = Collection("layout")


@contextmanager
def stand_ins(*classes: type) -> Iterator[None]:
    """Make classes importable under the modules that they name."""
    before = dict(sys.modules)
    for kind in classes:
        names = kind.__module__.split(".")
        for end in range(1, len(names) + 1):
            name = ".".join(names[:end])
            sys.modules[name] = sys.modules.get(name) or types.ModuleType(name)
        setattr(sys.modules[kind.__module__], kind.__name__, kind)
    try:
        yield
    finally:
        for name in sys.modules.keys() - before.keys():
            del sys.modules[name]


def stand_in(path: str, *bases: type, **body: Any) -> Any:
    """A class with the full name given."""
    module, _, name = path.rpartition(".")
    return types.new_class(
        name, bases, exec_body=lambda space: space.update(body | {"__module__": module})
    )


def filled(kind: Any, attributes: Mapping[str, Any]) -> Any:
    """An instance whose attributes are set, not computed."""
    instance = kind.__new__(kind)
    instance.__dict__.update(attributes)
    return instance


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU())


@FILES.file("warning")
def deepspeed_optimizer_states(folder: Path) -> Path:
    scaler = stand_in("deepspeed.runtime.fp16.loss_scaler.LossScaler")
    fragment = stand_in("deepspeed.utils.tensor_fragment.fragment_address")
    stage = enum.IntEnum(
        "ZeroStageEnum",
        {"disabled": 0, "optimizer_states": 1, "gradients": 2, "weights": 3},
        module="deepspeed.runtime.zero.config",
    )
    with stand_ins(scaler, fragment, stage):
        mappings = collections.OrderedDict(w=filled(fragment, {"numel": 6, "start": 0}))
        content = {
            "optimizer_state_dict": {
                "loss_scaler": filled(scaler, {"cur_scale": 1.0, "dynamic": False}),
                "dynamic_loss_scale": False,
                "overflow": False,
                "clip_grad": 1.0,
                "base_optimizer_state": {"state": {0: {"exp_avg": torch.ones(6)}}},
                "single_partition_of_fp32_groups": [torch.ones(6)],
                "zero_stage": stage(2),
                "group_paddings": [0],
                "partition_count": [1],
                "ds_version": "0.17.0",
                "param_slice_mappings": [mappings],
            },
            "ds_config": {"zero_optimization": {"stage": 2}},
            "ds_version": "0.17.0",
        }
        torch.save(content, folder / "zero_pp_rank_0_mp_rank_00_optim_states.pt")
    return folder / "zero_pp_rank_0_mp_rank_00_optim_states.pt"


@FILES.file()
def deepspeed_model_states(folder: Path) -> Path:
    state = net().state_dict()
    content = {
        "module": state,
        "buffer_names": ["1.running_mean"],
        "optimizer": None,
        "param_shapes": [collections.OrderedDict((k, v.shape) for k, v in state.items())],
        "frozen_param_shapes": None,
        "lr_scheduler": {"last_batch_iteration": 3},
        "data_sampler": None,
        "random_ltd": None,
        "sparse_tensor_module_names": set(),
        "skipped_steps": 0,
        "global_steps": 3,
        "global_samples": 12,
        "dp_world_size": 1,
        "mp_world_size": 1,
        "ds_config": {"train_batch_size": 4},
        "ds_version": "0.17.0",
    }
    torch.save(content, folder / "mp_rank_00_model_states.pt")
    (folder / "latest").write_text("global_step3")
    return folder / "mp_rank_00_model_states.pt"


@FILES.file("warning")
def megatron_model(folder: Path) -> Path:
    kinds = enum.Enum("ModelType", {"encoder_or_decoder": 1}, module="megatron.core.enums")
    backend = enum.Enum(
        "AttnBackend", {"flash": 1, "auto": 5}, module="megatron.core.transformer.enums"
    )
    with stand_ins(kinds, backend):
        arguments = argparse.Namespace(
            num_layers=2,
            params_dtype=torch.bfloat16,
            model_type=kinds(1),
            attention_backend=backend(5),
            init_method=None,
        )
        content = {
            "args": arguments,
            "checkpoint_version": 3.0,
            "iteration": 3,
            "model": {"decoder.layers.0.weight": torch.ones(2, 3)},
            "rng_state": [{"random_rng_state": (3, (1, 2), None), "np_rng_state": ("MT19937", 3)}],
        }
        torch.save(content, folder / "model_optim_rng.pt")
    return folder / "model_optim_rng.pt"


def _ultralytics(fused: bool) -> Any:
    def forward_fuse(self: Any, inputs: Any) -> Any:
        return self.act(self.conv(inputs))

    detector = stand_in("ultralytics.nn.tasks.DetectionModel", nn.Module)
    conv = stand_in("ultralytics.nn.modules.conv.Conv", nn.Module, forward_fuse=forward_fuse)
    loss = stand_in("ultralytics.utils.IterableSimpleNamespace", types.SimpleNamespace)

    def write(folder: Path) -> Path:
        with stand_ins(detector, conv, loss):
            block = conv()
            block.conv, block.bn, block.act = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU()
            if fused:
                del block.bn
                block.forward = block.forward_fuse
            model = detector()
            model.model = nn.Sequential(block)
            model.args = loss(lr0=0.01, task="detect")
            model.names = {0: "person"}
            content = {
                "epoch": -1,
                "best_fitness": np.float64(0.5),
                "model": model.half(),
                "ema": None,
                "updates": None,
                "optimizer": None,
                "train_args": {"lr0": 0.01, "data": "coco.yaml"},
                "train_metrics": {"fitness": np.float64(0.5)},
                "date": "2026-01-02T03:04:05.678901",
                "version": "8.3.0",
                "git": {"root": "/workspace/run", "branch": "main"},
            }
            torch.save(content, folder / "best.pt")
        return folder / "best.pt"

    return write


FILES.add("ultralytics model", _ultralytics(fused=False), "warning")
FILES.add("ultralytics model, fused", _ultralytics(fused=True), "warning")


@FILES.file("warning")
def mmengine_checkpoint(folder: Path) -> Path:
    buffer = stand_in("mmengine.logging.history_buffer.HistoryBuffer")
    with stand_ins(buffer):
        history = filled(
            buffer,
            {
                "_max_length": 1000000,
                "_log_history": np.array([0.5, 0.25]),
                "_count_history": np.array([1, 1]),
            },
        )
        content = {
            "meta": {"epoch": 3, "iter": 9, "cfg": "model = dict()", "seed": 3, "time": "20260102"},
            "state_dict": net().state_dict(),
            "message_hub": {
                "log_scalars": collections.OrderedDict({"train/loss": history}),
                "runtime_info": collections.OrderedDict(epoch=3),
                "resumed_keys": collections.OrderedDict(loss=True),
            },
            "optimizer": torch.optim.SGD(net().parameters(), 0.1).state_dict(),
            "param_schedulers": [{"last_step": 3}],
        }
        torch.save(content, folder / "epoch_3.pth")
    return folder / "epoch_3.pth"


@FILES.file()
def detectron2_model(folder: Path) -> Path:
    weights = {name: tensor.numpy() for name, tensor in net().state_dict().items()}
    content = {"model": weights, "__author__": "Detectron2 Model Zoo", "matching_heuristics": True}
    (folder / "model_final.pkl").write_bytes(pickle.dumps(content, 2))
    return folder / "model_final.pkl"


@FILES.file()
def detectron2_training_state(folder: Path) -> Path:
    optimizer = torch.optim.SGD(net().parameters(), 0.1, momentum=0.9)
    content = {
        "model": net().state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": {"last_epoch": 3, "base_lrs": [0.1]},
        "iteration": 9,
    }
    torch.save(content, folder / "model_0000009.pth")
    return folder / "model_0000009.pth"


@FILES.file("warning")
def fairseq_checkpoint(folder: Path) -> Path:
    dictionary = stand_in("fairseq.data.dictionary.Dictionary")
    with stand_ins(dictionary):
        words = filled(dictionary, {"symbols": ["<s>", "a"], "count": [1, 2], "indices": {"a": 1}})
        content = {
            "args": argparse.Namespace(arch="transformer", lr=[0.1], criterion="cross_entropy"),
            "cfg": None,
            "model": net().state_dict(),
            "task_state": {"source_dictionary": words},
            "optimizer_history": [{"optimizer_name": "FairseqAdam", "num_updates": 3}],
            "extra_state": {"train_iterator": {"epoch": 3}},
            "last_optimizer_state": None,
        }
        torch.save(content, folder / "checkpoint_best.pt")
    return folder / "checkpoint_best.pt"


@FILES.file()
def timm_training_state(folder: Path) -> Path:
    arguments = argparse.Namespace(model="resnet18", lr=0.1, opt_betas=None, amp=False)
    content = {
        "epoch": 3,
        "arch": "resnet18",
        "state_dict": net().state_dict(),
        "optimizer": torch.optim.AdamW(net().parameters()).state_dict(),
        "version": 2,
        "args": arguments,
        "amp_scaler": torch.amp.GradScaler("cpu").state_dict(),
        "state_dict_ema": net().state_dict(),
        "metric": 71.2,
    }
    torch.save(content, folder / "model_best.pth.tar")
    return folder / "model_best.pth.tar"
