"""Configurations of a hub folder that name code: of the folder itself, or of another repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import acts, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.words import words

REMOTE = "remote-code"
FOREIGN = "foreign-code"
KERNEL = "foreign-kernel"
KNOWN_KERNEL = "hub-kernel"

_ATTENTION = (
    "_attn_implementation_internal",
    "_attn_implementation",
    "attn_implementation",
    "_attn_implementation_autoset",
    "_experts_implementation_internal",
    "_experts_implementation",
)
_TYPES = "_types"
"""How the keys of a network end whose values are names of its blocks, two perhaps."""
_PASSED_ON = "tokenizer_kwargs"
"""Arguments that `open_clip.get_tokenizer` takes from its configuration as they are."""
_REPOSITORY = re.compile(r"(?:\w+\|)?[^/:|\s]+/[^/:|\s]+(?:@[^/:]+)?(?::[^/]+)?")
_VERIFIED = "kernels-community/"
_LIBRARIES = re.compile(r"diffusers|transformers|optimum|onnxruntime|peft|torch|flax|accelerate")
_SHOWN = 100
_LONGEST = 1000
_HELP = "read that code, or load with the library's own classes (trust_remote_code=False)"
_HELP_KERNEL = "remove the entry: loading downloads native code and runs it"


def examine_hub(table: Table, within: str = "") -> Iterator[Remark]:
    """Remarks on a table of a configuration of transformers or diffusers.

    Args:
        table: the table.
        within: the key that leads to it.
    """
    for value in table.values("auto_map"):
        yield from _auto_map(value)
    for key in _ATTENTION:
        for value in table.values(key):
            for name in _texts(value):
                yield from _attention(key, name)
    if table.holds("_diffusers_version", "_class_name"):
        yield from _pipeline(table)
    for key in ("custom_pipeline", "custom_pipelines"):
        if any(table.values(key)):
            yield Remark(REMOTE, f"{key} names code that loading runs on request", help=_HELP)
    if any(value is True for value in table.values("trust_remote_code")):
        asked = within != _PASSED_ON
        message = "asks to trust the code of a repository"
        more = "" if asked else f" ({within}), which open_clip runs without a question"
        yield Remark(REMOTE if asked else FOREIGN, message + more, help=_HELP)


def _auto_map(value: object) -> Iterator[Remark]:
    names = list(dict.fromkeys(_texts(value)))
    foreign = [name for name in names if "--" in name]
    own = [name for name in names if "--" not in name]
    if foreign:
        shown = foreign[0][:_SHOWN]
        message = f"auto_map names code of another repository, which was not examined: {shown}"
        yield Remark(FOREIGN, message, help=_HELP)
    if own:
        shown = ", ".join(own[:3])[:_SHOWN]
        message = f"auto_map names code beside the weights, which runs on request: {shown}"
        yield Remark(REMOTE, message, help=_HELP)


def _attention(key: str, name: str) -> Iterator[Remark]:
    if len(name) > _LONGEST or not _REPOSITORY.fullmatch(name.strip()):
        return
    shown = name[:_SHOWN]
    if name.strip().rpartition("|")[2].startswith(_VERIFIED):
        message = f"{key} names a kernel of the hub, native code that loading fetches: {shown}"
        yield Remark(KNOWN_KERNEL, message, help=_HELP_KERNEL)
    else:
        message = f"{key} names a repository whose code loading fetches and runs: {shown}"
        yield Remark(KERNEL, message, help=_HELP_KERNEL)


def _pipeline(table: Table) -> Iterator[Remark]:
    """Components are pairs of a library and a class; another name is a module of the folder."""
    for name, value in table.pairs:
        if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)):
            continue
        if name.endswith(_TYPES):
            continue
        library, cls = value
        shown = f"{name}: {library}.{cls}"[:_SHOWN]
        if acts(library) is not None or standard(library):
            message = f"model_index.json names a class of the standard library, {shown}"
            yield Remark(FOREIGN, message, help=_HELP)
        elif name == "_class_name":
            message = f"model_index.json names a pipeline of the folder's own code, {shown}"
            yield Remark(REMOTE, message, help=_HELP)
        elif not _LIBRARIES.fullmatch(library.partition(".")[0]) and library not in _PIPELINES:
            message = f"model_index.json names a class of the folder's own code, {shown}"
            yield Remark(REMOTE, message, help=_HELP)


_PIPELINES = words(
    "stable_diffusion stable_diffusion_xl stable_diffusion_3 stable_diffusion_safe alt_diffusion"
    " paint_by_example deepfloyd_if kandinsky kandinsky2_2 kandinsky3 latent_diffusion unidiffuser"
    " audioldm audioldm2 shap_e wuerstchen stable_cascade musicldm semantic_stable_diffusion unclip"
    " versatile_diffusion vq_diffusion spectrogram_diffusion controlnet t2i_adapter animatediff"
    " pixart_alpha flux hunyuandit lumina stable_audio controlnet_xs blip_diffusion dit i2vgen_xl"
    " pag ledits_pp text_to_video_synthesis stable_video_diffusion consistency_models amused"
    " stable_diffusion_gligen stable_diffusion_k_diffusion stable_diffusion_panorama marigold"
    " cogvideo mochi sana ltx hunyuan_video aura_flow allegro latte omnigen easyanimate"
)
"""Folders of diffusers' own pipelines, which an index may name in place of a library."""


def _texts(value: object) -> Iterator[str]:
    pending = [value]
    while pending:
        held = pending.pop()
        if isinstance(held, str):
            yield held
        elif isinstance(held, list):
            pending += reversed(held)
        elif isinstance(held, Table):
            pending += (inner for _, inner in reversed(held.pairs))
