"""What a well is: its kind, its use, its place, its treatment, and the values it measured.

All other modules ask here, as `wells.treated(obs)`. Each concept is one file.
"""

from impasto.wells.annotated import kinds_from_words
from impasto.wells.columns import Codes, Flags, require
from impasto.wells.flags import FLAGS, IS_CONTROL, flag_of
from impasto.wells.kind import (
    counts_of_kinds,
    empty,
    is_negative,
    kinds,
    marks_controls,
    negative,
    positive,
    require_negative,
    treated,
    unknown,
)
from impasto.wells.places import SITE_KEYS, groups, keys_of_group, keys_of_plate, place, plates, plates_in_words, ranks, row_names, spots
from impasto.wells.treatment import (
    aliases,
    compounds,
    has_doses,
    merge_by_inchikey,
    replicates,
    shared_inchikeys,
    with_whole_compounds,
)
from impasto.wells.use import PARTS, TEST, TRAIN, USES, VALIDATION, held_out, learnable, spared, unseen_negative
from impasto.wells.values import finite
from impasto.wells.words import SAYS_NOTHING, WORDS_OF_KINDS, kind_of_word, likely_negative, mark_negative

__all__ = [
    "FLAGS",
    "IS_CONTROL",
    "PARTS",
    "SAYS_NOTHING",
    "SITE_KEYS",
    "TEST",
    "TRAIN",
    "USES",
    "VALIDATION",
    "WORDS_OF_KINDS",
    "Codes",
    "Flags",
    "aliases",
    "compounds",
    "counts_of_kinds",
    "empty",
    "finite",
    "flag_of",
    "groups",
    "has_doses",
    "held_out",
    "is_negative",
    "keys_of_group",
    "keys_of_plate",
    "kind_of_word",
    "kinds",
    "kinds_from_words",
    "learnable",
    "likely_negative",
    "mark_negative",
    "marks_controls",
    "merge_by_inchikey",
    "negative",
    "place",
    "plates",
    "plates_in_words",
    "positive",
    "ranks",
    "replicates",
    "require",
    "require_negative",
    "row_names",
    "shared_inchikeys",
    "spared",
    "spots",
    "treated",
    "unknown",
    "unseen_negative",
    "with_whole_compounds",
]
