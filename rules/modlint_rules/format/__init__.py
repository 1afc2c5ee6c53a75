"""FMT: the file as a container."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Cost, Persona, Severity

UNREADABLE = RuleReference(
    code="FMT001",
    name="unreadable",
    severity=Severity.ERROR,
    summary="the file is truncated, damaged, or not what its name says",
    source=("the specification of each format; modlint reads no byte that it does not understand"),
    place="modlint_rules.format.unreadable:Unreadable",
)

LFS_POINTER = RuleReference(
    code="FMT002",
    name="lfs-pointer",
    severity=Severity.ERROR,
    summary="the file is a Git LFS pointer: it was not downloaded",
    source="Git LFS specification, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md",
    place="modlint_rules.format.lfs_pointer:LfsPointer",
)

MISSING_SHARD = RuleReference(
    code="FMT003",
    name="missing-shard",
    severity=Severity.ERROR,
    summary="an index names files or tensors that are not there, or a cache lacks its blobs",
    source="Hugging Face transformers, sharded checkpoints (model.safetensors.index.json)",
    place="modlint_rules.format.missing_shard:MissingShard",
)

TRAINING_STATE_LEFT_IN = RuleReference(
    code="FMT004",
    name="training-state-left-in",
    severity=Severity.NOTE,
    summary="optimiser, scheduler or averaged weights take space beside the weights",
    source="PyTorch tutorials, 'Saving and Loading a General Checkpoint'",
    place="modlint_rules.format.training_state_left_in:TrainingStateLeftIn",
)

WRAPPER_PREFIX = RuleReference(
    code="FMT005",
    name="wrapper-prefix",
    severity=Severity.WARNING,
    summary="nearly all keys bear a wrapper's name: module., _orig_mod., _fsdp_wrapped_module.",
    source="PyTorch documentation, DataParallel; torch.compile; FSDP",
    place="modlint_rules.format.wrapper_prefix:WrapperPrefix",
)

OVERSIZED_STORAGE = RuleReference(
    code="FMT006",
    name="oversized-storage",
    severity=Severity.WARNING,
    summary="a storage holds more bytes than its tensors use: views were saved",
    source="PyTorch documentation, serialization semantics, 'Saving and loading tensor views'",
    place="modlint_rules.format.oversized_storage:OversizedStorage",
)

TIED_STORED_TWICE = RuleReference(
    code="FMT007",
    name="tied-stored-twice",
    severity=Severity.NOTE,
    summary="a weight is stored twice under two names, as it is or transposed",
    source="safetensors documentation, 'Torch shared tensors'; huggingface/transformers#24683",
    place="modlint_rules.format.tied_stored_twice:TiedStoredTwice",
    cost=Cost.PASS,
)

CONFIG_MISMATCH = RuleReference(
    code="FMT008",
    name="config-mismatch",
    severity=Severity.ERROR,
    summary="config.json or the tokenizer's files say what the tensors do not bear out",
    source="Hugging Face transformers, PreTrainedModel.from_pretrained, PretrainedConfig",
    place="modlint_rules.format.config_mismatch:ConfigMismatch",
)

PLACEHOLDER_PARAMETERS = RuleReference(
    code="FMT009",
    name="placeholder-parameters",
    severity=Severity.ERROR,
    summary="parameters without elements, of one element, or on the meta device",
    source="DeepSpeed documentation, ZeRO stage 3, model checkpointing; PyTorch, meta device",
    place="modlint_rules.format.placeholder_parameters:PlaceholderParameters",
)

DEVICE_BOUND = RuleReference(
    code="FMT010",
    name="device-bound",
    severity=Severity.NOTE,
    summary="tensors were saved from a GPU: loading them elsewhere needs map_location",
    source="PyTorch documentation, torch.load, map_location",
    place="modlint_rules.format.device_bound:DeviceBound",
    persona=Persona.PEDANTIC,
)

STALE_SIBLING = RuleReference(
    code="FMT011",
    name="stale-sibling",
    severity=Severity.WARNING,
    summary="the same model in two files of a folder, whose tensors differ",
    source="Hugging Face transformers, from_pretrained: safetensors come before PyTorch files",
    place="modlint_rules.format.stale_sibling:StaleSibling",
    cost=Cost.PASS,
)

LEGACY_CONTAINER = RuleReference(
    code="FMT012",
    name="legacy-container",
    severity=Severity.NOTE,
    summary="an old container, a whole module in a pickle, or safetensors without `format`",
    source="PyTorch documentation, serialization semantics; safetensors, format metadata",
    place="modlint_rules.format.legacy_container:LegacyContainer",
    persona=Persona.PEDANTIC,
)

DUPLICATE_KEYS = RuleReference(
    code="FMT013",
    name="duplicate-keys",
    severity=Severity.ERROR,
    summary="an archive, a header or a state_dict names something twice",
    source="PKWARE APPNOTE 6.3.10; safetensors format, 'Duplicate keys are disallowed'",
    place="modlint_rules.format.duplicate_keys:DuplicateKeys",
)

MISSING_LAYERS = RuleReference(
    code="FMT015",
    name="missing-layers",
    severity=Severity.ERROR,
    summary="a layer is missing between others or up to the stated number, or a rank's file is",
    source="huggingface/transformers#20072 (an offloaded model saved in part); PyTorch FSDP,"
    " DeepSpeed and Megatron-LM, sharded checkpoints",
    place="modlint_rules.format.missing_layers:MissingLayers",
)

REPARAMETRISED = RuleReference(
    code="FMT018",
    name="reparametrised",
    severity=Severity.WARNING,
    summary="pruning masks, or the factors of a weight or spectral norm, were left in",
    source="PyTorch documentation, torch.nn.utils.prune, weight_norm, parametrize",
    place="modlint_rules.format.reparametrised:Reparametrised",
)

LEGACY_NAMES = RuleReference(
    code="FMT019",
    name="legacy-names",
    severity=Severity.NOTE,
    summary="layer norms have gamma and beta where the rest of the file has weight and bias",
    source="Hugging Face transformers, issues 11809 and 29554; torch.nn.LayerNorm",
    place="modlint_rules.format.legacy_names:LegacyNames",
)

NO_TENSORS = RuleReference(
    code="FMT014",
    name="no-tensors",
    severity=Severity.ERROR,
    summary="a file that is named as weights holds no tensor",
    source="tloen/alpaca-lora issue 334: adapter_model.bin of 443 bytes",
    place="modlint_rules.format.no_tensors:NoTensors",
)

STRAY_WEIGHT_FILE = RuleReference(
    code="FMT016",
    name="stray-weight-file",
    severity=Severity.WARNING,
    summary="a weight file beside an index that does not name it",
    source="Hugging Face transformers, sharded checkpoints; Blaizzy/mlx-vlm issue 1329",
    place="modlint_rules.format.stray_weight_file:StrayWeightFile",
)

ADAPTER_CONTENT = RuleReference(
    code="FMT017",
    name="adapter-content",
    severity=Severity.WARNING,
    summary="an adapter with base weights, its own name in keys, or targets without factors",
    source="PEFT documentation, 'PEFT checkpoint format'; huggingface/peft issue 2092",
    place="modlint_rules.format.adapter_content:AdapterContent",
)

DIGEST_MISMATCH = RuleReference(
    code="FMT020",
    name="digest-mismatch",
    severity=Severity.ERROR,
    summary="the content is not what a checksum beside it, or its own name, says",
    source="FIPS 180-4; huggingface_hub, cache layout; OpenSSF model-signing specification 1.0",
    place="modlint_rules.format.digest_mismatch:DigestMismatch",
)

RULES = (
    UNREADABLE,
    LFS_POINTER,
    MISSING_SHARD,
    TRAINING_STATE_LEFT_IN,
    WRAPPER_PREFIX,
    OVERSIZED_STORAGE,
    TIED_STORED_TWICE,
    CONFIG_MISMATCH,
    PLACEHOLDER_PARAMETERS,
    DEVICE_BOUND,
    STALE_SIBLING,
    LEGACY_CONTAINER,
    DUPLICATE_KEYS,
    MISSING_LAYERS,
    REPARAMETRISED,
    LEGACY_NAMES,
    NO_TENSORS,
    STRAY_WEIGHT_FILE,
    ADAPTER_CONTENT,
    DIGEST_MISMATCH,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
