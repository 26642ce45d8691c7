"""The numbers of an assay that its recipe, its design and its report share."""

SPARE = 0.5
"""Share of a plate's negative controls that no correction learns from."""
RATE = 0.05
"""The false discovery rate below which a perturbation is a hit."""
