"""The comparisons of FMT008, one module for what is compared."""
