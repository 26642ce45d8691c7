"""Which column of a laboratory's table means what: its annotation in our words, its features, its bookkeeping.

The words are `schema`'s. A column is found by its spelling (with or without a `Metadata_` prefix) unless the user says which it is.
Text stays as it is written: only blanks at its ends go, and a `.0` that every value of a column has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from impasto import doses, feature_columns, schema, wells
from impasto.schema import InputError

PREFIX = "Metadata_"
_PREFIXES = ("Image_Metadata_", "Metadata_Image_Metadata_", "Metadata_", "metadata_", "meta_", "Metadata.", "metadata.")
_NAMES = (
    *(schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE, schema.WELL_ID, schema.PLATE_MAP),
    *(schema.PERTURBATION, schema.PERTURBATION_NAME, schema.GENE, schema.INCHIKEY),
)
_IF_WELLS = {
    *("address", "position", "wellid", "wellno", "wellname", "coordinate", "wellcoordinate", "welllocation", "koordinate", "lage"),
    *("coordonnee", "coordonnees", "napf"),
}
"""Spellings that mean a well only where the values are wells."""
_IF_KINDS = {schema.letters(spelling) for spelling in schema.ALIASES[schema.CONTROL_TYPE]} - {"controltype", "welltype"}
"""Spellings that mean a kind of well only where all values are such words, or some name a control: then the others are unknown words."""
_UNITS = {
    *("unit", "units", "doseunit", "doseunits", "concunit", "concunits", "concentrationunit", "concentrationunits", "pertdoseunit"),
    *("einheit", "einheiten", "unite", "unites"),
}
"""Headings of a column that gives each dose its unit, by their letters."""
_DOSES_AS_WRITTEN = f"{schema.CONCENTRATION}_original"
_DATE = re.compile(r"\d{1,2}[-. ](?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]{0,6}|\d{4}-\d\d-\d\d", re.I)
_TYPES = {"trtcp": schema.COMPOUND, "trtsh": schema.SIRNA, "trtoe": schema.ORF, "trtxpr": schema.CRISPR}


@dataclass(frozen=True)
class Sorted:
    """A table in two: what was done to the cells, and the names of its feature columns.

    Attributes
    ----------
    obs
        Annotation of n rows, in our words.
    features
        Names of feature columns.
    taken
        Word -> the column that was taken for it.
    left_out
        Bookkeeping, neither annotation nor features.
    how
        By which form of names the features were recognised.

    """

    obs: pd.DataFrame
    features: list[str]
    taken: dict[str, str]
    left_out: list[str]
    how: str


@dataclass(frozen=True)
class Choices:
    """What the user says of a table's columns.

    Attributes
    ----------
    columns
        Word -> column (`{"well": "Assay_Plate_Well"}`).
    features
        A regular expression that names the features, or `rest`.
    annotation
        Columns that are annotation whatever their name and type.
    leave_out
        Columns that are neither.

    """

    columns: Mapping[str, str] = field(default_factory=dict)
    features: str | None = None
    annotation: Sequence[str] = ()
    leave_out: Sequence[str] = ()


def sort(frame: pd.DataFrame, *, where: str, choices: Choices | None = None, known: Sequence[str] = (), ours: bool = False) -> Sorted:
    """Tell the annotation of a table from its features.

    Parameters
    ----------
    frame
        n rows of annotation, features and bookkeeping.
    where
        The name of the table, for error sentences.
    choices
        What the user says of its columns.
    known
        Columns that are features for certain: the variables of an AnnData.
    ours
        Whether `known` are the features to the last, as in a file that we wrote.

    Returns
    -------
    Sorted
        Annotation in our words (kinds of wells as they are written), names of features, and how they were recognised.

    """
    choices = choices or Choices()
    frame = frame.set_axis([str(c) for c in frame.columns], axis=1)
    frame, made = _wells_of_rows_and_columns(frame, choices.columns)
    named = {column: _bare(column) for column in frame.columns}
    taken = _find_words(frame, named, chosen=choices.columns, where=where)
    if feature_columns.is_harmony(frame) and schema.TIME_H not in choices.columns:
        # Harmony counts time points from 0; they are no hours.
        taken.pop(schema.TIME_H, None)
    said = {_column(name, named, where=where, what="annotation") for name in choices.annotation}
    annotated = {c for c in named if named[c] != c} | said | set(taken.values())
    if known:
        # Of an AnnData and of a file of ours it is known what is annotation.
        annotated |= set(named) - set(known)
        taken = {word: column for word, column in taken.items() if column not in known}
        annotated -= set(known)
    features = feature_columns.tell(
        frame,
        annotation=annotated,
        pattern=choices.features,
        where=where,
        prefixed=sum(named[c] != c for c in named),
        leave_out=choices.leave_out,
        known=known,
        ours=ours,
    )
    apart = {*features.names, *features.left_out}
    rest = [c for c in frame.columns if c not in apart]
    # A count of cells is annotation, and no feature: both are said.
    counted = [c for c in taken.values() if feature_columns.BOOKKEEPING.search(c) and named[c] == c]
    obs = named_by_their_names(_in_our_words(frame[rest], taken, where=where))
    return Sorted(obs, features.names, {**taken, **made}, [*features.left_out, *counted], features.how)


def annotation(table: pd.DataFrame, *, where: str, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A table of annotation only (a platemap, a list of compounds), in our words.

    Parameters
    ----------
    table
        n rows.
    where
        The name of the table, for error sentences.
    columns
        Word -> column, where the user says it.

    Returns
    -------
    pandas.DataFrame
        n rows, kinds of wells as they are written. `attrs["columns"]` says which column was taken for which word.

    """
    table = table.set_axis([str(c) for c in table.columns], axis=1)
    table, made = _wells_of_rows_and_columns(table, columns or {})
    named = {column: _bare(column) for column in table.columns}
    # What the user names may be a column of another of the tables that are read together.
    chosen = {word: column for word, column in (columns or {}).items() if column in named or column in named.values()}
    taken = _find_words(table, named, chosen=chosen, where=where)
    bookkeeping = [c for c in named if re.match(r"^(Unnamed|level_\d+$|index$)", c) and c not in taken.values()]
    table = _in_our_words(table.drop(columns=bookkeeping), taken, where=where)
    table.attrs["columns"] = {**taken, **made}
    return table


def _in_our_words(table: pd.DataFrame, taken: Mapping[str, str], *, where: str) -> pd.DataFrame:
    words = {column: word for word, column in taken.items()}
    units = {word: doses.unit_of(_bare(column)) for word, column in taken.items() if word == schema.CONCENTRATION}
    obs = table.rename(columns=lambda c: words.get(c, _bare(c)))
    if not obs.columns.is_unique:
        doubled = obs.columns[obs.columns.duplicated()][0]
        raise InputError(f"{where}: two columns mean {doubled!r}; say which one with --set columns.{doubled}=NAME")
    beside = next((c for c in obs.columns if schema.letters(c) in _UNITS), None)
    if beside is not None and schema.CONCENTRATION in obs and not units.get(schema.CONCENTRATION):
        try:
            obs = obs.assign(**{schema.CONCENTRATION: doses.with_units(obs[schema.CONCENTRATION], obs[beside])})
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return normal_values(obs, where=where, unit=units.get(schema.CONCENTRATION, ""))


def normal_values(obs: pd.DataFrame, *, where: str, unit: str = "") -> pd.DataFrame:
    """Annotation with names as trimmed text, wells as `A01`, and doses as numbers.

    Parameters
    ----------
    obs
        n rows, in our words; they are not changed.
    where
        The name of the table, for error sentences.
    unit
        Of doses that name none; empty where it is not known.

    Returns
    -------
    pandas.DataFrame
        n rows. `attrs["unit"]` is the unit of the doses, where it is known. Doses that are no numbers are also kept as they are written.

    Raises
    ------
    InputError
        A well is written in no known form, or a dose may mean two numbers.

    """
    obs = obs.copy()
    for word in _NAMES:
        if word in obs:
            obs[word] = text(obs[word])
    if schema.WELL in obs:
        try:
            obs[schema.WELL] = obs[schema.WELL].map(schema.normal_well, na_action="ignore").astype("string")
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    if schema.SITE in obs:
        obs[schema.SITE] = obs[schema.SITE].str.replace(r"^0+(?=\d+$)", "", regex=True)
    if schema.CONCENTRATION in obs:
        written = obs[schema.CONCENTRATION]
        try:
            obs[schema.CONCENTRATION], used = doses.to_numbers(written, unit=unit)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if (obs[schema.CONCENTRATION].isna() & written.notna()).any():
            obs[_DOSES_AS_WRITTEN] = written
        if used:
            obs.attrs["unit"] = used
    return obs


def not_doses(obs: pd.DataFrame, /) -> pd.Series:
    """The doses that hold no number, as they are written.

    Parameters
    ----------
    obs
        Annotation, as `normal_values` gives it.

    Returns
    -------
    pandas.Series
        Text, with the index of their rows; empty where there is no column of doses.

    """
    if schema.CONCENTRATION not in obs:
        return pd.Series(dtype="string")
    written = text(obs[_DOSES_AS_WRITTEN if _DOSES_AS_WRITTEN in obs else schema.CONCENTRATION]).dropna()
    return written[pd.to_numeric(obs.loc[written.index, schema.CONCENTRATION], errors="coerce").isna()]


def names_made_dates(obs: pd.DataFrame, /) -> list[str]:
    """Genes and perturbations that a spreadsheet has made dates of (`1-Mar` for MARCH1, `2-Sep`).

    Parameters
    ----------
    obs
        Annotation, in our words.

    Returns
    -------
    list[str]
        Each once, sorted.

    """
    columns = [word for word in (schema.GENE, schema.PERTURBATION_NAME, schema.PERTURBATION) if word in obs]
    return sorted({value for word in columns for value in text(obs[word]).dropna().unique() if _DATE.fullmatch(value)})


def named_by_their_names(obs: pd.DataFrame, /) -> pd.DataFrame:
    """Annotation in which a perturbation's name stands for it where it has no identifier.

    Parameters
    ----------
    obs
        n rows, in our words; they are not changed.

    Returns
    -------
    pandas.DataFrame
        n rows, with the column `perturbation` where there are names.

    """
    if schema.PERTURBATION_NAME in obs:
        own = obs[schema.PERTURBATION] if schema.PERTURBATION in obs else pd.Series(pd.NA, index=obs.index, dtype="string")
        return obs.assign(**{schema.PERTURBATION: text(own).fillna(text(obs[schema.PERTURBATION_NAME]))})
    return obs


def text(column: pd.Series, /) -> pd.Series:
    """A column as trimmed text.

    Parameters
    ----------
    column
        (n,) of any type.

    Returns
    -------
    pandas.Series
        (n,) of text. An empty string is missing. `.0` goes where every value has it: these are whole numbers that were read as floats.

    """
    written = column.astype("string").str.strip().replace("", pd.NA)
    there = written.dropna()
    return written.str.removesuffix(".0") if len(there) and there.str.fullmatch(r"\d+\.0").all() else written


def with_kinds(obs: pd.DataFrame, /) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    """The annotation with kinds of wells and types of perturbations in our words.

    Parameters
    ----------
    obs
        n rows, in our words but for these; they are not changed.

    Returns
    -------
    obs : pandas.DataFrame
        What was written before is kept as `<word>_original`.
    unknown_words : dict[str, dict[str, int]]
        Column -> word -> rows: the words that are no kind of well that is known.

    """
    obs = obs.copy()
    kinds, unknown_words = wells.kinds_from_words(obs)
    for word, normal in ((schema.CONTROL_TYPE, kinds), (schema.PERTURBATION_TYPE, _perturbation_types(obs))):
        if normal is None:
            continue
        if word in obs and not text(obs[word]).equals(normal) and f"{word}_original" not in obs:
            obs[f"{word}_original"] = obs[word]
        obs[word] = normal
    return _with_targets(obs), unknown_words


def _with_targets(obs: pd.DataFrame) -> pd.DataFrame:
    """The annotation with a list of targets: where a table has none, the gene of a compound, which is its first known target."""
    if schema.TARGETS in obs or not {schema.GENE, schema.PERTURBATION_TYPE} <= set(obs):
        return obs
    of_compounds = text(obs[schema.GENE]).where(obs[schema.PERTURBATION_TYPE] == schema.COMPOUND)
    return obs.assign(**{schema.TARGETS: of_compounds}) if of_compounds.notna().any() else obs


def prefixed(obs: pd.DataFrame, *, spelled: Mapping[str, str]) -> pd.DataFrame:
    """Annotation as other programs spell it on disk.

    Parameters
    ----------
    obs
        n rows, in our words.
    spelled
        Our word -> theirs, for the words that differ.

    Returns
    -------
    pandas.DataFrame
        n rows. The name of every column begins with `Metadata_`.

    Raises
    ------
    InputError
        Two columns would share a name.

    """
    named = obs.rename(columns=lambda c: PREFIX + spelled.get(c, c))
    if not named.columns.is_unique:
        doubled = named.columns[named.columns.duplicated()][0]
        raise InputError(f"two columns of the annotation would both be named {doubled!r}; rename one of them")
    return named


def _bare(column: str) -> str:
    return next((column[len(p) :] for p in _PREFIXES if column.startswith(p)), column)


def _find_words(frame: pd.DataFrame, named: Mapping[str, str], *, chosen: Mapping[str, str], where: str) -> dict[str, str]:
    """Which column means which word: those the user chose, then by spelling, the first spelling of the list winning."""
    taken: dict[str, str] = {}
    for word, column in chosen.items():
        schema.one_of(word, (*schema.ALIASES, *wells.FLAGS, wells.IS_CONTROL), what="word for a column")
        taken[word] = _column(column, named, where=where, what=repr(word))
    by_letters: dict[str, list[str]] = {}
    for column, bare in named.items():
        by_letters.setdefault(schema.letters(doses.stem_of(bare)), []).append(column)
    for word, spellings in schema.ALIASES.items():
        # A well_id is a well where its values are wells, else a laboratory's own name of a well.
        for spelling in (*spellings, *schema.ALIASES[schema.WELL_ID]) if word == schema.WELL else spellings:
            if word in taken:
                break
            wanted = schema.letters(spelling)
            fitting = [c for c in by_letters.get(wanted, ()) if c not in taken.values() and _means(wanted, word, frame[c])]
            if fitting:
                taken[word] = _one_of(fitting, frame, word, where)
    return {**taken, **_find_flags(frame, named, taken, where)}


def _find_flags(frame: pd.DataFrame, named: Mapping[str, str], taken: Mapping[str, str], where: str) -> dict[str, str]:
    """Which columns of yes and no say what kind of well it is (`Control`, `is_vehicle`): word -> column."""
    fitting: dict[str, list[str]] = {}
    for column in [c for c in named if c not in taken.values()]:
        word = wells.flag_of(named[column], frame[column].dropna().unique()) if _may_be_flag(named[column]) else None
        if word and word not in taken:
            fitting.setdefault(word, []).append(column)
    return {word: _one_of(columns, frame, word, where) for word, columns in fitting.items()}


def _may_be_flag(column: str) -> bool:
    """Whether a heading may name a kind of well, so that its values are looked at: a table may have thousands of columns."""
    return bool(wells.flag_of(column, ("yes", "no")))


def _one_of(fitting: Sequence[str], frame: pd.DataFrame, word: str, where: str) -> str:
    """The first of the columns that mean a word. Raises InputError where two of them differ."""
    if len(fitting) > 1 and not text(frame[fitting[0]]).equals(text(frame[fitting[1]])):
        raise InputError(
            f"{where}: two columns mean {word!r} and differ ({fitting[0]!r}, {fitting[1]!r}); say which one with "
            f"--set columns.{word}={fitting[0]}"
        )
    return fitting[0]


def _column(name: str, named: Mapping[str, str], *, where: str, what: str) -> str:
    match = name if name in named else next((c for c in named if named[c] == name), None)
    if match is None:
        raise InputError(f"{where}: there is no column {name!r} for {what}{schema.nearest(name, named)}")
    return match


def _means(spelling: str, word: str, column: pd.Series) -> bool:
    """Whether a column of this spelling holds what the word means, where the spelling alone does not tell."""
    if word == schema.WELL and spelling in _IF_WELLS:
        return _all_wells(column)
    if word == schema.WELL_ID:
        return not _all_wells(column)
    if word == schema.PERTURBATION_TYPE and spelling == "modality":
        # In embeddings it tells profiles from perturbations.
        return not set(column.dropna().unique()) <= {"profile", "perturbation"}
    if word == schema.CONTROL_TYPE and spelling in _IF_KINDS:
        written = [str(v).strip() for v in column.dropna().unique()]
        kinds = [wells.kind_of_word(v) for v in written if v.lower() not in wells.SAYS_NOTHING]
        return bool(kinds) and (all(kinds) or not {schema.NEGCON, schema.POSCON}.isdisjoint(kinds))
    return True


def _all_wells(column: pd.Series) -> bool:
    written = column.dropna().astype("string").unique()
    return len(written) > 0 and all(schema.is_well(value) for value in written)


def _wells_of_rows_and_columns(table: pd.DataFrame, chosen: Mapping[str, str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Tables that say the row and the column of a well apart (Harmony's `Row`, `Column`), where no column says the well."""
    letters = {schema.letters(_bare(c)): c for c in table.columns}
    if schema.WELL in chosen or any(schema.letters(s) in letters and s not in ("position", "address") for s in schema.ALIASES[schema.WELL]):
        return table, {}
    row = next((letters[n] for n in ("row", "wellrow", "platerow") if n in letters), None)
    column = next((letters[n] for n in ("column", "col", "wellcolumn", "wellcol", "platecolumn", "platecol") if n in letters), None)
    if row is None or column is None:
        return table, {}
    places = [_well_of(r, c) for r, c in zip(text(table[row]), text(table[column]), strict=True)]
    if not places or any(place is None for place in places):
        return table, {}
    # Harmony's own two columns stay: they tell that the table is Harmony's.
    made = table.drop(columns=[row, column]).assign(**{PREFIX + schema.WELL: pd.Series(places, index=table.index, dtype="string")})
    if {row, column} == {"Row", "Column"}:
        made = made.assign(Row=table[row], Column=table[column])
    return made, {schema.WELL: f"{row} and {column}"}


def _well_of(row: str, column: str) -> str | None:
    if pd.isna(row) or pd.isna(column) or not re.fullmatch(r"\d+", column) or not 1 <= int(column) <= 48:
        return None
    if re.fullmatch(r"\d+", row):
        return schema.format_well(int(row) - 1, int(column) - 1) if 1 <= int(row) <= 32 else None
    return schema.normal_well(f"{row}{column}") if re.fullmatch(r"[A-Za-z]{1,2}", row) else None


def _perturbation_types(obs: pd.DataFrame) -> pd.Series | None:
    if schema.PERTURBATION_TYPE not in obs:
        return None
    written = text(obs[schema.PERTURBATION_TYPE]).str.lower()
    kind = written.map(lambda word: _TYPES.get(schema.letters(word), word), na_action="ignore").astype("string")
    return kind.where(kind.isin(schema.PERTURBATION_TYPES)) if kind.isin(schema.PERTURBATION_TYPES).any() else None
