"""Files that hold checkpoints of any format."""
