"""Figures, one kind a file: each draws on matplotlib axes; a page and a file take what was drawn."""
