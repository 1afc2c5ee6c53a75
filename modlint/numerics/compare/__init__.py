"""Two tensors side by side: how far they differ, and where one is found in the other."""
