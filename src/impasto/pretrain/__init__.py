"""Image-only methods: encoders trained on sites, without or with weak labels."""
