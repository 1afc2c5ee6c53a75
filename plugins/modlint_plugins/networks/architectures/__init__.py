"""Networks of library architectures: what config.json names, built by the library without weights.

The library's class is made on the meta device in a process of its own, with limits, and exported
to ATen calls (torch.export); the file gives names and shapes. No code but the library's runs, and
nothing that config.json says leads elsewhere: see `settings`. Needs `modlint[architectures]`.
"""

from __future__ import annotations

from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint


class ArchitectureBuilder:
    """Follows the calls of a class of transformers that config.json beside the file names."""

    name = "architecture"
    description = "the library class that config.json names, exported without its weights"
    rank = 15

    def build(self, checkpoint: Checkpoint, stated: Stated = NOTHING_STATED) -> Built | None:
        """The model's network; None where names tell it, or no class is known for the file."""
        if checkpoint.graph is not None or stated.order or stated.edges:
            return None
        if not isinstance(stated.config.get("model_type"), str):
            return None
        from modlint_plugins.networks.architectures.build import built_of

        return built_of(checkpoint, stated.config)
