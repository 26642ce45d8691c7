"""Five parts for impasto: an encoder, a reader, a corrector, a loss and a task. The entry points in pyproject.toml give them their names."""
