"""Profiles as other programs of the field expect them: one file a program, each the inverse of what `profiles.read` takes."""

from __future__ import annotations

SPELLED = {
    "source": "Source",
    "batch": "Batch",
    "plate": "Plate",
    "well": "Well",
    "site": "Site",
    "cell_count": "Count_Cells",
}
"""Our words as pycytominer's and CellProfiler's defaults spell them; the others keep their spelling behind `Metadata_`."""

INFERRED = ("Cells_", "Cytoplasm_", "Nuclei_")
"""What a feature's name begins with where pycytominer finds it by itself."""
