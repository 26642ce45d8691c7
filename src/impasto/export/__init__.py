"""Profiles as other programs of the field expect them: one file a program, each the inverse of what `profiles.read` takes.

`EXPORTERS` is the family: name of a program -> its `exporter.Exporter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.export.exporter import Exporter

EXPORTERS: Family[Exporter] = Family(
    "exporters",
    what="program to export to",
    parts={name: f"impasto.export.{name}:EXPORTER" for name in ("cellprofiler", "copairs", "mantispy", "plates", "pycytominer", "table")},
)
"""Name of a program -> what writes for it."""

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
