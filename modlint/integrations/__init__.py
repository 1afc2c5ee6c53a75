"""modlint within other tools: pytest, Lightning, transformers.

Each module here imports the tool that it serves, and is imported by that tool or its user alone.
"""
