"""The list of threats, as files and what must be found in them."""

from __future__ import annotations

from pathlib import Path

from threats import (
    at_load,
    beside,
    carried,
    concealed,
    configured,
    containers,
    elsewhere,
    frameworks,
    graphs,
    identification,
    implicit_calls,
    installed,
    libraries,
    literature,
    memory,
    misused,
    names,
    opcodes,
    sparse_scripts,
    trials,
)

THREATS = (
    *containers.THREATS,
    *identification.THREATS,
    *opcodes.THREATS,
    *frameworks.THREATS,
    *concealed.THREATS,
    *trials.THREATS,
    *implicit_calls.THREATS,
    *memory.THREATS,
    *misused.THREATS,
    *carried.THREATS,
    *configured.THREATS,
    *installed.THREATS,
    *elsewhere.THREATS,
    *libraries.THREATS,
    *sparse_scripts.THREATS,
    *at_load.THREATS,
    *names.THREATS,
    *beside.THREATS,
    *graphs.THREATS,
    *literature.THREATS,
)


def write_all(folder: Path) -> list[tuple[Path, str, str]]:
    """Write every case, each into a folder of its own, for programs to be compared on.

    Returns:
        what to check, the case's id and its group, of each: the group is a part of the literature
        ("path", "exception, …", "gadget", "advisory, …"), "line N", or "healthy" where nothing is
        to be found.
    """
    written = []
    for index, threat in enumerate(THREATS):
        place = folder / f"{index:04}"
        place.mkdir(parents=True)
        path, findings = threat.write(place)
        group = threat.group or f"line {threat.line}"
        written.append((path, threat.id, group if findings else "healthy"))
    return written
