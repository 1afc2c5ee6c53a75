"""What the site holds beside docs/: see docs_pages.py."""
