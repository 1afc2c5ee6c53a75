"""The truth of which channels meet: measured by an oracle, compared with what modlint claims."""
