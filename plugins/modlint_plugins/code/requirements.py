"""Requirements files: packages that a server installs before it loads what lies beside them.

SageMaker's containers run `pip install -r code/requirements.txt` (sagemaker_inference,
model_server.py), Inference Endpoints that of the repository, MLflow that of its environment,
TorchServe the one that the manifest names, where it is told to (install_py_dep_per_model).
Installing a package runs its code. Lines are read as pip reads them (its req_file.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from modlint.checkpoint import Remark
from modlint.file_names import is_requirements
from modlint_plugins.code.documents import Table
from modlint_plugins.code.parsing import MAX_SOURCE, text_of
from modlint_plugins.code.pip_lines import MAX_LINES, URL, WHERE, is_published, read_lines

FOREIGN_PACKAGE = "foreign-package"
INSTALLED_PACKAGE = "installed-package"
UNEXAMINED = "unexamined-code"

_TEXTS = (".txt", ".in", ".pip")
_SAGEMAKER = re.compile(r"(?:\./)?code/requirements\.txt")
_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_CODINGS = ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "latin-1", "iso-8859-1")
_INCLUDED = ("--requirement", "--constraint")
_LOCAL = re.compile(r"[^\s;@]*[/\\][^\s;@]*|[^\s;@]+\.(?:whl|zip|tgz|tar\.\w+)")
_BUILT = re.compile(
    r"file:///(?:croot|home/(?:conda|builder|ktietz)|tmp/build|opt/(?:conda|concourse)|work"
    r"|private/(?:tmp|var)|Users/(?:runner|builder|ktietz)|[A-Z]:/(?:a|b|bld|ci|tmp))/.*",
    re.IGNORECASE,
)
"""Where conda builds its packages: `pip freeze` writes these, and no server has them."""
_LONGEST = 1000
"""Characters of a requirement without its hashes; nobody's is as long."""
_SHOWN = 120
_HELP = "read who publishes it: installing a package runs its code"


def named_requirements(name: str) -> bool:
    """Whether a path is named as a list of requirements."""
    return is_requirements(PurePosixPath(name.replace("\\", "/")))


def examine_requirements(view: memoryview, name: str, *, packed: bool) -> Iterator[Remark]:
    """Remarks on packages that come from elsewhere than where everybody gets theirs.

    Args:
        view: the file.
        name: its path in its container.
        packed: whether it is a member of an archive.
    """
    named = named_requirements(name)
    if not named and not name.lower().endswith(_TEXTS):
        return
    text = text_of(view[: MAX_SOURCE + 1])
    installed = packed and _SAGEMAKER.fullmatch(name.replace("\\", "/").lower()) is not None
    kind = INSTALLED_PACKAGE if installed else FOREIGN_PACKAGE
    who = "SageMaker installs from before it loads" if installed else "a server may install from"
    for found in foreign(text) if named else _indexes(text):
        yield Remark(kind, f"requirements name {found}, which {who}", help=_HELP)
    if named:
        yield from _unread(view, text)


def examine_packages(table: Table) -> Iterator[Remark]:
    """Remarks on an environment of conda's or MLflow's, and on the manifest of a model archive."""
    for key in ("pip", "dependencies", "build_dependencies"):
        lines = [line for line in _texts(table, key) if key == "pip" or line.startswith("-")]
        for found in foreign("\n".join(lines[:MAX_LINES])):
            message = f"{key} names {found}, which a server may install from"
            yield Remark(FOREIGN_PACKAGE, message, help=_HELP)
    if table.holds("dependencies"):
        for channel in _texts(table, "channels"):
            if "://" in channel and not is_published(channel):
                message = f"names a channel of packages: {channel[:_SHOWN]}"
                yield Remark(FOREIGN_PACKAGE, message, help=_HELP)
    for file in table.texts("requirementsFile"):
        if not named_requirements(file):
            message = f"names requirements that were not examined: {file[:_SHOWN]}"
            yield Remark(UNEXAMINED, message, help=_HELP)


def foreign(text: str) -> Iterator[str]:
    """What a requirements file names that no well-known publisher holds."""
    for option, value in read_lines(text):
        shown = value[:_SHOWN]
        if option in WHERE and not is_published(value):
            yield f"an index of packages: {shown}"
        elif option == "--trusted-host":
            yield f"a host whose certificate is not checked: {shown}"
        elif option in _INCLUDED and (URL.fullmatch(value) or not named_requirements(value)):
            yield f"further requirements, which were not examined: {shown}"
        elif option in ("", "--editable"):
            yield from _of_package(value)


def _of_package(line: str) -> Iterator[str]:
    named = line.partition(" --")[0]
    match = URL.match(named)
    source = match.group(1) if match else named.partition(";")[0].strip()
    if not match and len(source) <= _LONGEST and not _LOCAL.fullmatch(source):
        return
    if not is_published(source) and not _BUILT.fullmatch(source):
        yield f"a package by its place: {source[:_SHOWN]}"


def _indexes(text: str) -> Iterator[str]:
    """Indexes in a text of another name, which a manifest or another list may name."""
    for option, value in read_lines(text):
        if option in WHERE and "://" in value and not is_published(value):
            yield f"an index of packages: {value[:_SHOWN]}"


def _texts(table: Table, key: str) -> list[str]:
    held = [value for value in table.values(key) if isinstance(value, list)]
    return [text for texts in held for text in texts if isinstance(text, str)]


def _unread(view: memoryview, text: str) -> Iterator[Remark]:
    """A remark on what pip would read otherwise, or beyond what was read."""
    if len(view) > MAX_SOURCE or text.count("\n") > MAX_LINES:
        yield Remark(UNEXAMINED, "requirements that are too long were not all read", help=_HELP)
    for line in text.splitlines()[:2]:
        coding = _CODING.match(line)
        if coding and coding[1].lower() not in _PLAIN_CODINGS:
            message = f"requirements in the encoding {coding[1][:_SHOWN]} were not examined"
            yield Remark(UNEXAMINED, message, help=_HELP)
