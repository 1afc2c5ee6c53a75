"""What the interpreter makes of the calls that real checkpoints hold."""
