"""Sizes of inputs to try: usual ones, and ones near those that fail."""

from __future__ import annotations

from modlint.checkpoint import Checkpoint
from modlint_plugins.networks.torchscript.undecided import IMAGE_SIDES, LENGTH, Shape, images


def usual_shapes(checkpoint: Checkpoint) -> list[Shape]:
    """Shapes that inputs have whose first reader does not tell: from the file's first weights."""
    weights = [x.shape for x in checkpoint.tensors.values() if len(x.shape) > 1][:2]
    found: list[Shape] = []
    for shape in weights:
        if len(shape) == 2:
            width = shape[1]
            found += [(1, width), (1, LENGTH, width), *images(width), (1, LENGTH), (LENGTH, width)]
        else:
            rank = len(shape) - 2
            found += [
                (1, shape[1], *(side,) * rank) for side in IMAGE_SIDES[: 6 if rank == 2 else 2]
            ]
    return [*dict.fromkeys(found), (1, 3, 64, 64), (1, 3, 224, 224), (1, 1, 28, 28), (1, LENGTH)]


def resized(shape: Shape, have: int, want: int) -> list[Shape]:
    """Sizes near those that give a layer as many numbers as it reads: of sequences, of images."""
    found: list[Shape] = []
    if have <= 0 or want <= 0 or len(shape) < 2:
        return found
    if len(shape) < 4:
        sizes = (shape[1] * want / have, shape[1] * have / want)
        found += [(shape[0], int(n), *shape[2:]) for n in sizes if n.is_integer() and n <= 4096]
    if len(shape) > 3 and shape[-3] + want > have:
        found.append((*shape[:-3], shape[-3] + want - have, *shape[-2:]))
    if len(shape) > 2:
        rank = len(shape) - 2
        middle = max(1, round(shape[-1] * (want / have) ** (1 / rank)))
        sides = sorted(range(max(1, middle - 10), middle + 14), key=lambda s: abs(s - middle))
        found += [(*shape[:2], *(s,) * rank) for s in sides if s <= 4096]
        found += [(*shape[:2], *pair) for pair in _oblong(middle)] if rank == 2 else []
    return [new for new in found if new != shape]


def _oblong(middle: int) -> list[Shape]:
    """Small images that are not square, by how far their area is from that of a square one."""
    if middle > 8:
        return []
    pairs: list[Shape] = [(h, w) for h in range(1, 13) for w in range(1, 13) if 0 < abs(h - w) < 5]
    return sorted(pairs, key=lambda p: abs(p[0] * p[1] - middle * middle - middle))[:24]
