"""Pickles read without executing them: a symbolic machine that builds inert records.

`scan` is the way in; `machine` is the machine, `opcodes` how its instructions are laid out,
`control`, `literals`, `containers` and `objects` what they do, `rebuild` the exact table of
functions that are interpreted, `values` the records, `render` how they are shown, `limits` the
bounds on all of it.
"""
