"""The words of the field, and checks that explain themselves.

Everything else in the package speaks these words and no others (see docs/vocabulary.md). Column names here carry no
`Metadata_` prefix: the prefix exists on disk only, and only `profiles.py` adds it and takes it off.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

# ---------------------------------------------------------------- obs: where and what
SOURCE = "source"
"""The laboratory."""
BATCH = "batch"
"""The experimental batch (never a minibatch)."""
PLATE = "plate"
WELL = "well"
"""`A01`: a row letter (A..Z, AA..AF) and a two-digit column."""
SITE = "site"
"""One field of view, a string."""
OBJECT = "object"
"""One cell of a site, a number."""
PERTURBATION = "perturbation"
"""The replicate key: two wells with the same value are replicates of each other."""
PERTURBATION_NAME = "perturbation_name"
PERTURBATION_TYPE = "perturbation_type"
CONTROL_TYPE = "control_type"
GENE = "gene"
"""The gene edited or over-expressed; of a compound, its first known target."""
TARGETS = "targets"
"""All known target genes, joined by `|`."""
SMILES = "smiles"
INCHIKEY = "inchikey"
MOA = "moa"
CONCENTRATION = "concentration"
"""In the unit of the table, micromolar in most."""
TIME_H = "time_h"
CELL_LINE = "cell_line"
CELL_COUNT = "cell_count"
SPARED = "spared"
"""True for negative controls that no correction has learned from; where it is there, scores rank against these only."""
SPLIT = "split"
"""train, validation or test: what was held out of a training or a fit."""

NEGCON, POSCON, TRT, EMPTY, UNKNOWN = "negcon", "poscon", "trt", "empty", "unknown"
CONTROL_TYPES = (NEGCON, POSCON, TRT, EMPTY, UNKNOWN)
COMPOUND, CRISPR, ORF, SIRNA = "compound", "crispr", "orf", "sirna"
PERTURBATION_TYPES = (COMPOUND, CRISPR, ORF, SIRNA)

# ---------------------------------------------------------------- var: which feature
FEATURE = "feature"
CHANNEL = "channel"
"""The stain a feature was measured in, `""` for none, two joined by `|` for a correlation of two."""
COMPARTMENT = "compartment"
GROUP = "group"
"""The CellProfiler module: AreaShape, Intensity, Texture...; `embedding` for a net's output."""

# ---------------------------------------------------------------- spellings met in the wild, lower case, prefix taken off
ALIASES: dict[str, tuple[str, ...]] = {
    SOURCE: ("source", "laboratory", "lab"),
    BATCH: ("batch", "batch_id", "experiment", "week"),
    PLATE: ("plate", "assay_plate_barcode", "plate_barcode", "barcode", "plate_id", "plateid"),
    WELL: ("well", "well_position", "assay_well", "well_id", "wellid", "wellname"),
    SITE: ("site", "field", "fov", "field_of_view", "fieldid"),
    PERTURBATION: ("perturbation", "jcp2022", "broad_sample", "pert_id", "treatment", "perturbation_id"),
    PERTURBATION_NAME: ("perturbation_name", "pert_iname", "pert_name", "compound_name", "compound"),
    PERTURBATION_TYPE: ("perturbation_type", "pert_type", "modality"),
    CONTROL_TYPE: ("control_type",),
    GENE: ("gene", "gene_symbol", "symbol", "target_gene", "gene_name"),
    TARGETS: ("targets", "target_list", "target"),
    SMILES: ("smiles", "canonical_smiles"),
    INCHIKEY: ("inchikey", "inchi_key"),
    MOA: ("moa", "mechanism_of_action", "mechanism"),
    CONCENTRATION: ("concentration", "dose_um", "dose", "concentration_um", "conc_um", "mmoles_per_liter"),
    TIME_H: ("time_h", "timepoint_h", "time", "timepoint"),
    CELL_LINE: ("cell_line", "cellline", "cell_type", "cell_id", "cell"),
    CELL_COUNT: ("cell_count", "cellcount", "n_cells", "count_cells", "cells_count"),
}

# ---------------------------------------------------------------- channels: a stain, by name
CHANNELS: dict[str, tuple[str, ...]] = {
    "DNA": ("dna", "hoechst", "hoechst33342", "dapi", "nuclei", "nucleus", "nuc", "hoechst_33342"),
    "ER": ("er", "concanavalin", "concanavalina", "conca", "endoplasmicreticulum"),
    "RNA": ("rna", "syto14", "syto", "nucleoli"),
    "AGP": ("agp", "actingolgi", "golgiactin", "phalloidinwga", "wgaphalloidin", "actingolgiplasmamembrane"),
    "Mito": ("mito", "mitotracker", "mitochondria", "mitoprobe"),
    "Actin": ("actin", "phalloidin"),
    "Golgi": ("golgi", "wga"),
    "Tubulin": ("tubulin", "btubulin", "tub"),
    "GFP": ("gfp",),
    "Brightfield": ("brightfield", "bf", "phase"),
}
_CHANNEL_BY_SPELLING = {spelling: name for name, spellings in CHANNELS.items() for spelling in (name.lower(), *spellings)}


class InputError(ValueError):
    """Input that the user can mend. The message is one clear sentence: what was found, what is allowed, what to do."""


PROFILES_FILES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".h5ad", ".zarr")
"""What the name of a file of profiles may end in; the ending says the format."""


def nearest(found: str, allowed: Iterable[str]) -> str:
    """`" (did you mean 'x'?)"`, or nothing where no allowed word is near."""
    close = difflib.get_close_matches(found, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[object]) -> str:
    """The names of columns for a sentence, or `"no annotation"` where there are none."""
    return ", ".join(map(str, names)) or "no annotation"


def one_of(found: str, allowed: Sequence[str] | Iterable[str], *, what: str) -> str:
    """`found`, or an `InputError` that names what is allowed and the nearest spelling."""
    names = sorted(allowed)
    if found not in names:
        raise InputError(f"unknown {what} {found!r}{nearest(found, names)}; allowed: {', '.join(names)}")
    return found


def channel_name(spelling: str) -> str | None:
    """The name of the stain that a spelling means (`"Hoechst 33342"`, `"CorrDNA"` -> `"DNA"`), or None where it is not known."""
    letters = re.sub(r"[\s_\-./():,+]", "", spelling).lower()
    return _CHANNEL_BY_SPELLING.get(letters) or _CHANNEL_BY_SPELLING.get(re.sub("^(corr|orig)", "", letters))


_WELL = re.compile(r"^\s*([A-Za-z]{1,2})[-_ ]?0*(\d{1,2})\s*$")


def parse_well(well: str) -> tuple[int, int]:
    """`"A01"` -> `(0, 0)`, `"AF48"` -> `(31, 47)`. Raises InputError on anything that is not a well."""
    found = _WELL.match(str(well))
    if found is None or int(found[2]) < 1:
        raise InputError(f"{well!r} is not a well; a well is a row letter and a column number, as in 'A01' or 'P24'")
    row = 0
    for letter in found[1].upper():
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(found[2]) - 1


def format_well(row: int, column: int) -> str:
    """`(0, 0)` -> `"A01"`; the inverse of `parse_well`."""
    letters = chr(ord("A") + row) if row < 26 else chr(ord("A") + row // 26 - 1) + chr(ord("A") + row % 26)
    return f"{letters}{column + 1:02d}"


def normal_well(well: str) -> str:
    """`"a1"`, `"A1"`, `"A-01"` -> `"A01"`."""
    return format_well(*parse_well(well))
