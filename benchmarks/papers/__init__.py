"""Claims of the papers that rules cite, each shown once on small networks trained here."""
