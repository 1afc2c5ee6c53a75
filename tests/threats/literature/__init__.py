"""What public text tells of bypasses of pickle scanners, rebuilt.

"The Art of Hide and Seek: Making Pickle-Based Model Supply Chain Poisoning Stealthy Again"
(arXiv 2508.19774) counts 22 loading paths in five frameworks, nine bypasses by an exception in the
scanner and 133 gadgets. Its tables are not reproduced here: the paths and the kinds of exception
are rebuilt from the loaders' own sources, the gadgets from the lists that scanners deny.
"""

from __future__ import annotations

from threats.literature import advisories, exceptions, frameworks, gadgets, paths

THREATS = (
    *paths.THREATS,
    *frameworks.THREATS,
    *exceptions.THREATS,
    *gadgets.THREATS,
    *advisories.THREATS,
)
