"""What marks the hooks, and whatever implements one."""

from __future__ import annotations

import pluggy

hookspec = pluggy.HookspecMarker("modlint")
hookimpl = pluggy.HookimplMarker("modlint")
