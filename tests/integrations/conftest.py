"""What the tools are run on."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

EXTERNAL = "ignore:.*:DeprecationWarning", "ignore:.*:FutureWarning", "ignore:.*:UserWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tools' own warnings are theirs."""
    for item in items:
        if "integrations" in item.path.parts:
            for rule in EXTERNAL:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, from "info" on."""
    with caplog.at_level(logging.INFO, "modlint"):
        yield caplog
