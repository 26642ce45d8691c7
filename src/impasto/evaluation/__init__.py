"""Profiles -> tidy numbers."""
