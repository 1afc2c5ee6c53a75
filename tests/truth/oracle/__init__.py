"""Which output channel of a weight feeds which input column of another: measured, not derived.

A model is recorded once as a flat list of ATen calls. Output channels of one weighted call are
disturbed, only what depends on them is computed again, and every other weighted call keeps its
recorded output: a call whose input column changed is a direct consumer of that channel. Statistics
of norms, attention probabilities and routing keep their recorded values, so that a norm is a map
per channel, attention passes value channels on, and queries and keys feed nothing.
"""

from truth.oracle.measuring import measure

__all__ = ["measure"]
