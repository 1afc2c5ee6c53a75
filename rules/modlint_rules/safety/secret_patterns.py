"""What tokens, home folders and code look like in a text; each pattern is exact enough to trust.

None takes more than linear time, whatever the text: repetitions that could overlap have an end.
"""

from __future__ import annotations

import re

from msgspec import Struct

from modlint.secret_texts import TOKENS
from modlint.verdict import Confidence, Severity

_HOMES = r"(?:/home/|/Users/|/root/|[A-Za-z]:[\\/]+Users[\\/]+)[^\s'\"<>|:;,]{2,}"
_RUNS = (
    r"\bos\.(?:system|popen|exec\w+|spawn\w+)\s*\(|\bsubprocess\.\w+\s*\(|\b__import__\s*\("
    r"|\b(?:eval|exec)\s*\(\s*(?:compile|open|base64|bytes|__import__|requests|urllib|input)\b"
    r"|\bpty\.spawn\s*\(|\bctypes\.\w+\s*\("
)
_SHELL = (
    r"\brm\s+-[rf]{1,2}\b|\bchmod\s+(?:\+x|[0-7]{3,4})\s|\b(?:curl|wget)\s{1,9}(?:-\S{1,99}\s{1,9}){0,9}https?://"
    r"|\b(?:bash|sh)\s+-[ci]\b|/dev/tcp/|\bnc\s+-\w*e|\bpowershell(?:\.exe)?\s+-|\|\s*(?:ba)?sh\b"
)
_SCRIPT = r"<script\b|\bjavascript:"
_IMPORT = r"(?:^|[;\n])[ \t]*(?:import|from)\s+(?:os|subprocess|socket|ctypes|pty|shutil|sys)\b"
_URL_KEYS = r"callback|webhook|download|upload|payload|exfil|beacon|\bhook\b"
_PRINTS = r"(?<![\w.])print\s{0,99}\("


class Pattern(Struct, frozen=True):
    """Something that a text should not hold.

    Attributes:
        what: to follow "holds".
        regex: what it looks like.
        severity: how much it weighs.
        confidence: how sure it is.
        secret: whether the text must not be shown.
        code: whether it is what Python source ordinarily holds.
    """

    what: str
    regex: re.Pattern[str]
    severity: Severity = Severity.WARNING
    confidence: Confidence = Confidence.HIGH
    secret: bool = False
    code: bool = False


def _pattern(
    what: str,
    regex: str,
    severity: Severity = Severity.WARNING,
    confidence: Confidence = Confidence.HIGH,
    code: bool = False,
) -> Pattern:
    return Pattern(what, re.compile(regex), severity, confidence, code=code)


PATTERNS = (
    *(Pattern(what, re.compile(regex), secret=True) for what, regex in TOKENS),
    _pattern("Python code that starts programs", _RUNS, Severity.ERROR, code=True),
    _pattern("Python imports", _IMPORT, code=True),
    _pattern("shell commands", _SHELL, confidence=Confidence.MEDIUM),
    _pattern("a script", _SCRIPT),
    _pattern("a path in somebody's home folder", _HOMES),
)
"""Looked for in every text."""

CODE = (_pattern("code that prints", _PRINTS),)
"""Looked for in TorchScript code too, which only computes in an ordinary model."""

URL = re.compile(r"\b(?:https?|ftp)://[^\s'\"<>]+")
URL_KEY = re.compile(_URL_KEYS, re.IGNORECASE)
"""Keys under which a URL asks to be fetched or called."""
