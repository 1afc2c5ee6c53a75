"""Clusters of a graph, and what shuffled graphs say of them."""
