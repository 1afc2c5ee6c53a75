"""What earlier checks gave, for files of which nothing has changed since."""
