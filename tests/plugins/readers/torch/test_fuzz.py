"""Damaged files: whatever the bytes, a checkpoint or a clear error, and soon."""

from __future__ import annotations

import io
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from modlint.errors import UnreadableError
from modlint.source import Source
from modlint_plugins.pickling.opcodes.table import OPCODES
from modlint_plugins.pickling.scan import interpret
from modlint_plugins.readers.torch.legacy import TorchLegacyReader
from modlint_plugins.readers.torch.plain_pickle import PlainPickleReader
from modlint_plugins.readers.torch.zip import TorchZipReader

READERS = (TorchZipReader(), TorchLegacyReader(), PlainPickleReader())


def saved(value: Any, zipped: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def seeds() -> list[bytes]:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    value = {"model": net.state_dict(), "net": net, "n": 1, "s": torch.eye(2)[:, 0]}
    return [saved(value, True), saved(value, False), pickle.dumps(value, 4)]


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 20)]
        elif kind == 3:
            data[at:at] = data[at : at + rng.randrange(1, 20)]
        else:
            data[at : at + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\0\0\0\x80"])
        if not data:
            return b""
    return bytes(data)


def read_all(content: bytes) -> None:
    source = Source(Path("fuzzed"), memoryview(content))
    for reader in READERS:
        reader.sniff(source)
        try:
            checkpoint = reader.read(source)
        except UnreadableError:
            continue
        for tensor in checkpoint.tensors.values():
            last = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True))
            end = tensor.dtype.nbytes(tensor.storage_offset + last + 1)
            try:
                data = tensor.storage.read()
            except UnreadableError:
                continue
            assert len(data) == tensor.storage.nbytes
            assert not tensor.elements or end <= len(data)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_files(seed: int) -> None:
    rng = random.Random(seed)
    content = seeds()[seed]
    for _ in range(150):
        read_all(mutated(content, rng))


def test_random_opcodes() -> None:
    rng = random.Random(0)
    codes = [opcode.code for opcode in OPCODES.values()]
    names = [b"ctorch._utils\n_rebuild_tensor_v2\n", b"cnumpy\ndtype\n",
             b"ccollections\nOrderedDict\n", b"ctorch._tensor\n_rebuild_from_type_v2\n",
             b"ccopyreg\n_reconstructor\n",
             b"c_codecs\nencode\n", b"cnumpy.core.multiarray\n_reconstruct\n",
             b"cnumpy.core.multiarray\nscalar\n", b"cbuiltins\nset\n"]  # fmt: skip
    for _ in range(3000):
        parts = [
            rng.choice(names) if rng.random() < 0.1 else bytes([rng.choice(codes)])
            for _ in range(rng.randrange(1, 60))
        ]
        content = b"\x80\x04" + b"".join(parts) + b"."
        interpret(memoryview(content))
        PlainPickleReader().read(Source(Path("random"), memoryview(content)))
