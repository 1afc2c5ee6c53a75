"""What the user wants: files of settings, profiles, which rules are selected, with what options."""
