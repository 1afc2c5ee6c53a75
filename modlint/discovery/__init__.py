"""From the paths that a user names to the files that are worth a look."""
