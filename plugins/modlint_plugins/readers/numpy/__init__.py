"""Arrays of NumPy, .npy."""
