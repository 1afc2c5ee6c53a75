"""Eigenvalues and singular values of a graph in blocks."""
