"""Sites -> profiles."""
