"""Modules written by hand: the commonest shapes of networks outside the libraries."""

from truth.zoo.by_hand import attending, convolving, generating, plain, recurrent, several

ARCHITECTURES = (
    *plain.ARCHITECTURES,
    *convolving.ARCHITECTURES,
    *generating.ARCHITECTURES,
    *several.ARCHITECTURES,
    *recurrent.ARCHITECTURES,
    *attending.ARCHITECTURES,
)
