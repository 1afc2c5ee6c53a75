"""Files that are checked side by side, each in a process of its own."""
