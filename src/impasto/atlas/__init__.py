"""Embeddings -> a searchable map."""
