"""Five parts for impasto, by name: an encoder, a reader, a corrector, a loss and a task. Their names are in pyproject.toml."""
