"""Lines of a requirements file as pip takes them, and who publishes packages for everybody."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

MAX_LINES = 100_000
_LONGEST_LINE = 4096
"""Characters of a line of options; a longer one stands for an index that nobody knows."""
WHERE = ("--index-url", "--pypi-url", "--extra-index-url", "--find-links")
"""Options that say where packages are looked for."""

URL = re.compile(
    r"(?:\w[\w.-]*+\s*+(?:\[[^\]]*+\]\s*+)?@\s*+)?((?:[a-z][a-z0-9+.-]*:|/|\.{1,2}(?:/|$))\S*)",
    re.IGNORECASE,
)
"""A requirement that is an address or a path, by itself or behind a name."""

_COMMENT = re.compile(r"(?:^|\s)\#.*$")
_IS_COMMENT = re.compile(r"\s*\#")
_LONG = (*WHERE, "--requirement", "--constraint", "--editable", "--trusted-host")
_SHORT = {
    "-i": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
    "-r": "--requirement",
    "-c": "--constraint",
}

_HOSTS = (
    r"pypi\.org|pypi\.python\.org|files\.pythonhosted\.org|download\.pytorch\.org"
    r"|pypi\.nvidia\.com|pypi\.ngc\.nvidia\.com|developer\.download\.nvidia\.com|data\.pyg\.org"
    r"|data\.dgl\.ai|wheels\.vllm\.ai|repo\.anaconda\.com|pip\.repos\.neuron\.amazonaws\.com"
    r"|conda\.anaconda\.org/(?:conda-forge|pytorch|nvidia|bioconda|anaconda|main)"
    r"|storage\.googleapis\.com/(?:jax-releases|libtpu-releases|libtpu-wheels|pytorch-xla-releases)"
)
_OWNERS = (
    "huggingface pytorch explosion openai facebookresearch NVIDIA microsoft google-research"
    " google-deepmind Dao-AILab tensorflow keras-team Lightning-AI mlflow UKPLab vllm-project"
    " allenai open-mmlab pyannote speechbrain NVlabs scikit-learn numpy scipy"
)
_PUBLISHED = re.compile(
    rf"https://(?:{_HOSTS})(?::443)?(?:/.*)?"
    rf"|(?:git\+)?https://github\.com/(?:{'|'.join(_OWNERS.split())})/[\w.-]+?(?:\.git)?"
    r"(?:@(?![0-9a-f]{4,40}(?:\#|$))[\w.-]+|/(?:releases/download|archive/refs/tags)/.*)?(?:\#.*)?",
    re.IGNORECASE,
)
"""A commit of a repository is anybody's: GitHub finds those of every fork in it."""
_WRITTEN = re.compile(r"(?!.*(?:\.\.|%2e|%2f))[!-\[\]-~]+", re.IGNORECASE)


def is_published(address: str) -> bool:
    """Whether an address is of a known publisher, over a connection that is checked."""
    stripped = address.strip().strip("\"'")
    return bool(_WRITTEN.fullmatch(stripped) and _PUBLISHED.fullmatch(stripped))


def read_lines(text: str) -> Iterator[tuple[str, str]]:
    """Each option with its value, and each requirement behind an option of no name."""
    for line in _joined(text.splitlines()[:MAX_LINES]):
        stripped = _COMMENT.sub("", line).strip()
        if stripped.startswith("-"):
            yield from _options(stripped)
        elif stripped:
            yield "", stripped


def _joined(lines: list[str]) -> Iterator[str]:
    """Lines with those that a backslash continues; a comment's backslash continues nothing."""
    held: list[str] = []
    for line in lines:
        comment = _IS_COMMENT.match(line) is not None
        held.append(f" {line}" if comment else line.rstrip("\\"))
        if comment or not line.endswith("\\"):
            yield "".join(held)
            held = []
    yield "".join(held)


def _options(line: str) -> Iterator[tuple[str, str]]:
    """Options of a line; pip takes short ones, and long ones whose end is cut off."""
    if len(line) > _LONGEST_LINE:
        yield WHERE[0], line
        return
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            known = (option for option in _LONG if len(name) > 2 and option.startswith(name))
            yield next(known, name), value if equals else following
        elif word[:2] in _SHORT:
            yield _SHORT[word[:2]], word[2:].removeprefix("=") or following
