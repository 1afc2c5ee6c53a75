"""`html`: a report of one file for browsers, which asks nothing of any network."""
