"""What each opcode does to the interpreter, and the registry of them."""
