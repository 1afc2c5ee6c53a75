"""What notebooks show: HTML, safe whatever the names in a file hold.

It is readable on light and on dark: text takes the notebook's own colour, lines and areas are that
colour made faint, and what weighs something is white on a ground of its own.
"""
