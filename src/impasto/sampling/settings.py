"""What a recipe may say about held-out rows. Needs neither anndata nor torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from impasto import schema
from impasto.settings import Settings


class SplitSettings(Settings):
    """What is held out, and how much of it."""

    by: str = Field(
        default=schema.PERTURBATION,
        description="perturbation, scaffold, plate, batch, source, any column; or split: the parts as the table has them (correct "
        "marks them).",
    )
    validation: float = 0.1
    test: float = 0.2
    file: Path | None = Field(
        default=None,
        description="A table that says the part of each compound: a column `split` (train, validation or test) and one of the columns of "
        "the profiles (inchikey, perturbation, smiles ...). Nothing is drawn then.",
    )
