"""Encoders: images, profiles, text or molecules -> embeddings."""
