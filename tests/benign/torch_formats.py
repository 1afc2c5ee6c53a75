"""How torch writes files: both formats, programs, packages, distributed checkpoints."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.utils.serialization import config

from benign.collection import Collection, torch_saved

FILES = Collection("torch")


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten())


def state() -> Any:
    base = torch.arange(12.0)
    return {"model": net().state_dict(), "a": base, "b": base[3:].view(3, 3).T, "epoch": 3}


for _protocol in (2, 3, 4, 5):
    for _format, _zipped in (("zip", True), ("legacy", False)):
        FILES.add(
            f"{_format} with protocol {_protocol}",
            torch_saved(state, pickle_protocol=_protocol, _use_new_zipfile_serialization=_zipped),
        )


@FILES.saved(_use_new_zipfile_serialization=False)
def legacy_whole_module() -> Any:
    return net()


@FILES.saved(_use_new_zipfile_serialization=False)
def legacy_bare_tensor() -> Any:
    return torch.arange(1000.0)


@FILES.file()
def zip_written_to_a_stream(folder: Path) -> Path:
    stream = io.BytesIO()
    torch.save(state(), stream)
    (folder / "pytorch_model.bin").write_bytes(stream.getvalue())
    return folder / "pytorch_model.bin"


@FILES.file()
def storages_aligned_to_4096_bytes(folder: Path) -> Path:
    with config.patch({"save.storage_alignment": 4096}):
        torch.save(state(), folder / "model.pt")
    return folder / "model.pt"


@FILES.file()
def no_checksums(folder: Path) -> Path:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state(), folder / "model.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    return folder / "model.pt"


@FILES.file()
def space_reserved_for_data(folder: Path) -> Path:
    with torch.serialization.skip_data():
        torch.save(nn.Linear(3, 2).state_dict(), folder / "model.pt")
    return folder / "model.pt"


@FILES.file()
def other_byte_order_stated(folder: Path) -> Path:
    """As torch on a big-endian machine writes it: swapped storages, and a member that says so."""
    torch.save({"weight": torch.arange(4.0)}, folder / "little.pt")
    with (
        zipfile.ZipFile(folder / "little.pt") as old,
        zipfile.ZipFile(folder / "model.pt", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("/byteorder"):
                content = b"big"
            if name.endswith("/data/0"):
                content = torch.arange(4.0).numpy().byteswap().tobytes()
            new.writestr(name.replace("little", "model"), content)
    (folder / "little.pt").unlink()
    return folder / "model.pt"


def _rewritten(name: str, change: Callable[[str], str], compression: int, folders: bool) -> None:
    def write(folder: Path) -> Path:
        stream = io.BytesIO()
        torch.save(state(), stream)
        with (
            zipfile.ZipFile(stream) as old,
            zipfile.ZipFile(folder / "model.pt", "w", compression) as new,
        ):
            if folders:
                new.mkdir("archive")
            for member in old.namelist():
                new.writestr(change(member), old.read(member))
        return folder / "model.pt"

    FILES.add(name, write)


_rewritten("zipped anew with deflate", str, zipfile.ZIP_DEFLATED, True)
_rewritten("zipped anew without compression", str, zipfile.ZIP_STORED, False)
_rewritten(
    "member names in capitals",
    lambda name: name.replace("data.pkl", "DATA.PKL"),
    zipfile.ZIP_STORED,
    False,
)


@FILES.file("note")
def scripted_module(folder: Path) -> Path:
    torch.jit.script(net()).save(folder / "model.pt")
    return folder / "model.pt"


@FILES.file("note")
def traced_module_with_extra_files(folder: Path) -> Path:
    traced = torch.jit.trace(net().eval(), torch.ones(1, 1, 5, 5))
    extra = {"labels.json": '{"0": "cat"}', "note.txt": "trained on 3 images"}
    torch.jit.save(traced, folder / "model.ts", _extra_files=extra)
    return folder / "model.ts"


@FILES.file("note")
def scripted_lstm_and_frozen_module(folder: Path) -> Path:
    torch.jit.script(nn.LSTM(3, 2)).save(folder / "lstm.pt")
    torch.jit.freeze(torch.jit.script(net().eval())).save(folder / "frozen.pt")
    return folder


@FILES.file("note")
def exported_program(folder: Path) -> Path:
    program = torch.export.export(net().eval(), (torch.ones(1, 1, 5, 5),))
    torch.export.save(program, folder / "model.pt2")
    return folder / "model.pt2"


@FILES.file("note")
def exported_program_with_dynamic_shapes(folder: Path) -> Path:
    module = nn.Sequential(nn.Linear(6, 4), nn.ReLU())
    shapes = ({0: torch.export.Dim("batch", min=2, max=64)},)
    program = torch.export.export(module, (torch.ones(4, 6),), dynamic_shapes=shapes)
    torch.export.save(program, folder / "model.pt2", extra_files={"note.txt": "an extra file"})
    return folder / "model.pt2"


@FILES.file("warning")
def package(folder: Path) -> Path:
    with torch.package.PackageExporter(folder / "package.pt") as exporter:
        exporter.extern("torch.**")
        exporter.save_pickle("model", "net.pkl", net())
        exporter.save_text("notes", "readme.txt", "trained on 3 images")
        exporter.save_source_string("library", "SCALE = 2\n")
    return folder / "package.pt"


@FILES.file("note")
def distributed_checkpoint(folder: Path) -> Path:
    optimizer = torch.optim.Adam(net().parameters())
    content = {"model": net().state_dict(), "optimizer": optimizer.state_dict(), "step": 3}
    dcp.save(content, checkpoint_id=folder / "step-3", no_dist=True)
    return folder / "step-3"


@contextmanager
def one_of_two_ranks() -> Iterator[None]:
    """A process group in which the other process does not exist."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        yield
    finally:
        dist.destroy_process_group()


@FILES.saved()
def distributed_tensors() -> Any:
    from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, init_device_mesh

    with one_of_two_ranks():
        mesh = init_device_mesh("cpu", (2,), mesh_dim_names=("shards",))
        return {
            str(placement): DTensor.from_local(torch.ones(2, 3), mesh, [placement], run_check=False)
            for placement in (Shard(0), Replicate(), Partial())
        }


@FILES.saved()
def sharded_model_and_its_optimiser() -> Any:
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import init_device_mesh

    with one_of_two_ranks():
        module = nn.Linear(4, 6)
        fully_shard(module, mesh=init_device_mesh("cpu", (2,)))
        return {"model": module.state_dict(), "note": "rank 0 of 2"}
