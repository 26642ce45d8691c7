"""Speed and memory, beside the usual tools, as ratios measured in one run. Never a test: `make bench`."""
