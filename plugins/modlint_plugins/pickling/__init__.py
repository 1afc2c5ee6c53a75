"""Pickles read without executing them: a symbolic machine that builds inert records.

`scan` is the way in. `machine` runs over the opcodes: `opcodes` is how they are laid out,
`operations` what they do. `calls` is what calls do, `rebuild` the exact table of functions that
are interpreted, `handing_on` and `reach` the calls that loading makes unasked. All of them work on
an `interpreter`, which keeps `notes`; `values` are the records, `limits` the bounds on all of it.
"""
