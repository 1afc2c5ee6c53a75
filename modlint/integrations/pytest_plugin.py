"""The pytest plugin: a fixture that checks a file, a module or a state_dict.

pytest imports this module in every run of an environment that has modlint: it imports nothing of
modlint's before the fixture is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from modlint.api.subjects import Subject
    from modlint.report import Report

CONFIG = "modlint_config"
"""The setting of pytest that names a configuration file."""


class Check(Protocol):
    """What the fixture `modlint_check` gives."""

    def __call__(self, x: Subject, **settings: Any) -> Report:
        """Check files, folders, or what is in memory, as `modlint.check` does.

        Args:
            x: a path, paths, a `torch.nn.Module`, or a mapping of names to tensors or arrays.
            **settings: those of `modlint.check`.

        Returns:
            The report, where nothing was found that fails a run.

        Raises:
            AssertionError: the command line would not end in exit code 0; says what was found.
            TypeError, ValueError: as `modlint.check`.
        """
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names a configuration file."""
    parser.addini(
        CONFIG,
        "configuration file of modlint_check, relative to pytest's root folder",
        default="",
    )


@pytest.fixture(scope="session")
def modlint_check(pytestconfig: pytest.Config) -> Check:
    """Check a path, a module or a state_dict by modlint's rules; findings fail the test."""
    file = pytestconfig.getini(CONFIG)
    configured = {"config": pytestconfig.rootpath / file} if file else {}

    def check(x: Subject, **settings: Any) -> Report:
        __tracebackhide__ = True
        import modlint

        report = modlint.check(x, **(configured | settings))
        if not report.ok:
            from modlint.integrations.wording import as_text

            raise AssertionError(as_text(report))
        return report

    return check
