"""What the numerics find and rules judge: plain records, a module for each kind of subject.

They import neither what asks for them nor what computes them.
"""
