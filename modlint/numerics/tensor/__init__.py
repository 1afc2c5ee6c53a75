"""Single tensors: their values, their device, sums over their elements."""
