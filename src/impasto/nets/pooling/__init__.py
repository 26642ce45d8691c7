"""Poolings: a bag of site profiles -> one profile."""
