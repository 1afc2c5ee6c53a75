"""Lines 11 to 14 of the list: what the file is, whatever its name says."""

from __future__ import annotations

import bz2
import gzip
import lzma

from threats.build import (
    CALL,
    RUN,
    Entry,
    Finding,
    Threat,
    Torch,
    alone,
    legacy,
    runs,
    tar_entry,
    text,
    zip_archive,
)

_HEADED = b"\x80\x02" + RUN
_NAMES = (
    "model.safetensors",
    "model.onnx",
    "model.pt",
    "model.bin",
    "config.json",
    "notes.txt",
    "model.npz",
    "model.h5",
    "model.gguf",
    "model",
    "model.pt2",
    "model.ckpt",
    "image.png",
)


def _by_reduce() -> bytes:
    """The magic number as the result of a call, which runs before it is compared."""
    number = b"\x80\x02cbuiltins\nint\n(" + CALL + b"0" + text("119547037146038801333356") + b"tR."
    return legacy(magic=number)


def _polyglot_tar_and_pickle(magic: bytes) -> bytes:
    """A benign pickle in the first member's name; PyTorch tries tar first and finds the others."""
    state = _HEADED
    return (
        tar_entry(b"\x80\x02}.", b"", magic=magic)
        + tar_entry(b"storages", b"\x80\x02K\x00.", magic=magic)
        + tar_entry(b"tensors", b"\x80\x02K\x00.", magic=magic)
        + tar_entry(b"pickle", state, magic=magic)
        + bytes(1024)
    )


def _pickle_and_zip() -> bytes:
    """A pickle, and behind it an archive, which zip tools find from its end."""
    return zip_archive(Torch().entries(), before=_HEADED).content


_TAR = _polyglot_tar_and_pickle(b"ustar\x0000")
_OLD_TAR = _polyglot_tar_and_pickle(b"")
_BEHIND = b"\x80\x02}." + _HEADED


def _tar_call(content: bytes) -> Finding:
    return Finding("SEC001", "error", "pickle", len(_HEADED) - 2, "os.system('id')")


def _compressed(name: str, content: bytes, member: str) -> Threat:
    finding = Finding("SEC001", "error", member, len(_HEADED) - 2, "os.system('id')")
    return Threat(7, f"a pickle compressed as {name}", alone(name, content, finding))


def _torchscript() -> bytes:
    """TorchScript's layout around a pickle that calls."""
    more = (Entry("model/constants.pkl", b"\x80\x02)."), Entry("model/code/__torch__.py", b""))
    return zip_archive(Torch(pickle=_HEADED, more=more).entries()).content


THREATS = (
    *(
        Threat(11, f"a pickle called {name}", alone(name, _HEADED, runs(None, _HEADED)))
        for name in _NAMES
    ),
    *(
        Threat(
            12,
            f"protocol {protocol} without a header",
            alone("model.bin", content, runs(None, content, call)),
        )
        for protocol, content, call in (
            (0, RUN, CALL),
            (1, b"cos\nsystem\n(U\x02idtR.", b"cos\nsystem\n(U\x02idtR"),
            ("0, declared", b"\x80\x00" + RUN, CALL),
        )
    ),
    Threat(
        12,
        "protocol 0 behind a harmless start",
        alone("model.bin", b"(lp0\n0I1\n0" + RUN, runs(None, b"(lp0\n0I1\n0" + RUN)),
    ),
    Threat(
        12, "protocol 0 and a line end behind it", alone("model.bin", RUN + b"\n", runs(None, RUN))
    ),
    Threat(
        13,
        "the magic number is the result of a call",
        alone("model.pt", _by_reduce(), runs(None, _by_reduce())),
    ),
    Threat(
        13,
        "a call in the object of a legacy file",
        alone("model.pt", legacy(pickle=_HEADED), runs(None, legacy(pickle=_HEADED))),
    ),
    Threat(
        13,
        "a call behind the storages of a legacy file",
        alone("model.pt", legacy(tail=_HEADED), runs(None, legacy(tail=_HEADED))),
    ),
    Threat(14, "pickles that follow one another", alone("model.pkl", _BEHIND, runs(None, _BEHIND))),
    Threat(
        14,
        "a tar archive whose first name is a pickle",
        alone(
            "model.pt", _TAR, _tar_call(_TAR), Finding("SEC006", "error", None, None, "polyglot")
        ),
    ),
    Threat(
        14,
        "the same in the tar format of 1979",
        alone(
            "model.pt",
            _OLD_TAR,
            _tar_call(_OLD_TAR),
            Finding("SEC006", "error", None, None, "polyglot"),
        ),
    ),
    Threat(
        14,
        "a pickle before a zip archive",
        alone("model.pt", _pickle_and_zip(), runs(None, _pickle_and_zip())),
    ),
    Threat(
        14,
        "TorchScript whose data.pkl calls",
        alone("model.pt", _torchscript(), runs("model/data.pkl", _HEADED)),
    ),
    Threat(
        14,
        "a .mar archive whose .pth calls",
        alone(
            "model.mar",
            zip_archive(
                [
                    Entry("MAR-INF/MANIFEST.json", b'{"model": {"serializedFile": "m.pth"}}'),
                    Entry("m.pth", zip_archive(Torch(pickle=_HEADED).entries()).content),
                ]
            ).content,
            runs("m.pth!model/data.pkl", _HEADED),
        ),
    ),
    _compressed("model.pt.gz", gzip.compress(_HEADED, mtime=0), "gzip"),
    _compressed("model.pt.bz2", bz2.compress(_HEADED), "bzip2"),
    _compressed("model.pt.xz", lzma.compress(_HEADED), "xz"),
)
