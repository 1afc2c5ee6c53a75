"""Networks of library architectures: what config.json or all tensors name, without weights.

A class of transformers is named by config.json; a model of torchvision or timm by the names and
shapes of its tensors (see `fingerprints`). It is made on the meta device in a process of its own,
with limits, and exported to ATen calls (torch.export); the file gives names and shapes. No code but
the library's runs, and nothing that config.json says leads elsewhere: see `settings`. Needs
`modlint[architectures]`.
"""

from __future__ import annotations

from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint


class ArchitectureBuilder:
    """Follows the calls of a model that a library makes."""

    name = "architecture"
    description = "models of transformers, torchvision and timm, exported without their weights"
    rank = 15

    def build(self, checkpoint: Checkpoint, stated: Stated = NOTHING_STATED) -> Built | None:
        """The model's network; None where names tell it, or no class is known for the file."""
        if checkpoint.graph is not None or stated.order or stated.edges or not stated.architectures:
            return None
        from modlint_plugins.networks.architectures.build import built_of

        return built_of(checkpoint, stated.config)
