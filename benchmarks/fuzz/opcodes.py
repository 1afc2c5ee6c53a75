"""Mutations of pickles, opcode by opcode; `pickletools` splits them and executes nothing."""

from __future__ import annotations

import pickletools
import random
import struct

_LARGEST = 4 << 20
"""Bytes at which a mutant stops growing."""

_BARE = b"0125abdelostu)]}NQR\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98(."
_GLOBALS = (
    b"cos\nsystem\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n",
    b"cbuiltins\ngetattr\n", b"ctorch\nFloatStorage\n", b"c_codecs\nencode\n", b"cnumpy\ndtype\n",
    b"ccopyreg\n_reconstructor\n", b"cnumpy.core.multiarray\n_reconstruct\n", b"c__main__\nNet\n",
    b"ctorch.storage\n_load_from_bytes\n", b"ctorch._tensor\n_rebuild_from_type_v2\n",
)  # fmt: skip


def mutate_pickle(rng: random.Random, content: bytes) -> bytes:
    """Opcodes swapped, doubled, dropped, inserted, or with another argument."""
    parts = _split(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(parts))
        match rng.randrange(8):
            case 0 if len(parts) > 1:
                del parts[at]
            case 1:
                parts.insert(at, parts[rng.randrange(len(parts))])
            case 2:
                other = rng.randrange(len(parts))
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts.insert(at, bytes([rng.choice(_BARE)]))
            case 4:
                parts.insert(at, rng.choice(_GLOBALS))
            case 5:
                parts.insert(at, b"\x95" + struct.pack("<Q", rng.choice((0, 3, 40, 1 << 40))))
            case 6:
                stop = min(at + rng.randrange(1, 12), len(parts))
                parts[at:at] = parts[at:stop] * rng.choice((1, 2, 50))
                if sum(map(len, parts)) > _LARGEST:
                    break
            case _:
                parts[at] = _argument(rng, parts[at])
    return b"".join(parts)[:_LARGEST]


def _split(content: bytes) -> list[bytes]:
    """The opcodes with their arguments; what cannot be split is the last part."""
    places = []
    try:
        places += [place for _, _, place in pickletools.genops(content) if place is not None]
    except Exception:  # whatever the bytes: the parts up to there will do
        places = places or [0]
    ends = [*places[1:], len(content)]
    return [content[a:b] for a, b in zip(places, ends, strict=True)] or [b"."]


def _argument(rng: random.Random, part: bytes) -> bytes:
    if len(part) < 2:
        return bytes([rng.randrange(256)])
    at = rng.randrange(1, len(part))
    return part[:at] + bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x0A))]) + part[at + 1 :]
