"""Pictures and tables of clusters and spectra, for whatever shows them."""
