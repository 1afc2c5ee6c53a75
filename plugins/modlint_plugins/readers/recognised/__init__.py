"""Formats that are named and not read."""
