"""Zip archives that hold checkpoints, and the layouts that some programs give them."""
