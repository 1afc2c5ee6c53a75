"""Zip archives, in every way that some loader reads them."""
