"""`python -m modlint`: nothing is imported from the current folder.

`-m` puts it first on the path for imports, and what is checked there may bring modules and plugins.
"""

import os
import sys


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 (pathlib is not imported yet)
    except OSError:  # it was removed
        return ""


if not sys.flags.safe_path and sys.path[:1] in ([""], [_current_folder()]):
    del sys.path[0]

if __name__ == "__main__":
    from modlint.cli import main

    sys.exit(main())
