"""Fuzzing: mutants of real files, each examined as a user would, within stated bounds."""
