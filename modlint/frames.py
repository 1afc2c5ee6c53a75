"""Rows as a data frame of pandas, which modlint does not depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas


def dataframe(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pandas.DataFrame:
    """The rows in these columns.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "to_dataframe needs pandas, which is not installed: "
            'python -m pip install "modlint[pandas]"'
        ) from error
    return pandas.DataFrame(list(rows), columns=list(columns))
