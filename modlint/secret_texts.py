"""Secrets in texts: what they look like, and texts that do not show them.

The formats are those that their issuers document; RFC 7468 (private keys); RFC 7519 (JSON Web
Tokens). No pattern takes more than linear time: repetitions that could overlap have an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TOKENS = (
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34,}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})\b"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,200}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{20,}\b"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}\b"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20}\b"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    ("a JSON Web Token", r"\beyJ[A-Za-z0-9_-]{8,500}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16}"),
    ("a password in a URL", r"\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]{1,64}:[^\s:/@]{3,64}@[\w.-]+"),
)
"""What a secret is, and the regular expression of its issuer's format."""

SHOWN = 4
"""Characters of a secret that are shown."""

_ANY = re.compile("|".join(pattern for _, pattern in TOKENS))
_KEY = re.compile(r"[^-]{0,20000}-----END [A-Z ]{0,40}-----|[A-Za-z0-9+/=\\\s]{0,20000}")
"""What follows the first line of a private key."""


def mask(secret: str) -> str:
    """The beginning of a secret."""
    return f"{secret[:SHOWN]}…"


def masked(text: str) -> str:
    """A text with each secret in it masked, a private key up to its end."""
    parts, done = [], 0
    for found in _ANY.finditer(text):
        if found.start() < done:
            continue
        parts += [text[done : found.start()], mask(found.group())]
        rest = _KEY.match(text, found.end()) if found.group().startswith("-----") else None
        done = rest.end() if rest is not None else found.end()
    return "".join([*parts, text[done:]])


def masked_value(value: Any, depth: int = 50) -> Any:
    """A value of metadata with the secrets in its texts, keys of mappings too, masked."""
    if isinstance(value, str):
        return masked(value)
    if depth and isinstance(value, Mapping):
        return {
            masked_value(key, depth - 1): masked_value(held, depth - 1)
            for key, held in value.items()
        }
    if depth and isinstance(value, (list, tuple)):
        return [masked_value(held, depth - 1) for held in value]
    return value if depth else masked(str(value))
