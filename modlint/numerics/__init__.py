"""The numerics behind the analyses: torch in, plain numbers out."""
