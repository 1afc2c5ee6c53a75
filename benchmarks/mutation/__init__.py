"""Mutation testing: small changes of the code, each of which the tests must notice."""
