"""Plates and profiles with a known answer."""
