"""Spectra of weights: eigenvalues, power laws, random matrices, structure."""
