"""Training networks to be clusterable, as modlint measures it."""

from modlint_train.initialisation import clusterable_init_

__all__ = ["clusterable_init_"]
