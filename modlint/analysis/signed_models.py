"""Signatures of models by OpenSSF's model-signing: the digests that they list, not who signed.

A Sigstore bundle holds an in-toto statement in base64, whose predicate lists the digest of each
file (version 1.0), or of each range of its bytes; version 0.1 lists files as the statement's
subjects.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_RANGE = re.compile(r"(?P<path>.+):(?P<start>\d{1,18}):(?P<end>\d{1,18})")
_SHARDED = re.compile(r"(?P<algorithm>[\w-]+?)-sharded-\d+")
_KNOWN = frozenset({"sha256", "sha384", "sha512", "blake2b"})
_HEX = re.compile(r"[0-9a-f]{56,128}")


class SignedRange(NamedTuple):
    """A digest of a file, or of a range of its bytes.

    Attributes:
        path: of the file, from the model's folder on.
        algorithm: by Python's name.
        digest: in hexadecimal digits.
        start: of the first byte.
        end: behind the last byte, None where it is the file's last.
    """

    path: str
    algorithm: str
    digest: str
    start: int = 0
    end: int | None = None


def signed_ranges(document: bytes) -> tuple[str, tuple[SignedRange, ...]]:
    """The name of the model that a bundle signs, and the digests that it lists; none of others."""
    try:
        statement = _statement(document)
    except (ValueError, RecursionError, TypeError, KeyError):
        return "", ()
    kind = statement.get("predicateType")
    if not isinstance(kind, str) or not kind.startswith("https://model_signing/"):
        return "", ()
    subjects = [s for s in _list(statement.get("subject")) if isinstance(s, dict)]
    predicate = statement.get("predicate")
    if isinstance(predicate, dict) and "resources" in predicate:
        name = subjects[0].get("name") if subjects else ""
        resources = [r for r in _list(predicate["resources"]) if isinstance(r, dict)]
        found = [_resource(r.get("name"), r.get("algorithm"), r.get("digest")) for r in resources]
        return name if isinstance(name, str) else "", tuple(f for f in found if f is not None)
    return "", tuple(_subjects(subjects))


def _statement(document: bytes) -> Mapping[str, Any]:
    payload = json.loads(document)["dsseEnvelope"]["payload"]
    statement = json.loads(base64.b64decode(payload, validate=True))
    return statement if isinstance(statement, dict) else {}


def _subjects(subjects: list[dict[str, Any]]) -> Iterator[SignedRange]:
    for subject in subjects:
        digests = subject.get("digest")
        for algorithm, digest in (digests if isinstance(digests, dict) else {}).items():
            found = _resource(subject.get("name"), algorithm, digest)
            if found is not None:
                yield found


def _resource(name: Any, algorithm: Any, digest: Any) -> SignedRange | None:
    if not all(isinstance(value, str) for value in (name, algorithm, digest)):
        return None
    sharded = _SHARDED.fullmatch(algorithm)
    algorithm = sharded["algorithm"] if sharded else algorithm
    digest = digest.lower()
    if algorithm not in _KNOWN or _HEX.fullmatch(digest) is None:
        return None
    part = _RANGE.fullmatch(name) if sharded else None
    if part is None:
        return None if sharded else SignedRange(name, algorithm, digest)
    return SignedRange(part["path"], algorithm, digest, int(part["start"]), int(part["end"]))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
