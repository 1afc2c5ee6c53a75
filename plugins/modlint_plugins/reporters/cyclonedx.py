"""`cyclonedx`: a bill of materials of the models, CycloneDX 1.6.

Holds what modlint can vouch for: the files, their SHA-256, format and size, and what was found; it
says nothing of where a model comes from or what it was trained on.
Source: OWASP CycloneDX 1.6, "Machine Learning Bill of Materials".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from modlint.errors import UsageError
from modlint.report import FileReport, Report
from modlint.reporter import Shown
from modlint.text import json_safe, printable
from modlint.verdict import Severity, Verdict
from modlint_plugins.reporters.findings import LIMIT, advice, failed, relative, sentence

if TYPE_CHECKING:
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from cyclonedx.model.vulnerability import Vulnerability

INSTALL = "pip install 'modlint[sbom]'"
_SECURITY = "SEC"


def write(report: Report, output: TextIO, shown: Shown) -> None:  # noqa: ARG001
    """Write one JSON document.

    Raises:
        UsageError: cyclonedx-python-lib is not installed.
    """
    try:
        from cyclonedx.output import make_outputter
        from cyclonedx.schema import OutputFormat, SchemaVersion
    except ImportError as error:
        raise UsageError(f"cyclonedx: needs cyclonedx-python-lib: {INSTALL}") from error
    written = make_outputter(_bom(report), OutputFormat.JSON, SchemaVersion.V1_6)
    output.write(json_safe(written.output_as_string(indent=2)) + "\n")


def _bom(report: Report) -> Bom:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType

    bom = Bom()
    tool = Component(name="modlint", version=report.run.modlint, type=ComponentType.APPLICATION)
    bom.metadata.tools.components.add(tool)
    for number, file in enumerate(report.files):
        component = _component(file, f"file-{number}")
        bom.components.add(component)
        for index, verdict in enumerate(_unsafe(file)):
            bom.vulnerabilities.add(_vulnerability(verdict, component, f"finding-{number}-{index}"))
    return bom


def _component(file: FileReport, reference: str) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    digest = _sha256(Path(file.path))
    hashes = [] if digest is None else [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    return Component(
        name=relative(printable(file.path, LIMIT)),
        type=ComponentType.MACHINE_LEARNING_MODEL if file.tensors else ComponentType.FILE,
        bom_ref=reference,
        hashes=hashes,
        properties=_properties(file),
    )


def _properties(file: FileReport) -> Iterator[Property]:
    from cyclonedx.model import Property

    counts = {s: sum(v.severity is s for v in file.findings if failed(v)) for s in Severity}
    facts: dict[str, object] = {
        "status": file.status,
        "format": file.format,
        "bytes": file.bytes,
        "tensors": file.tensors,
        "parameters": file.parameters,
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "notes": counts[Severity.NOTE],
    }
    for name, value in facts.items():
        yield Property(name=f"modlint:{name}", value=printable(str(value), LIMIT))


def _unsafe(file: FileReport) -> Iterator[Verdict]:
    return (v for v in file.findings if v.rule.startswith(_SECURITY) and failed(v))


def _vulnerability(verdict: Verdict, component: Component, reference: str) -> Vulnerability:
    from cyclonedx.model.vulnerability import (
        BomTarget,
        Vulnerability,
        VulnerabilityRating,
        VulnerabilitySeverity,
        VulnerabilitySource,
    )

    severities = {
        Severity.ERROR: VulnerabilitySeverity.HIGH,
        Severity.WARNING: VulnerabilitySeverity.MEDIUM,
        Severity.NOTE: VulnerabilitySeverity.LOW,
        Severity.INFORMATION: VulnerabilitySeverity.INFO,
    }
    return Vulnerability(
        bom_ref=reference,
        id=verdict.rule,
        source=VulnerabilitySource(name="modlint"),
        ratings=[VulnerabilityRating(severity=severities[verdict.severity])],
        description=sentence(verdict),
        recommendation=advice(verdict) or None,
        affects=[BomTarget(ref=str(component.bom_ref.value))],
    )


def _sha256(path: Path) -> str | None:
    """Of the file as it lies there, None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):  # a name that no file can have
        return None
