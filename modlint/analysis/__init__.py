"""Analyses that rules share: declared here, computed in `modlint.numerics`."""
