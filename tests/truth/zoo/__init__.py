"""Architectures of which the truth is measured: small, with axes of distinct and of equal sizes."""

from __future__ import annotations

from truth.zoo import by_hand, misleading
from truth.zoo.architecture import Architecture, built
from truth.zoo.library import LIBRARY

ZOO: dict[str, Architecture] = {
    a.name: a for a in (*by_hand.ARCHITECTURES, *misleading.ARCHITECTURES, *LIBRARY)
}

__all__ = ["ZOO", "Architecture", "built"]
