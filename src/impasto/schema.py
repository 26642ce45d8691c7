"""The words of the field, and checks that explain themselves.

Everything else in the package speaks these words and no others (see docs/vocabulary.md). Column names here carry no
`Metadata_` prefix: the prefix exists on disk only, and only `profiles` and `spelling` add it and take it off.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
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
WELL_ID = "well_id"
"""A laboratory's own name of a well of a plate (`compound-004_1_A01`), by which tables join."""
PLATE_MAP = "plate_map"
"""The platemap that a plate was filled by; several plates may share one."""
SPARED = "spared"
"""True for negative controls that no correction has learned from as controls; where it is there, scores rank against these only."""
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

# ---------------------------------------------------------------- spellings that laboratories use, lower case, prefix taken off
ALIASES: dict[str, tuple[str, ...]] = {
    SOURCE: ("source", "laboratory", "lab", "labor", "laboratoire"),
    BATCH: ("batch", "batch_id", "experiment", "experiment_name", "week", "versuch", "woche", "expérience", "semaine"),
    PLATE: (
        *("plate", "assay_plate_barcode", "plate_barcode", "barcode", "plate_id", "plate_name", "plate_dapi", "plate_number", "plate_no"),
        *("platte", "plattenname", "plattennummer", "platten_id", "plattenbarcode", "platten_nr", "mikrotiterplatte", "strichcode"),
        *(
            "plaque",
            "nom_plaque",
            "nom_de_plaque",
            "numéro_plaque",
            "numéro_de_plaque",
            "n_de_plaque",
            "no_de_plaque",
            "code_barres",
            "code_à_barres",
            "placa",
            "piastra",
        ),
    ),
    WELL: (
        *("well", "well_position", "assay_well", "assay_plate_well", "address", "well_name", "well_no", "position", "coordinate"),
        *("well_coordinate", "well_location", "vertiefung", "kavität", "napf", "näpfchen", "koordinate", "lage", "puits", "coordonnée"),
        *("coordonnées", "pocillo", "pozzetto"),
    ),
    SITE: ("site", "field", "fov", "field_of_view", "field_id", "bildfeld", "gesichtsfeld", "champ"),
    WELL_ID: ("well_id",),
    PLATE_MAP: ("plate_map_name", "plate_map", "platemap", "map", "layout"),
    PERTURBATION: (
        *("perturbation", "jcp2022", "broad_sample", "pert_id", "treatment", "perturbation_id", "sirna", "behandlung", "traitement"),
    ),
    PERTURBATION_NAME: (
        *("perturbation_name", "pert_iname", "pert_name", "compound_name", "compound", "compound_id", "drug", "drug_name", "substance"),
        *("molecule", "treatment_name", "cpd", "cmpd", "cpd_name", "cpd_id", "cmpd_id", "verbindung", "substanz", "wirkstoff"),
        *("verbindungsname", "substanzname", "molekül", "composé", "nom_du_composé", "produit", "molécule", "compuesto", "composto"),
    ),
    PERTURBATION_TYPE: ("perturbation_type", "pert_type", "modality"),
    CONTROL_TYPE: (
        *("control_type", "well_type", "type", "role", "well_role", "sample_type", "control", "kontrolltyp", "probentyp", "typ", "rolle"),
        *("kontrolle", "art", "type_de_contrôle", "type_de_puits", "type_puits", "rôle", "contrôle", "témoin"),
    ),
    GENE: ("gene", "gene_symbol", "symbol", "target_gene", "gene_name", "genname", "gensymbol", "gène"),
    TARGETS: ("targets", "target_list", "target"),
    SMILES: ("smiles", "canonical_smiles"),
    INCHIKEY: ("inchikey", "inchi_key"),
    MOA: ("moa", "mechanism_of_action", "mechanism"),
    CONCENTRATION: (
        *("concentration", "final_concentration", "concentration_final", "final_conc", "conc_final", "dose", "conc", "mmoles_per_liter"),
        *("pert_dose", "compound_concentration"),
        *("compound_conc", "endkonzentration", "konzentration", "konz", "dosis", "dosierung", "concentration_finale", "concentración"),
        *("concentrazione",),
    ),
    TIME_H: ("time_h", "timepoint_h", "time", "timepoint", "zeit", "zeitpunkt", "temps"),
    CELL_LINE: ("cell_line", "cell_type", "zelllinie", "zelltyp", "lignée_cellulaire", "lignée", "type_cellulaire"),
    CELL_COUNT: (
        *("cell_count", "n_cells", "count_cells", "cells_count", "image_count_cells", "zellzahl", "zellanzahl", "nombre_de_cellules"),
    ),
}
"""Spellings are compared by their letters and digits alone (`letters`): `Plate ID`, `plate_id` and `PlateID` are one."""

# ---------------------------------------------------------------- channels: a stain, by name
CHANNELS: dict[str, tuple[str, ...]] = {
    "DNA": ("dna", "hoechst", "hoechst33342", "hoechst33258", "dapi", "nuclei", "nucleus", "nuc", "draq5"),
    "ER": ("er", "cona", "conca", "concanavalin", "concanavalina", "endoplasmicreticulum"),
    "RNA": ("rna", "syto", "syto14", "syto14green", "sytornaselect", "nucleoli"),
    "AGP": ("agp", "actingolgi", "golgiactin", "phalloidinwga", "wgaphalloidin", "phalloandwga", "actingolgiplasmamembrane"),
    "Mito": ("mito", "mitotracker", "mitotrackerdeepred", "mitotrackerdeepredfm", "mitodeepred", "mitochondria", "mitoprobe"),
    "Actin": ("actin", "factin", "phalloidin"),
    "Golgi": ("golgi", "wga"),
    "Tubulin": ("tubulin", "btubulin", "tub"),
    "GFP": ("gfp", "egfp"),
    "Brightfield": (
        *("brightfield", "brightfieldcp", "bf", "tlbrightfield", "phase", "phasecontrast", "dpc", "digitalphasecontrast"),
        *("transmitted", "transmittedlight", "trans"),
    ),
    "Brightfield high": ("brightfieldhigh", "brightfieldh", "bfhigh", "bfh"),
    "Brightfield low": ("brightfieldlow", "brightfieldl", "bflow", "bfl"),
}
"""Stain -> its spellings by their letters and digits alone, lower case."""
BRIGHT_FIELD = ("Brightfield", "Brightfield high", "Brightfield low")
_CHANNEL_BY_SPELLING = {spelling: name for name, spellings in CHANNELS.items() for spelling in spellings}


class InputError(ValueError):
    """Input that the user can mend. The message is one clear sentence: what the input holds, what is allowed, what to do."""


PROFILES_FOLDERS = (".zarr", ".plates")
"""Kinds of files of profiles that are folders on disk; `.plates` has a file a plate."""
PROFILES_FILES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".h5ad", *PROFILES_FOLDERS)
"""What the name of a file of profiles may end in; the ending says the format."""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The end of an error sentence that offers the nearest allowed word.

    Parameters
    ----------
    word
        What the user wrote.
    allowed
        The words that are allowed.

    Returns
    -------
    str
        `" (did you mean 'x'?)"`, or `""` where no allowed word is near.

    """
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[object]) -> str:
    """The names of columns for a sentence.

    Parameters
    ----------
    names
        Names of columns.

    Returns
    -------
    str
        Joined by commas, or `"no annotation"` where there are none.

    """
    return ", ".join(map(str, names)) or "no annotation"


def one_of(word: str, allowed: Sequence[str] | Iterable[str], *, what: str) -> str:
    """Check that a word is allowed.

    Parameters
    ----------
    word
        What the user wrote.
    allowed
        The words that are allowed.
    what
        What the word names, as the error sentence says it.

    Returns
    -------
    str
        The word itself.

    Raises
    ------
    InputError
        The word is not allowed. The sentence offers the nearest and lists all.

    """
    names = sorted(allowed)
    if word not in names:
        raise InputError(f"unknown {what} {word!r}{nearest(word, names)}; allowed: {', '.join(names)}")
    return word


def channel_name(spelling: str) -> str | None:
    """The stain that a spelling means, or None where it is not known.

    Parameters
    ----------
    spelling
        A channel as a microscope, a table or a feature writes it: `"Hoechst 33342"`, `"CorrDNA"`, `"DAPI - DAPI"`,
        `"Alexa 488 (ConA)"`, `"Phalloidin + WGA"`.

    Returns
    -------
    str | None
        A name of `CHANNELS`. A dye that any stain may carry (`"Alexa 488"`) means none of them. A name of several parts means the one stain
        that its parts name; phalloidin with WGA is AGP.

    """
    whole = letters(spelling)
    for plain in (whole, re.sub("^(corr|orig)", "", whole)):
        if plain in _CHANNEL_BY_SPELLING:
            return _CHANNEL_BY_SPELLING[plain]
    parts = {_CHANNEL_BY_SPELLING.get(letters(part)) for part in re.split(r"[\s(),/+-]+", spelling)} - {None}
    if parts == {"Actin", "Golgi"}:
        return "AGP"
    return parts.pop() if len(parts) == 1 else None


def letters(text: str, /) -> str:
    """The letters and digits of a spelling: `"Näpfchen 1"` -> `"napfchen1"`.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    str
        Lower case, without accents.

    """
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]", "", plain)


# ---------------------------------------------------------------- wells
ROW_PATTERN = "(?:A[A-F]|[A-Z])"
COLUMN_PATTERN = "(?:0?[1-9]|[1-3][0-9]|4[0-8])"
WELL_PATTERN = ROW_PATTERN + COLUMN_PATTERN
"""A well in the name of a file, up to 1,536 a plate: A1 to AF48, in either case. Names use these patterns and no others."""


_WELL = re.compile(r"^\s*(?P<letters>[A-Za-z]{1,2})[-_ :]{0,3}0*(?P<column>\d{1,2})\s*$")
_NUMBERED_WELL = re.compile(r"^\s*[Rr]?0*(?P<row>\d{1,2})\s*[,;:Cc]\s*0*(?P<column>\d{1,2})\s*$")
ROWS, COLUMNS = 32, 48
"""The largest plate has 1,536 wells, A01 to AF48."""


def parse_well(well: str) -> tuple[int, int]:
    """Row and column of a well: `"A01"` -> `(0, 0)`, `"AF48"` -> `(31, 47)`.

    Parameters
    ----------
    well
        `A01`; `a-01`, `1,1` and `r01c01` are wells too.

    Returns
    -------
    row : int
        From 0 to 31.
    column : int
        From 0 to 47.

    Raises
    ------
    InputError
        The text is not a well.

    """
    row, column = -1, -1
    if lettered := _WELL.match(str(well)):
        column = int(lettered["column"]) - 1
        row = 0
        for letter in lettered["letters"].upper():
            row = row * 26 + ord(letter) - ord("A") + 1
        row -= 1
    elif numbered := _NUMBERED_WELL.match(str(well)):
        row, column = int(numbered["row"]) - 1, int(numbered["column"]) - 1
    if not (0 <= row < ROWS and 0 <= column < COLUMNS):
        if str(well).strip().isdecimal():
            raise InputError(
                f"{well!r} is a number and no well: a number does not say whether wells are counted along rows or along columns; "
                "write each as its row letter and column number ('A01'), or give columns named row and column in its place"
            )
        raise InputError(f"{well!r} is not a well; a well is a row letter and a column number, as in 'A01' or 'P24'")
    return row, column


def is_well(text: object) -> bool:
    """Whether a text is a well.

    Parameters
    ----------
    text
        `A01`, `a-1`, `AF48`, `r01c01`, or anything else.

    Returns
    -------
    bool
        True where `parse_well` reads it.

    """
    try:
        parse_well(str(text))
    except InputError:
        return False
    return True


def format_well(row: int, column: int) -> str:
    """The name of a well: `(0, 0)` -> `"A01"`; the inverse of `parse_well`.

    Parameters
    ----------
    row, column
        From 0.

    Returns
    -------
    str
        Letters and a column of two digits.

    """
    letters = chr(ord("A") + row) if row < 26 else chr(ord("A") + row // 26 - 1) + chr(ord("A") + row % 26)
    return f"{letters}{column + 1:02d}"


def normal_well(well: str) -> str:
    """A well as impasto writes it: `"a1"`, `"A1"`, `"A-01"` -> `"A01"`.

    Parameters
    ----------
    well
        A well in any form that `parse_well` reads.

    Returns
    -------
    str
        `A01` to `AF48`.

    Raises
    ------
    InputError
        The text is not a well.

    """
    return format_well(*parse_well(well))


def well_of(row: str, column: str, /) -> str:
    """The well of a row and a column: `("B", "03")` and `("2", "3")` -> `"B03"`.

    Parameters
    ----------
    row
        A letter, or a number from 1.
    column
        A number from 1.

    Returns
    -------
    str
        `A01` to `AF48`.

    Raises
    ------
    InputError
        No plate has it.

    """
    letters = format_well(int(row) - 1, 0)[:-2] if row.isdecimal() and int(row) else row
    return normal_well(f"{letters}{int(column):02d}")


def well_within(place: str, row: str, column: int, /, *, across: int = 4) -> str:
    """The well of a larger plate that lies within a place of a smaller one: `("A01", "b", 2)` -> `"B02"`.

    A place of 96 wells holds 4 x 4 wells of 1536, rows `a` to `d`, columns 1 to 4.

    Parameters
    ----------
    place
        A well of the smaller plate.
    row
        The row within the place, a letter from `a`.
    column
        The column within the place, from 1.
    across
        Rows and columns of the larger plate in one place.

    Returns
    -------
    str
        A well of the larger plate.

    Raises
    ------
    InputError
        `place` is not a well.

    """
    large_row, large_column = parse_well(place)
    return format_well(across * large_row + "abcdefgh".index(row.lower()), across * large_column + column - 1)
