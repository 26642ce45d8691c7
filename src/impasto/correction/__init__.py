"""Profiles -> corrected profiles."""
