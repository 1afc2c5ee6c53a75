"""SEC: what the file could do to whoever loads it."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.rule_reference import RuleReference
from modlint.verdict import Severity

UNSAFE_PICKLE = RuleReference(
    code="SEC001",
    name="unsafe-pickle",
    severity=Severity.ERROR,
    summary="a pickle calls, rebuilds or names a global that is not on the allow-list",
    source="Python documentation, pickle, 'Restricting Globals'; CVE-2025-32434",
    place="modlint_rules.safety.unsafe_pickle:UnsafePickle",
)

HIDDEN_BYTES = RuleReference(
    code="SEC002",
    name="hidden-bytes",
    severity=Severity.ERROR,
    summary="the file holds bytes that no tensor refers to, or a program within a tensor",
    source="Zhu et al., arXiv 2107.08590 (payloads in models); the format's specifications",
    place="modlint_rules.safety.hidden_bytes:HiddenBytes",
)

CARRIES_CODE = RuleReference(
    code="SEC003",
    name="carries-code",
    severity=Severity.WARNING,
    summary="the file carries code that its format's loader runs, or names code to be run",
    source="CVE-2024-34359, CVE-2025-1550, CVE-2025-23304, CVE-2025-32434, CVE-2026-4372",
    place="modlint_rules.safety.carries_code:CarriesCode",
)

MEMORY_CORRUPTION = RuleReference(
    code="SEC004",
    name="memory-corruption",
    severity=Severity.ERROR,
    summary=("types, indices, views or sizes that make a loader read or write outside its memory"),
    source="CVE-2025-62164; CVE-2026-24747; NumPy, descriptor.c, arraydescr_setstate",
    place="modlint_rules.safety.memory_corruption:MemoryCorruption",
)

ARCHIVE_TRICK = RuleReference(
    code="SEC006",
    name="archive-trick",
    severity=Severity.ERROR,
    summary="the archive is built to be read differently by scanners and by loaders",
    source="CVE-2025-10156, CVE-2025-1944, CVE-2025-1945; PKWARE APPNOTE 6.3.10",
    place="modlint_rules.safety.archive_trick:ArchiveTrick",
)

PATH_ESCAPE = RuleReference(
    code="SEC007",
    name="path-escape",
    severity=Severity.ERROR,
    summary="a member, shard or external file is named outside of the checkpoint's folder",
    source="CVE-2022-25882, CVE-2024-27318, CVE-2026-27489; threats of archive extraction",
    place="modlint_rules.safety.path_escape:PathEscape",
)

SECRETS_AND_PATHS = RuleReference(
    code="SEC008",
    name="secrets-and-paths",
    severity=Severity.WARNING,
    summary="metadata or doc strings hold tokens, home folders, scripts or shell commands",
    source="the issuers' documented token formats",
    place="modlint_rules.safety.secrets_and_paths:SecretsAndPaths",
)

RULES = (
    UNSAFE_PICKLE,
    HIDDEN_BYTES,
    CARRIES_CODE,
    MEMORY_CORRUPTION,
    ARCHIVE_TRICK,
    PATH_ESCAPE,
    SECRETS_AND_PATHS,
)
"""The rules of this family."""


@hookimpl
def modlint_rules() -> Iterable[RuleReference]:
    """The rules of this family."""
    return RULES
