"""Channels followed through ATen calls, wherever a list of them comes from.

An exported program and a TorchScript archive name the same calls; what differs is how they are
written down. `Walk.call` takes one call after another, `tables` say what each operation does.
"""
