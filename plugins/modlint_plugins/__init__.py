"""modlint's own readers, graph builders and reporters."""
