"""What a file is: its path, format, size, networks, and what its reader noticed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
from rich.cells import cell_len
from rich.text import Text

from modlint.checkpoint import Status
from modlint.report import FileReport, NetworkReport
from modlint.text import count, file_size
from modlint_plugins.reporters.full.canvas import Canvas

NETWORKS_SHOWN, REMARKS_SHOWN = 12, 8
STATUSES = {
    Status.UNREADABLE: "unreadable",
    Status.NOT_A_CHECKPOINT: "not a checkpoint",
    Status.LFS_POINTER: "a Git LFS pointer, not the file itself",
}
SOURCES = {
    "graph": "from the file's graph",
    "module-tree": "from the module tree",
    "names": "from tensor names and shapes",
}


def write_facts(canvas: Canvas, file: FileReport) -> None:
    """Write the file's name and size."""
    canvas.rule(Text(file.path, "bold"))
    canvas.hanging(Text("  "), _facts(file))


def write_header(canvas: Canvas, file: FileReport) -> None:
    """Write what the file is."""
    write_facts(canvas, file)
    _write_networks(canvas, file.networks)
    for remark in file.remarks[:REMARKS_SHOWN]:
        canvas.hanging(Text("  remark ", "dim"), Text(remark))
    _write_more(canvas, len(file.remarks) - REMARKS_SHOWN)


def _write_networks(canvas: Canvas, networks: Sequence[NetworkReport]) -> None:
    """Write each network; of a row of alike ones, as a transformer's blocks are, the first."""
    rows = [list(row) for _, row in groupby(networks, key=_likeness)]
    shown = rows[:NETWORKS_SHOWN]
    column = max((cell_len(row[0].id) for row in shown), default=0)
    for first, *others in shown:
        lead = Text("  network ")
        if len(networks) > 1:
            lead.append(first.id, "bold").pad_right(column - cell_len(first.id) + 1)
        _write_network(canvas, lead, first)
        if others:
            more = f"… {len(others):,} more like it, up to " if len(others) > 1 else "likewise "
            canvas.hanging(Text(" " * 10), Text.assemble(more, (others[-1].id, "bold")))
    _write_more(canvas, sum(map(len, rows[NETWORKS_SHOWN:])))


def _likeness(network: NetworkReport) -> object:
    """Equal for networks of which one line says all but the id."""
    return msgspec.structs.replace(network, id="")


def _facts(file: FileReport) -> Text:
    read = file.status in (Status.CHECKED, Status.UNREADABLE)
    parts = [STATUSES.get(file.status, ""), file.format if read else "", file_size(file.bytes)]
    if file.tensors or file.status is Status.CHECKED:
        parts += [count(file.tensors, "tensor"), count(file.parameters, "parameter")]
    return Text(" · ".join(part for part in parts if part))


def _write_network(canvas: Canvas, lead: Text, network: NetworkReport) -> None:
    if network.reason is not None:
        canvas.hanging(lead, Text.assemble(("none: ", "bold"), network.reason))
        return
    parts = (
        count(network.layers, "layer"),
        count(network.neurons, "neuron"),
        count(network.connections, "connection"),
    )
    size, origin = Text(" · ".join(parts)), Text(_origin(network), "dim")
    line = Text(" · ").join((size, origin)) if origin else size
    if lead.cell_len + line.cell_len <= canvas.width:
        canvas.line(lead + line)
        return
    canvas.hanging(lead, size)
    canvas.hanging(Text(" " * lead.cell_len), origin)


def _origin(network: NetworkReport) -> str:
    """How the network was obtained, and how sure that is."""
    source = SOURCES.get(network.source or "", network.source or "")
    sure = f"{network.confidence} confidence" if network.confidence else ""
    return ", ".join(filter(None, (source, sure)))


def _write_more(canvas: Canvas, more: int) -> None:
    if more > 0:
        canvas.line(f"  … and {more:,} more (see --output-format json)")
