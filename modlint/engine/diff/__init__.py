"""Two checkpoints side by side: matched by name and by content, measured, and judged."""
