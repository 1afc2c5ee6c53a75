"""The paper's networks for ImageNet, with fresh weights, beside its authors' code."""
