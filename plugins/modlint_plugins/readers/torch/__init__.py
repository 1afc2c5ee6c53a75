"""What `torch.save` writes, of every age, and the pickles in it."""
