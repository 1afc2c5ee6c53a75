"""The graph of a network: its weights, what flows through it, how it is balanced."""
