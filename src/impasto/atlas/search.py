"""From a question to ranked perturbations or wells: text, SMILES, gene, well or images against an index.

A trained run turns text, SMILES, genes and images into the joint space. An index of plain profiles has no such tower; there
a gene or a SMILES finds the perturbation annotated with it, and its consensus profile is the query. Each answer says which, and whether
it differs from the answer to a query about nothing (`null`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import devices, identity, schema, wells
from impasto.atlas import images, null, relatives, strangers
from impasto.atlas.consensus import PROFILE
from impasto.atlas.index import Index
from impasto.identity import Identity
from impasto.joint.space import Space
from impasto.schema import InputError

KINDS = ("name", "text", "smiles", "gene", "well", "image")
RANKS = ("perturbations", "wells")


def search(
    index: Index, *, kind: str, query: str, top: int = 10, rank: str = "perturbations", through: Sequence[Path] = ()
) -> tuple[pd.DataFrame, str]:
    """Rank the perturbations (consensus profiles) or the wells of an index by cosine to a query.

    Parameters
    ----------
    index
        Where to look.
    kind
        What the query is: `name`, `text`, `smiles`, `gene`, `well` or `image`.
    query
        The query. A text, molecule or gene that is exactly the name of a perturbation here is answered by that perturbation first.
    top
        How many rows at most.
    rank
        `perturbations` or `wells`.
    through
        Files of relations. A gene that nothing here perturbs is then looked up through its relatives, and the column `expanded` says so.

    Returns
    -------
    ranking : pandas.DataFrame
        `rank`, `score`, `row`, annotation, and beside a null (see `null`) `z`, `p` and `q` of the row and `query_p`. `match` is `name`
        for rows that were answered by name. The row that the query itself is (a well, a perturbation) is left out.
    sentence : str
        How the query was understood, and whether it differs from a random query.

    Raises
    ------
    InputError
        The kind of query or the ranking is none of those above, or this index cannot answer the query.

    """
    schema.one_of(kind, KINDS, what="kind of query")
    schema.one_of(rank, RANKS, what="ranking")
    expanded = bool(through) and kind == "gene" and not relatives.perturbed(index, query)
    named = _named(index, query) if kind in ("text", "smiles", "gene") and index.run is not None else _NONE
    vector, itself, how = relatives.query(index, query, through=through) if expanded else _QUERIES[kind](index, query)
    level = "perturbation" if rank == "perturbations" else "well"
    among = ((index.rows["level"] == level) & (index.rows["modality"] == PROFILE)).to_numpy(copy=True)
    among[itself] = False
    judged = null.judge(index, vector, among, _null_of(index, kind, query, itself))
    ranking = _nearest(index, vector, among, named, top=top)
    ranking.insert(0, "rank", np.arange(1, len(ranking) + 1))
    if judged.p is not None:
        ranking = ranking.join(judged.rows, on="row").assign(query_p=judged.p)
    if expanded:
        ranking["expanded"] = how
    by_name = f"; {query!r} is named here, and answered first" if len(named) else ""
    return ranking.dropna(axis=1, how="all"), f"{how}{by_name}; {judged.sentence}"


Query = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], str]


def _nearest(
    index: Index, vector: npt.NDArray[np.float32], among: npt.NDArray[np.bool_], named: npt.NDArray[np.intp], *, top: int
) -> pd.DataFrame:
    """The nearest rows of `among`; those that the query names come first."""
    first = among & np.isin(np.arange(len(among)), named)
    if not first.any():
        return index.nearest(vector, top=top, among=among)
    answered = index.nearest(vector, top=top, among=first).assign(match="name")
    if len(answered) == top or not (among & ~first).any():
        return answered
    return pd.concat([answered, index.nearest(vector, top=top - len(answered), among=among & ~first)], ignore_index=True)


def _null_of(index: Index, kind: str, query: str, itself: npt.NDArray[np.intp]) -> null.Null:
    """The null of the form of a query: of what a run reads, or of wells where the query is a profile."""
    tower = index.run is not None and not len(itself)
    if kind == "text" and tower:
        return null.of_form(index, strangers.form_of_text(index.folder, query))
    if kind in ("smiles", "gene") and tower:
        return null.of_form(index, kind)
    of_wells = (index.rows["level"] == "well").to_numpy(dtype=bool)
    own = itself[of_wells[itself]]
    return null.of_wells(index, own if len(own) else _wells_of(index, itself))


def _wells_of(index: Index, at: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The wells of some consensus rows: of the same compound, at the same dose where the consensus has one."""
    rows = index.rows
    if schema.PERTURBATION not in rows or not len(at):
        return _NONE
    compounds = wells.compounds(rows)
    chosen = (compounds.isin(compounds.iloc[at].dropna()) & (rows["level"] == "well")).to_numpy(dtype=bool)
    if schema.CONCENTRATION in rows:
        dose = pd.to_numeric(rows[schema.CONCENTRATION], errors="coerce")
        chosen &= (dose.isin(dose.iloc[at].dropna()) | dose.isna() | dose.iloc[at].isna().any()).to_numpy(dtype=bool)
    return np.flatnonzero(chosen)


# ---------------------------------------------------------------- by name
def _named(index: Index, query: str) -> npt.NDArray[np.intp]:
    """The rows whose perturbation has exactly this name (or id), whatever the case."""
    rows, wanted = index.rows, query.strip().casefold()
    known = np.zeros(len(rows), dtype=bool)
    for word in (schema.PERTURBATION, schema.PERTURBATION_NAME):
        if word in rows:
            known |= (rows[word].astype("string").str.casefold() == wanted).fillna(False).to_numpy(dtype=bool)
    if schema.PERTURBATION in rows:
        known |= (wells.compounds(rows).str.casefold() == wanted).fillna(False).to_numpy(dtype=bool)
    return np.flatnonzero(known & (rows["modality"] == PROFILE).to_numpy(dtype=bool))


def _by_name(index: Index, query: str) -> Query:
    """The unit mean of the wells of a perturbation; its consensus where the index has no wells."""
    named = _named(index, query)
    if not len(named):
        words = [word for word in (schema.PERTURBATION_NAME, schema.PERTURBATION) if word in index.rows]
        known = [str(name) for word in words for name in index.rows[word].dropna().unique()]
        raise InputError(f"no perturbation of this index is named {query!r}{schema.nearest(query, known)}")
    of_wells = named[(index.rows["level"].iloc[named] == "well").to_numpy(dtype=bool)]
    vector = index.vectors[of_wells if len(of_wells) else named].mean(axis=0)
    return np.asarray(vector), named, f"profiles nearest to {_name(index.rows.iloc[named[0]])}"


# ---------------------------------------------------------------- by a well
def _by_well(index: Index, query: str) -> Query:
    """The profile of `PLATE:WELL`; all sites of it where there are several. A plate may be named with its batch: `BATCH/PLATE:WELL`."""
    plate, colon, well = query.rpartition(":")
    if not colon:
        raise InputError(f"{query!r} is not a well; write PLATE:WELL, for example BR00117010:A01")
    well = schema.normal_well(well)
    rows = index.rows
    if schema.PLATE not in rows or schema.WELL not in rows:
        raise InputError(f"{index.folder} has no plates and wells; it was built of perturbations only")
    codes, names = wells.plates(rows)
    chosen = [code for code, name in enumerate(names) if name == plate or name.endswith(f"/{plate}")]
    of_plate = np.isin(codes, chosen) & (rows["level"] == "well").to_numpy()
    at = np.flatnonzero(of_plate & (rows[schema.WELL] == well).to_numpy(dtype=bool, na_value=False))
    if len(set(codes[at])) > 1:
        same = ", ".join(f"{names[code]}:{well}" for code in sorted(set(codes[at])))
        raise InputError(f"{len(set(codes[at]))} plates are named {plate!r}; write one of {same}")
    if not len(at):
        plates = [name for name in names if name.strip("/")]
        hint = f"well {well} is not on plate {plate}" if chosen else f"there is no plate {plate!r}{schema.nearest(plate, plates)}"
        raise InputError(f"{hint}; plates of this index: {', '.join(plates[:8])}{' ...' if len(plates) > 8 else ''}")
    known = not wells.unknown(rows.iloc[at[:1]])[0]
    return (
        index.vectors[at].mean(axis=0),
        _with_consensus(rows, at) if known else at,
        f"profiles nearest to well {plate}:{well}" + (f" ({_name(rows.iloc[at[0]])})" if known else ""),
    )


def _with_consensus(rows: pd.DataFrame, at: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The query's own rows and the consensus that holds them: of its compound, at its dose or over all doses."""
    compounds = wells.compounds(rows)
    same = (compounds == compounds.iloc[at[0]]) & (rows["level"] == "perturbation")
    if schema.CONCENTRATION in rows:
        dose = pd.to_numeric(rows[schema.CONCENTRATION], errors="coerce")
        same &= dose.isna() | (dose == dose.iloc[at[0]])
    return np.union1d(at, np.flatnonzero(same.fillna(False).to_numpy(dtype=bool)))


def _annotated(index: Index, word: str, value: str) -> Query:
    """The consensus profile of the perturbations annotated with a value of one word."""
    rows = index.rows
    known = rows[(rows["level"] == "perturbation") & (rows["modality"] == PROFILE)]
    if word not in known:
        raise InputError(f"{index.folder} has no column {word!r}, and no trained run to embed the query; index the output of impasto embed")
    at = known.index[known[word].astype("string").str.upper() == value.upper()].to_numpy()
    if not len(at):
        near = schema.nearest(value, known[word].dropna().astype(str).unique())
        raise InputError(
            f"no perturbation of this index has {word} {value!r}{near}; index the output of impasto embed to search beyond them"
        )
    names = ", ".join(sorted({_name(rows.iloc[i]) for i in at})[:4])
    return index.vectors[at].mean(axis=0), at, f"profiles nearest to the consensus of {names}, annotated with {word} {value}"


def _name(row: pd.Series) -> str:
    name = row.get(schema.PERTURBATION_NAME)
    return str(name if isinstance(name, str) else row.get(schema.PERTURBATION))


def _space(index: Index) -> Space:
    """The run of an index. Raises InputError where its weights are not those that the index was made with."""
    assert index.run is not None
    space = Space.load(index.run, place=devices.place(index.on))
    now = Identity(index.made.encoder, index.made.steps, {"name": index.run.name, "sha256": space.sha256})
    identity.check(index.made, now, of_expected=f"the index {index.folder}", of_given=f"the run {index.run} as it is now")
    return space


def _by_text(index: Index, query: str) -> Query:
    if index.run is None and len(_named(index, query)):
        return _by_name(index, query)
    if index.run is None:
        raise InputError(f"{index.folder} has no trained run, so it cannot read text; index the output of impasto embed")
    return _space(index).text(query), _NONE, f"profiles nearest to the text {query!r}"


def _by_smiles(index: Index, query: str) -> Query:
    if index.run is None:
        return _annotated(index, schema.SMILES, query)
    return _space(index).smiles(query), _NONE, f"profiles nearest to the molecule {query}"


def _by_gene(index: Index, query: str) -> Query:
    space = None if index.run is None else _space(index)
    if space is None or space.reads != "text":
        return _annotated(index, schema.GENE, query)
    return space.gene(query), _NONE, f"profiles nearest to a perturbation of {query.upper()}"


def _by_image(index: Index, query: str) -> Query:
    if index.run is None:
        raise InputError(f"{index.folder} has no trained run, so it cannot embed images; index the output of impasto embed")
    return _embedded_images(index, Path(query)), _NONE, f"profiles nearest to the images in {query}"


def _embedded_images(index: Index, ingested: Path) -> npt.NDArray[np.float32]:
    """The mean embedding (width,) of the sites of an ingested folder; see `images.embedded`."""
    return images.embedded(_space(index), ingested, on=index.on)


_NONE = np.empty(0, dtype=np.intp)
_QUERIES = {"name": _by_name, "well": _by_well, "gene": _by_gene, "smiles": _by_smiles, "text": _by_text, "image": _by_image}
