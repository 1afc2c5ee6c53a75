"""Channels followed through a list of operations, whatever container the list comes from.

A front end walks its own operations (an ONNX graph, ATen calls, a family of names) and calls the
`Tracer`, which keeps for every tensor the labels of its elements; `network_of` makes a network of
what the tracer has seen.
"""
