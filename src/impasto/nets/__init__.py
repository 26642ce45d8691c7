"""Nets: trunks, heads, encoders, poolings."""
