"""Requirements as pip reads them, and hostile text that must not take long."""

from __future__ import annotations

import time

import pytest

from modlint_plugins.code import examine
from modlint_plugins.code.pip_lines import is_published, read_lines

_MEGABYTE = 1 << 20
HOSTILE = {
    "blanks": b"a" + b" " * _MEGABYTE + b"b",
    "slashes": b"/" * _MEGABYTE + b"@x",
    "quotes": b"-i '" + b"a\\ " * (_MEGABYTE // 3),
    "continued lines": b"a\\\n" * (_MEGABYTE // 3),
    "options without a value": b"-e\n" * (_MEGABYTE // 3),
    "extras": b"a[b]@ " * (_MEGABYTE // 6),
}


@pytest.mark.parametrize("title", HOSTILE)
def test_a_megabyte_takes_no_five_seconds(title: str) -> None:
    started = time.thread_time()
    list(examine(memoryview(HOSTILE[title]), "requirements.txt", ()))
    assert time.thread_time() - started < 5


def test_lines_are_joined_and_options_told_as_pip_does() -> None:
    text = "a \\\nb # c\n#x \\\n--index=1 -f 2\n-r=3\n--no-index\n  \n-cd\n'"
    assert list(read_lines(text)) == [
        ("", "a b"),
        ("--index-url", "1"),
        ("--find-links", "2"),
        ("--requirement", "3"),
        ("--no-index", ""),
        ("--constraint", "d"),
        ("", "'"),
    ]


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("https://pypi.org/simple", True),
        ("https://download.pytorch.org/whl/cu121", True),
        ("https://download.pytorch.org:443/whl/torch-2.1%2Bcu118.whl", True),
        ("git+https://github.com/huggingface/peft", True),
        ("git+https://github.com/huggingface/peft.git@v0.10.0#egg=peft", True),
        ("https://github.com/explosion/spacy-models/releases/download/a/b.whl", True),
        ("https://conda.anaconda.org/conda-forge", True),
        ("https://conda.anaconda.org/someone", False),
        ("http://pypi.org/simple", False),
        ("https://pypi.org.example.org/simple", False),
        ("https://pypi.org@example.org/simple", False),
        ("https://pypi.org:443@example.org/simple", False),
        (r"https://pypi.org\@example.org/simple", False),
        ("https://download.pytorch.org/../x", False),
        ("https://download.pytorch.org/%2e%2E/x", False),
        ("git+https://github.com/huggingface/peft@refs/pull/1/head", False),
        ("git+https://github.com/huggingface/peft@0123abc", False),
        ("git+https://github.com/huggingface/peft.git@0123abc#egg=peft", False),
        ("git+https://github.com/hugging/peft", False),
        ("git+ssh://git@github.com/huggingface/peft", False),
        ("https://github.com/huggingface/peft/archive/0123abc.zip", False),
        ("", False),
    ],
)
def test_who_publishes_for_everybody(address: str, known: bool) -> None:
    assert is_published(address) is known
