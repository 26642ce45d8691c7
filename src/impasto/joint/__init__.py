"""Profiles <-> perturbations in one space."""
