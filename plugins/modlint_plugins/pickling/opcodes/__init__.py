"""How opcodes and their arguments are laid out: data and decoding alone."""
