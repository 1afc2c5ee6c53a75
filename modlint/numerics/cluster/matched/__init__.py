"""The matched null: do units group beyond their strengths?"""
