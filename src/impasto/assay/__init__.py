"""One assay, from plates to verdicts: what its design can show, and the recipe that finds it.

`refusals` says why an assay cannot be analysed, `warnings` what its numbers must be read with, `check` holds both beside the plan of the
tests, and `recipe_text` writes the recipe that `impasto run` repeats.
"""
