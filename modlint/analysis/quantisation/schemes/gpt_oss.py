"""MXFP4 experts as gpt-oss stores them.

Source: huggingface/transformers, `integrations/mxfp4.py`; OCP Microscaling Formats 1.0.
"""

from __future__ import annotations

from modlint.analysis.quantisation.scheme import Group, Misfit, Scheme
from modlint.results.quantisation import Layout


def experts(group: Group) -> Layout:
    """Blocks of 16 bytes, 32 codes, each with a power of two."""
    *lead, blocks, octets = group.shape("codes") if len(group.shape("codes")) >= 3 else (0, 0, 0)
    if octets != 16 or 0 in (*lead, blocks):
        raise Misfit("codes", (), "blocks have 16 bytes on their last axis")
    group.require("scale", (*lead, blocks))
    shape = (*lead, blocks * 32)
    return Layout("packed", shape, 4, (1, 32), decoding="e2m1", axis=-1)


SCHEMES = (
    Scheme(
        "MXFP4 of gpt-oss",
        frozenset({"mxfp4"}),
        "_blocks",
        frozenset({"uint8"}),
        {"scale": ("_scales",)},
        ("scale",),
        experts,
        told_by=("scale",),
        weight="",
    ),
)
