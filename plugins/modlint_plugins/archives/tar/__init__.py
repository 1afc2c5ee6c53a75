"""Tar archives, as tarfile reads them."""
