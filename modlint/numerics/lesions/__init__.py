"""What a network loses when units are silenced: Hod et al., arXiv 2110.08058."""
