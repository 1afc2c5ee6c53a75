"""SEC008: tokens, home folders and code in the texts that a checkpoint carries."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.texts import Text, Texts
from modlint.checkpoint import Checkpoint, Status
from modlint.reader import is_header_only
from modlint.rule import Examination, Need, Options, Rule
from modlint.scopes import unread
from modlint.secret_texts import mask
from modlint.targets import place_in_file, whole_file
from modlint.text import count, printable
from modlint.verdict import Confidence, Severity, Verdict
from modlint_rules.safety import SECRETS_AND_PATHS
from modlint_rules.safety.secret_patterns import CODE, PATTERNS, URL, URL_KEY, Pattern

_LISTED = 50
_SHOWN = 80
_FETCHED = Pattern("a URL to fetch or to call", URL, confidence=Confidence.MEDIUM)
_HELP_SECRET = "revoke it, then save the checkpoint without it"
_HELP_CODE = "do not run it; ask what it is for, and keep the tensors only"
_HELP = "save the checkpoint without it"


class SecretsAndPaths(Rule[Options], reference=SECRETS_AND_PATHS):
    """A text that tells a secret or a path, or is code."""

    statuses = frozenset({Status.CHECKED, Status.UNREADABLE})

    def needs(self) -> tuple[Need, ...]:
        """The texts beside the tensors."""
        return (Texts(),)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each kind and place, the first 50, or one passing verdict."""
        checkpoint = file.checkpoint
        gathered = file.result(Texts(), file.checkpoint)
        found = {  # one for each kind and place, and one for each secret wherever it stands
            (pattern.what, match if pattern.secret else text.where): (text, pattern, match)
            for text in reversed(gathered.texts)
            for pattern, match in _search(text)
        }
        findings = [self._finding(checkpoint, *each) for each in reversed(found.values())]
        yield from findings[:_LISTED]
        if len(findings) > _LISTED:
            rest = count(len(findings) - _LISTED, "further finding")
            yield self.failed(
                whole_file(checkpoint), f"{rest} of the same kind not listed", help=_HELP
            )
        texts = len(gathered.texts)
        if gathered.missing is not None:
            message = f"its texts were not wholly searched: {gathered.missing}"
            yield self.inconclusive(whole_file(checkpoint), message)
        elif findings or checkpoint.status is not Status.CHECKED:
            return
        elif (reason := unread(checkpoint)) is not None and not is_header_only(checkpoint):
            yield self.inconclusive(whole_file(checkpoint), reason)
        elif not texts:
            yield self.not_applicable(whole_file(checkpoint), "the file holds no text")
        else:
            yield self.passed(
                whole_file(checkpoint),
                f"{count(texts, 'text')} without secrets, home folders or commands",
                values={"texts": texts},
            )

    def _finding(self, checkpoint: Checkpoint, text: Text, pattern: Pattern, found: str) -> Verdict:
        shown = mask(found) if pattern.secret else printable(found, _SHOWN)
        help_ = _HELP_CODE if pattern.severity is Severity.ERROR or text.code else _HELP
        return self.failed(
            place_in_file(checkpoint, text.member, None),
            f"{printable(text.where, _SHOWN)} holds {pattern.what}: {shown}",
            help=_HELP_SECRET if pattern.secret else help_,
            values={"what": pattern.what, "where": text.where},
            severity=pattern.severity,
            confidence=pattern.confidence,
        )


def _search(text: Text) -> Iterator[tuple[Pattern, str]]:
    for pattern in (*PATTERNS, *CODE) if text.code else PATTERNS:
        if pattern.code and text.source:
            continue  # SEC003 says what Python source does
        if text.debug and not pattern.secret:
            continue  # the paths and the source of whoever scripted the module
        match = pattern.regex.search(text.text)
        if match is not None:
            yield pattern, match.group()
    if not (text.code or text.source) and URL_KEY.search(text.where):
        match = URL.search(text.text)
        if match is not None:
            yield _FETCHED, match.group()
