"""What a well is: where it stands, what was done there, what that makes it, and what it may be used for.

Every other module asks here. A well is one of five kinds: treated (`trt`), negative control, positive control, empty, or unknown.
Unknown is a kind of its own: such a well is never treated, never a control, and never a class of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

SITE_KEYS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE, schema.OBJECT)
"""What tells two rows of a table apart by place, from the widest to the narrowest."""
TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
"""The words of the column `split`."""
_DOSE_IN_NAME = re.compile(r"^(?P<name>.+?)\s*@\s*[0-9.eE+-]+\s*(?:[munp]?[Mm]|[µμ]M|[munp]?g/m[lL])?$")


# ---------------------------------------------------------------- kinds
def kinds(obs: pd.DataFrame, /) -> npt.NDArray[np.str_]:
    """The kind of every well.

    Parameters
    ----------
    obs
        Annotation of n rows, in our words.

    Returns
    -------
    (n,) of `negcon`, `poscon`, `trt`, `empty`, `unknown`. A control type decides where it is there. Without one, a named
    perturbation is treated and an unnamed one is unknown. A treated or positive-control well without a name is unknown too. A
    table without a perturbation column and without control types says nothing of its wells: all count as treated.

    """
    named = _named(obs)
    if schema.CONTROL_TYPE not in obs:
        return np.where(named, schema.TRT, schema.UNKNOWN)
    written = obs[schema.CONTROL_TYPE].astype("string").replace("", pd.NA)
    found = written.fillna(schema.TRT).to_numpy(dtype=str)
    found = np.where(np.isin(found, schema.CONTROL_TYPES), found, schema.UNKNOWN)
    return np.where(np.isin(found, (schema.TRT, schema.POSCON)) & ~named, schema.UNKNOWN, found)


WORDS_OF_KINDS: dict[str, tuple[str, ...]] = {
    schema.NEGCON: (
        *("negcon", "negcontrol", "negativecontrol", "negative", "neg", "nc", "control", "vehicle", "vehiclecontrol"),
        *("controlvehicle", "ctlvehicle", "ctlvector", "ctluntrt", "dmso", "dmsocontrol", "solvent", "solventcontrol", "untreated"),
        *("untreatedcontrol", "mock", "mockcontrol", "neutralcontrol", "nontargeting", "nontargetingcontrol", "nontargetingguide"),
        *("ntc", "noguide", "scramble", "scrambled", "scrambledcontrol", "emptyvector", "emptycontrol", "lowcontrol"),
        *("kontrolle", "negativkontrolle", "negativ", "losungsmittel", "losungsmittelkontrolle", "unbehandelt", "temoin", "temoinnegatif"),
        *("controle", "controlenegatif", "negatif", "vehicule", "solvant", "nontraite"),
    ),
    schema.POSCON: (
        *("poscon", "poscontrol", "positivecontrol", "positive", "pos", "pc", "highcontrol", "positivkontrolle", "positiv"),
        *("temoinpositif", "controlepositif", "positif"),
    ),
    schema.TRT: (
        *("trt", "trtcp", "trtsh", "trtoe", "trtxpr", "trtlig", "trtcompound", "treatment", "treated", "sample", "test", "testcompound"),
        *("experimental", "compound", "library", "librarycompound", "crispr", "orf", "sirna"),
        *("probe", "behandelt", "verbindung", "substanz", "echantillon", "traite", "compose"),
    ),
    schema.EMPTY: (
        *("empty", "blank", "nocell", "noreagent", "media", "mediaonly", "background", "unused", "leer", "leerwert", "vide", "blanc"),
    ),
    schema.UNKNOWN: ("unknown", "unbekannt", "inconnu"),
}
"""What laboratories write for each kind of well: letters only, lower case, `control` spelled out, in the singular, without `well`."""
_SHORT = re.compile(r"(?:cntrl|ctrl|ctl)$")
_ENDING = re.compile(r"(?<!^)(?:wells?|s)$")
_KIND_BY_WORD = {word: kind for kind, words in WORDS_OF_KINDS.items() for word in words}
SAYS_NOTHING = frozenset({"", "none", "na", "nan", "null"})
"""What stands in a column of kinds where nothing is said, lower case."""
_YES = {"true", "t", "yes", "y", "1", "1.0", "x", "ja", "j", "wahr", "oui", "vrai"}
_NO = {"false", "f", "no", "n", "0", "0.0", "nein", "falsch", "non", "faux"}
FLAGS = {f"is_{kind}": kind for kind in (schema.NEGCON, schema.POSCON, schema.EMPTY, schema.TRT)}
"""Columns of yes and no -> the kind of a well that says yes. One that says no only says what a well is not."""
IS_CONTROL = "is_control"
"""The column of yes and no that does not say which control a well is."""
_ALONE = {"control", "kontrolle", "controle", "temoin"}
_TREATED = {"treated", "trt", "behandelt", "traite"}
"""The headings of `is_trt`: a column `Test` or `Library` may say something else."""
_SHORTEST = 4
"""A heading of fewer letters (`Pos`, `NC`) may mean something else where its column holds 1 and 0."""


def kind_of_word(word: str, /) -> str | None:
    """The kind of well that a laboratory's word means (`ctl_vehicle` -> `negcon`, `poscon_cp` -> `poscon`); None where it is not known."""
    letters = _only_letters(word)
    for spelling in (letters, _spelled_out(letters)):
        if spelling in _KIND_BY_WORD:
            return _KIND_BY_WORD[spelling]
    first = re.split(r"[^a-z]", word.strip().lower())[0]
    return first if first in (schema.NEGCON, schema.POSCON, schema.TRT, schema.EMPTY) else None


def flag_of(heading: str, values: Collection[object], /) -> str | None:
    """The word for a column of yes and no whose heading names a kind of well.

    Parameters
    ----------
    heading
        As a laboratory writes it: `Control`, `is_control`, `Vehicle`, `Neg control`, `Positivkontrolle`.
    values
        The different values of the column, without the missing ones.

    Returns
    -------
    A word of `FLAGS`, or `is_control`; None where the heading names no kind, or the values are not yes and no.

    """
    letters = re.sub(r"^(?:is|ist|est)(?=.{3})", "", _only_letters(heading))
    spelling = _spelled_out(letters)
    kind = _KIND_BY_WORD.get(letters) or _KIND_BY_WORD.get(spelling)
    word = IS_CONTROL if spelling in _ALONE else f"is_{kind}"
    if word not in (*FLAGS, IS_CONTROL) or (kind == schema.TRT and letters not in _TREATED):
        return None
    said = {str(value).strip().lower() for value in values} - SAYS_NOTHING
    if said <= {"0", "1", "0.0", "1.0"}:
        return word if len(said) == 2 and len(letters) >= _SHORTEST else None
    # `T` alone may as well stand for `treated`, and `C` beside it for `control`.
    agreed = said <= _YES | _NO and said != {"t"}
    return word if agreed or any(len(one) > 1 for one in said & _YES) else None


def _only_letters(text: str) -> str:
    return re.sub(r"\d", "", schema.letters(text))


def _spelled_out(letters: str) -> str:
    """A word in the singular, without `well`, with `control` spelled out."""
    return _SHORT.sub("control", _ENDING.sub("", letters))


def kinds_from_words(obs: pd.DataFrame, /) -> tuple[pd.Series | None, dict[str, dict[str, int]]]:
    """The kind of every well, from columns of yes and no (`FLAGS`), control_type, perturbation_type, and is_control, in this order.

    Parameters
    ----------
    obs
        Annotation of n rows as the laboratory wrote it, its columns in our words.

    Returns
    -------
    kinds
        (n,) of `negcon`, `poscon`, `trt`, `empty`, `unknown`; None where no column says anything. A word that is not known makes
        `unknown`. A row without a word is treated where its perturbation is named, else unknown.
    unknown_words
        Column -> word -> how many rows hold it.

    """
    strange: dict[str, dict[str, int]] = {}
    known, unclear = _flagged(obs, strange)
    asked = any(obs[word].notna().any() for word in (*FLAGS, IS_CONTROL) if word in obs)
    for column in (schema.CONTROL_TYPE, schema.PERTURBATION_TYPE):
        if column not in obs:
            continue
        words = _text(obs[column]).str.strip()
        words = words.mask(words.str.lower().isin(SAYS_NOTHING))
        meant = words.map(kind_of_word, na_action="ignore").astype("string")
        if column == schema.PERTURBATION_TYPE and not _tells_kinds(words):
            continue
        asked = asked or bool(words.notna().any())
        odd = words.notna() & meant.isna() & known.isna()
        _count(strange, column, obs[column], odd)
        known = known.fillna(meant.mask(odd, schema.UNKNOWN))
    known = known.mask(known.isna() & unclear, schema.UNKNOWN)
    if IS_CONTROL in obs:
        known = _controls_without_kind(obs, known, strange)
    if not asked:
        return None, strange
    named = pd.Series(_named(obs), index=obs.index)
    rest = pd.Series(np.where(named, schema.TRT, schema.UNKNOWN), index=obs.index, dtype="string")
    return known.fillna(rest).mask(known.isin([schema.TRT, schema.POSCON]).fillna(False) & ~named, schema.UNKNOWN), strange


def _flagged(obs: pd.DataFrame, strange: dict[str, dict[str, int]]) -> tuple[pd.Series, pd.Series]:
    """The kinds that columns of yes and no say; and the rows where one holds another word, or two say different kinds."""
    known = pd.Series(pd.NA, index=obs.index, dtype="string")
    unclear = pd.Series(False, index=obs.index)
    for word in [word for word in (*FLAGS, IS_CONTROL) if word in obs]:
        told = _text(obs[word]).str.strip().str.lower()
        odd = told.notna() & ~told.isin(_YES | _NO)
        unclear |= odd
        if word != IS_CONTROL:
            yes = told.isin(_YES).fillna(False)
            both = yes & known.notna()
            known = known.mask(yes, FLAGS[word]).mask(both, schema.UNKNOWN)
            odd |= both
        if FLAGS.get(word) == schema.TRT:
            # What is not treated and has no other word is not known.
            unclear |= told.isin(_NO).fillna(False)
        _count(strange, word, obs[word], odd)
    return known, unclear


def _controls_without_kind(obs: pd.DataFrame, known: pd.Series, strange: dict[str, dict[str, int]]) -> pd.Series:
    """The kinds with the wells that is_control calls controls: negative ones, unless their names or another column speak against it."""
    yes = _text(obs[IS_CONTROL]).str.strip().str.lower().isin(_YES).fillna(False)
    names = next((_text(obs[word]) for word in (schema.PERTURBATION_NAME, schema.PERTURBATION) if word in obs), None)
    rest = yes & known.isna()
    odd = yes & (known == schema.TRT).fillna(False)
    if names is not None and len(names[rest].dropna().unique()) > 1:
        # Of several substances some may be positive controls: only a name that means a negative one is taken.
        negative_names = [name for name in names.dropna().unique() if kind_of_word(name) == schema.NEGCON]
        odd |= rest & names.notna() & ~names.isin(negative_names)
    _count(strange, IS_CONTROL, obs[IS_CONTROL], odd)
    return known.mask(rest, schema.NEGCON).mask(odd, schema.UNKNOWN)


def _tells_kinds(words: pd.Series) -> bool:
    """Whether a column of perturbation types also tells controls apart (`trt_cp`, `ctl_vehicle`), and not only `compound` and `orf`."""
    written = [str(word) for word in words.dropna().unique()]
    return any(kind_of_word(word) and _only_letters(word) not in schema.PERTURBATION_TYPES for word in written)


def _count(strange: dict[str, dict[str, int]], column: str, written: pd.Series, odd: pd.Series) -> None:
    if odd.any():
        strange[column] = {str(word): int(n) for word, n in written[odd.to_numpy(dtype=bool)].astype("string").value_counts().items()}


def mark_negative(obs: pd.DataFrame, names: Sequence[str], /, *, where: str) -> pd.DataFrame:
    """The annotation with the wells of these names marked as negative controls (`--negcon DMSO`).

    Raises InputError where no well has one of the names.
    """
    columns = [word for word in (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE) if word in obs]
    marked = np.zeros(len(obs), dtype=bool)
    for name in names:
        hits = np.zeros(len(obs), dtype=bool)
        for column in columns:
            hits |= (_text(obs[column]).str.strip().str.lower() == name.strip().lower()).fillna(False).to_numpy(dtype=bool)
        if not hits.any():
            known = sorted({str(v) for column in columns for v in obs[column].dropna().unique()})
            raise InputError(
                f"{where}: no well is named {name!r}{schema.nearest(name, known)}; --negcon takes the name of a perturbation; "
                f"the first names are {schema.listed(known[:5])}"
            )
        marked |= hits
    control = obs[schema.CONTROL_TYPE].astype("string") if schema.CONTROL_TYPE in obs else pd.Series(pd.NA, index=obs.index, dtype="string")
    return obs.assign(**{schema.CONTROL_TYPE: control.mask(marked, schema.NEGCON)})


def likely_negative(obs: pd.DataFrame, /) -> dict[str, int]:
    """Names that usually mean a negative control (`DMSO`, `non-targeting`) and how many wells have them: to offer, never to assume."""
    for column in (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE):
        if column in obs:
            counts = _text(obs[column]).value_counts()
            likely = {str(name): int(n) for name, n in counts.items() if kind_of_word(str(name)) == schema.NEGCON and len(str(name)) > 2}
            if likely:
                return likely
    return {}


def counts_of_kinds(obs: pd.DataFrame, /) -> dict[str, int]:
    """How many wells are of each kind; kinds without a well are left out."""
    found = kinds(obs)
    return {kind: int((found == kind).sum()) for kind in schema.CONTROL_TYPES if (found == kind).any()}


def treated(obs: pd.DataFrame, /) -> Flags:
    """Wells with a named perturbation that are neither negative controls nor empty (n,). Positive controls count as treated."""
    return np.isin(kinds(obs), (schema.TRT, schema.POSCON))


def negative(obs: pd.DataFrame, /) -> Flags:
    """All negative controls (n,)."""
    return kinds(obs) == schema.NEGCON


def positive(obs: pd.DataFrame, /) -> Flags:
    """Positive controls (n,)."""
    return kinds(obs) == schema.POSCON


def empty(obs: pd.DataFrame, /) -> Flags:
    """Wells without cells or without anything done to them (n,)."""
    return kinds(obs) == schema.EMPTY


def unknown(obs: pd.DataFrame, /) -> Flags:
    """Wells of which nobody said what was done to them (n,)."""
    return kinds(obs) == schema.UNKNOWN


def is_negative(kind: object, /) -> bool:
    """Whether a control type, as one row of a table has it, is that of a negative control."""
    return kind == schema.NEGCON


def marks_controls(obs: pd.DataFrame, /) -> bool:
    """Whether at least one negative control is marked."""
    return bool(negative(obs).any())


def require_negative(obs: pd.DataFrame, /, *, task: str) -> Flags:
    """The negative controls (n,). Raises InputError where none is marked."""
    controls = negative(obs)
    if not controls.any():
        raise InputError(f"{task} needs negative controls, and none is marked; name them when you read the table: --negcon DMSO")
    return controls


def _named(obs: pd.DataFrame) -> Flags:
    if schema.PERTURBATION not in obs:
        return np.ones(len(obs), dtype=bool)
    return _text(obs[schema.PERTURBATION]).notna().to_numpy(dtype=bool)


def _text(column: pd.Series) -> pd.Series:
    """A column as text. An empty string says nothing, as in .h5ad and .zarr, which hold no missing strings."""
    return column.astype("string").replace("", pd.NA)


# ---------------------------------------------------------------- what a well may be used for
def spared(obs: pd.DataFrame, /) -> Flags:
    """Negative controls that no correction has learned from (n,)."""
    if schema.SPARED not in obs:
        return np.zeros(len(obs), dtype=bool)
    # A CSV or a column with gaps holds it as text.
    return obs[schema.SPARED].astype("string").str.lower().isin(["true", "1", "1.0"]).to_numpy(dtype=bool)


def unseen_negative(obs: pd.DataFrame, /) -> Flags:
    """The negative controls that may judge a score (n,): the spared ones where some are spared, else all."""
    controls, unseen = negative(obs), spared(obs)
    return controls & unseen if (controls & unseen).any() else controls


def held_out(obs: pd.DataFrame, /) -> Flags:
    """Wells that the column `split` keeps from every training and fit (n,)."""
    if schema.SPLIT not in obs:
        return np.zeros(len(obs), dtype=bool)
    return (obs[schema.SPLIT].astype("string").fillna("") != TRAIN).to_numpy(dtype=bool)


def learnable(obs: pd.DataFrame, /) -> Flags:
    """Wells that a correction may learn from (n,): neither spared nor held out."""
    return ~spared(obs) & ~held_out(obs)


# ---------------------------------------------------------------- where a well stands
def keys_of_plate(obs: pd.DataFrame, /) -> list[str]:
    """The columns that tell plates apart: source and batch where they are there, and plate."""
    return [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if word in obs]


def keys_of_group(obs: pd.DataFrame, by: str | None, /) -> list[str]:
    """The columns that name the groups of `by`, from the widest: a plate's source and batch, a batch's source, where they are there."""
    if by is None:
        return []
    wider = {schema.PLATE: (schema.SOURCE, schema.BATCH), schema.BATCH: (schema.SOURCE,)}.get(by, ())
    # A column that says nothing in any row (images of one folder have no batch) is not written as an empty part of the name.
    return [*(word for word in wider if word in obs and _text(obs[word]).notna().any()), by]


def groups(obs: pd.DataFrame, by: str | None, /) -> tuple[Codes, list[str]]:
    """The plate, batch or source of every well.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        `plate`, `batch`, `source` or any other column; None puts all rows into one group, named `""`.

    Returns
    -------
    codes
        (n,), the place of each row's group in `names`.
    names
        Sorted. A plate is named by source, batch and plate (`source_4/2021_04_26/BR00117010`), a batch by source and batch, as far
        as the table has them: two experiments with a plate 1 have two plates. Raises InputError where the column is missing.

    """
    if by is None:
        return np.zeros(len(obs), dtype=np.intp), [""]
    if by not in obs:
        raise InputError(f"the profiles have no column {by!r}{schema.nearest(by, obs.columns)}; they have {schema.listed(obs.columns)}")
    columns = keys_of_group(obs, by)
    joined = obs[columns[0]].astype("string").fillna("")
    for column in columns[1:]:
        joined = joined + "/" + obs[column].astype("string").fillna("")
    codes, names = pd.factorize(joined.to_numpy(dtype=str), sort=True)
    return codes.astype(np.intp), [str(name) for name in names]


def plates(obs: pd.DataFrame, /) -> tuple[Codes, list[str]]:
    """The plate of every row, by source, batch and plate: codes (n,) and names. One plate `""` where the table knows none."""
    return groups(obs, schema.PLATE if schema.PLATE in obs else None)


def place(obs: pd.DataFrame, /) -> tuple[Codes, Codes]:
    """Row and column of every well on its plate, from 0: two vectors (n,). Raises InputError without wells."""
    if schema.WELL not in obs:
        raise InputError(f"the profiles have no column {schema.WELL!r}; they have {schema.listed(obs.columns)}")
    written, first = np.unique(obs[schema.WELL].astype(str).to_numpy(), return_inverse=True)
    parsed = np.array([schema.parse_well(well) for well in written], dtype=np.intp).reshape(-1, 2)
    return parsed[first, 0], parsed[first, 1]


# ---------------------------------------------------------------- what was done there
def has_doses(obs: pd.DataFrame, /) -> bool:
    """Whether treated wells stand at more than one dose."""
    if schema.CONCENTRATION not in obs:
        return False
    return int(obs[schema.CONCENTRATION][treated(obs)].dropna().nunique()) > 1


def replicates(obs: pd.DataFrame, /, *, pool_doses: bool = False) -> pd.Series:
    """What makes two wells replicates of each other.

    Parameters
    ----------
    obs
        Annotation of n rows.
    pool_doses
        Whether all doses of a perturbation are one.

    Returns
    -------
    (n,) strings: the perturbation as the user named it, with `@dose` behind it where that perturbation stands at several doses.
    Pooled, names that differ in their dose only (`AZ138@3uM`) are one too. Missing where nobody said what was done. An InChIKey never
    overrides a name (see `merge_by_inchikey`).

    """
    names = _text(obs[schema.PERTURBATION])
    if pool_doses:
        return names.str.replace(_DOSE_IN_NAME, r"\g<name>", regex=True)
    if schema.CONCENTRATION not in obs:
        return names
    dose = pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce")
    several = dose.groupby(names).transform("nunique") > 1
    written = names + "@" + dose.map("{:g}".format, na_action="ignore").astype("string")
    return names.where(~several.fillna(False) | dose.isna(), written)


def compounds(obs: pd.DataFrame, /) -> pd.Series:
    """What was done regardless of dose: names that share an InChIKey, or differ in their dose only (`AZ138@3uM`), are one.

    Splits, rankings of other compounds and mechanisms use it, so that one molecule never stands on both sides of a comparison.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    (n,) strings: the first name, in sorted order, of all that are the same. Missing where nobody said what was done.

    """
    own = _text(obs[schema.PERTURBATION])
    names = own.str.replace(_DOSE_IN_NAME, r"\g<name>", regex=True)
    if schema.INCHIKEY not in obs:
        return names
    links = pd.DataFrame({"name": names, "key": _text(obs[schema.INCHIKEY])}).dropna().drop_duplicates()
    first = _first_of_linked(links)
    return names.map(lambda name: first.get(name, name), na_action="ignore")


def aliases(obs: pd.DataFrame, /) -> tuple[pd.Series, ...]:
    """The names by which a compound may be known again in another table, the surest first.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Series of n strings: the perturbation as written, the perturbation without a dose in its name, the compound of this table, and
    the InChIKey where the table has one. Missing where nothing is known.

    """
    own = _text(obs[schema.PERTURBATION])
    known = (own, own.str.replace(_DOSE_IN_NAME, r"\g<name>", regex=True), compounds(obs))
    return known if schema.INCHIKEY not in obs else (*known, _text(obs[schema.INCHIKEY]))


def with_whole_compounds(groups: pd.Series, obs: pd.DataFrame, /) -> pd.Series:
    """Groups of rows (scaffolds, mechanisms ...), joined where they share a compound.

    Parameters
    ----------
    groups
        (n,) the group of each row; missing is a row that its compound alone puts somewhere.
    obs
        Annotation of these n rows.

    Returns
    -------
    (n,) strings: the first name, in sorted order, of all groups that are joined. Missing where neither is known.

    """
    own = compounds(obs)
    written = _text(groups).set_axis(own.index)
    links = pd.DataFrame({"name": written.fillna(own), "key": own}).dropna().drop_duplicates()
    first = _first_of_linked(links)
    return written.fillna(own).map(lambda name: first.get(name, name), na_action="ignore")


def _first_of_linked(links: pd.DataFrame) -> Mapping[str, str]:
    """Each name -> the first name of its connected set, where a row of `links` (name, key) links a name with a key."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    name_codes, names = pd.factorize(links["name"], sort=True)
    key_codes, keys = pd.factorize(links["key"], sort=True)
    size = len(names) + len(keys)
    graph = coo_array((np.ones(len(links)), (name_codes, len(names) + key_codes)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][: len(names)]
    first = pd.Series(np.asarray(names, dtype=str)).groupby(component).transform("min")
    return dict(zip(map(str, names), first, strict=True))


def merge_by_inchikey(obs: pd.DataFrame, /) -> tuple[pd.Series, dict[str, list[str]]]:
    """Perturbations that share an InChIKey under one name: a choice of the user's, never made in silence.

    Parameters
    ----------
    obs
        Annotation of n rows, with `perturbation` and `inchikey`.

    Returns
    -------
    names
        (n,) the first name, in sorted order, of those that share a key; a row without a key keeps its own name.
    merged
        First name -> all names that became it, for those that were more than one: what to print.

    """
    own = _text(obs[schema.PERTURBATION])
    if schema.INCHIKEY not in obs:
        raise InputError(f"merging by InChIKey needs the column {schema.INCHIKEY!r}; the table has {schema.listed(obs.columns)}")
    links = pd.DataFrame({"name": own, "key": _text(obs[schema.INCHIKEY])}).dropna().drop_duplicates()
    first = _first_of_linked(links)
    merged: dict[str, list[str]] = {}
    for name, chosen in first.items():
        merged.setdefault(chosen, []).append(name)
    return own.map(lambda name: first.get(name, name), na_action="ignore"), {k: sorted(v) for k, v in merged.items() if len(v) > 1}


def shared_inchikeys(obs: pd.DataFrame, /) -> int:
    """How many InChIKeys stand for more than one perturbation; 0 where the table has none."""
    if schema.INCHIKEY not in obs or schema.PERTURBATION not in obs:
        return 0
    pairs = pd.DataFrame({"name": _text(obs[schema.PERTURBATION]), "key": _text(obs[schema.INCHIKEY])}).dropna().drop_duplicates()
    return int((pairs.groupby("key").size() > 1).sum())


# ---------------------------------------------------------------- what a well measured
def finite(profiles: anndata.AnnData, /, *, task: str) -> npt.NDArray[np.float32]:
    """The values (n, features), float32, not a copy. Raises InputError where one is missing or infinite."""
    values = np.asarray(profiles.X, dtype=np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        features = profiles.var_names[bad.any(axis=0)]
        raise InputError(
            f"{task}: {len(features)} features hold missing or infinite values (first: {features[0]}); "
            "drop or fill them first: impasto correct PROFILES --method select --out SELECTED"
        )
    return values


def require(obs: pd.DataFrame, words: Sequence[str], /, *, task: str) -> None:
    """Raise InputError unless the annotation has all these columns."""
    missing = [word for word in words if word not in obs]
    if missing:
        raise InputError(
            f"{task} needs the column {missing[0]!r}, and the profiles have {schema.listed(obs.columns)}; "
            f"say which it is with --set columns.{missing[0]}=NAME"
        )
