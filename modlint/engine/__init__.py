"""The engine: from paths to a report; it knows no format, no rule and no output format."""
