"""Image-only methods."""
