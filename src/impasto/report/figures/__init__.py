"""Figures, one kind a file, each an SVG string that takes its colours from the page."""
