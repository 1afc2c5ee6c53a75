"""The matched null: do units group beyond their strengths?

Computed with numpy on the CPU; nothing here imports torch but what finds the eigenvalues of large
graphs.
"""
