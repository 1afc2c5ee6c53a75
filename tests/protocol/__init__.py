"""Random pickles over the classes that modlint takes as safe, run by the real ones."""
