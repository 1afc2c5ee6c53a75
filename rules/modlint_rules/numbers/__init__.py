"""NUM: the numbers in the tensors."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Severity

NON_FINITE = RuleReference(
    code="NUM001",
    name="non-finite",
    severity=Severity.ERROR,
    summary="a tensor holds NaN or infinite elements",
    source="IEEE 754-2019, section 6: NaN and infinity propagate through every later operation",
    place="modlint_rules.numbers.non_finite:NonFinite",
    cost=Cost.PASS,
)

QUANTISATION_CONTRACT = RuleReference(
    code="NUM006",
    name="quantisation-contract",
    severity=Severity.ERROR,
    summary="codes, scales and configuration of quantised weights contradict one another",
    source="compressed-tensors, ModelOpt, AutoGPTQ, AutoAWQ, bitsandbytes, ONNX: their formats",
    place="modlint_rules.numbers.quantisation_contract:QuantisationContract",
    cost=Cost.PASS,
)

OVERFLOWS_HALF = RuleReference(
    code="NUM002",
    name="overflows-half",
    severity=Severity.NOTE,
    summary="float16 has no number for some weights: too large, or a tenth of them too small",
    source="IEEE 754-2019, binary16; casper-hansen/AutoAWQ#519 (weights of Qwen2-72B)",
    place="modlint_rules.numbers.overflows_half:OverflowsHalf",
    cost=Cost.PASS,
)

UPCAST_STORAGE = RuleReference(
    code="NUM003",
    name="upcast-storage",
    severity=Severity.NOTE,
    summary="float32 weights hold what bfloat16 or float16 holds: half of their bytes are zeros",
    source="IEEE 754-2019, binary16 and binary32; Kalamkar et al., arXiv 1905.12322 (bfloat16)",
    place="modlint_rules.numbers.upcast_storage:UpcastStorage",
    cost=Cost.PASS,
)

FEW_DISTINCT_VALUES = RuleReference(
    code="NUM004",
    name="few-distinct-values",
    severity=Severity.NOTE,
    summary="a weight of floats holds few values, or one magnitude a row: it is binarised",
    source="arXiv 2310.04469; Rastegari et al., arXiv 1603.05279 (a scale for each row)",
    place="modlint_rules.numbers.few_distinct_values:FewDistinctValues",
    cost=Cost.PASS,
)

CONSTANT_WEIGHT = RuleReference(
    code="NUM007",
    name="constant-weight",
    severity=Severity.WARNING,
    summary="a layer's weight holds one value, or the same row over and over",
    source="Glorot and Bengio, AISTATS 2010: equal weights get equal gradients and stay equal",
    place="modlint_rules.numbers.constant_weight:ConstantWeight",
    cost=Cost.PASS,
)

BROKEN_INDEX_BUFFER = RuleReference(
    code="NUM008",
    name="broken-index-buffer",
    severity=Severity.ERROR,
    summary="position_ids and the like were cast: floating, not whole, repeated or out of range",
    source="PyTorch documentation, torch.nn.functional.embedding: input is IntTensor or LongTensor",
    place="modlint_rules.numbers.broken_index_buffer:BrokenIndexBuffer",
    cost=Cost.PASS,
)

CLIPPED_WEIGHTS = RuleReference(
    code="NUM009",
    name="clipped-weights",
    severity=Severity.NOTE,
    summary="many elements of a weight equal its largest or its smallest: it was clipped",
    source="Gulrajani et al., arXiv 1704.00028, section 3: clipped weights pile up at the ends",
    place="modlint_rules.numbers.clipped_weights:ClippedWeights",
    cost=Cost.PASS,
    confidence=Confidence.MEDIUM,
)

UNLIKE_ITS_SIBLINGS = RuleReference(
    code="NUM010",
    name="unlike-its-siblings",
    severity=Severity.NOTE,
    summary="a weight is many times larger or smaller than those of the same place in other layers",
    source="Martin, Peng and Mahoney, Nature Communications 12 (2021): scale across layers",
    place="modlint_rules.numbers.unlike_its_siblings:UnlikeItsSiblings",
    cost=Cost.PASS,
    confidence=Confidence.MEDIUM,
)

MIXED_DTYPES = RuleReference(
    code="NUM011",
    name="mixed-dtypes",
    severity=Severity.NOTE,
    summary="weights of one role have different float types in different layers",
    source="PyTorch documentation, torch.nn.functional.linear: operands of one dtype",
    place="modlint_rules.numbers.mixed_dtypes:MixedDtypes",
    cost=Cost.PASS,
)

RULES = (
    NON_FINITE,
    OVERFLOWS_HALF,
    UPCAST_STORAGE,
    FEW_DISTINCT_VALUES,
    QUANTISATION_CONTRACT,
    CONSTANT_WEIGHT,
    BROKEN_INDEX_BUFFER,
    CLIPPED_WEIGHTS,
    UNLIKE_ITS_SIBLINGS,
    MIXED_DTYPES,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
