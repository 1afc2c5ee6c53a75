"""Every output format, read by the schema or the parser of whoever consumes it."""
