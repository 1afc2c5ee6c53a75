"""The list of threats, as files and what must be found in them."""

from __future__ import annotations

from threats import concealed, containers, frameworks, identification, opcodes

THREATS = (
    *containers.THREATS,
    *identification.THREATS,
    *opcodes.THREATS,
    *frameworks.THREATS,
    *concealed.THREATS,
)
