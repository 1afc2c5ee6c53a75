"""modlint's own rules, a package for each family."""
