"""From a question to ranked perturbations or wells: text, SMILES, gene, well or images against an index.

A trained run turns text, SMILES, genes and images into the joint space. An index of plain profiles has no such tower; there
a gene or a SMILES finds the perturbation annotated with it, and its consensus profile is the query. Each answer says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, schema, wells
from impasto.atlas import images, relatives
from impasto.atlas.index import PROFILE, Index
from impasto.identity import Identity
from impasto.joint.space import Space
from impasto.schema import InputError

KINDS = ("text", "smiles", "gene", "well", "image")
RANKS = ("perturbations", "wells")


def search(
    index: Index, *, kind: str, query: str, top: int = 10, rank: str = "perturbations", through: Sequence[Path] = ()
) -> tuple[pd.DataFrame, str]:
    """Rank the perturbations (consensus profiles) or the wells of an index by cosine to a query.

    Returns the ranked rows (`rank`, `score`, `row`, annotation) and one sentence that says how the query was understood.
    The row that the query itself is (a well, a known perturbation) is left out of its own ranking. `through`: files of relations; a gene
    that nothing here perturbs is then looked up through its relatives, and the sentence and the column `expanded` say so.
    """
    schema.one_of(kind, KINDS, what="kind of query")
    schema.one_of(rank, RANKS, what="ranking")
    expanded = bool(through) and kind == "gene" and not relatives.perturbed(index, query)
    vector, itself, how = relatives.query(index, query, through=through) if expanded else _QUERIES[kind](index, query)
    level = "perturbation" if rank == "perturbations" else "well"
    among = ((index.rows["level"] == level) & (index.rows["modality"] == PROFILE)).to_numpy(copy=True)
    among[itself] = False
    found = index.nearest(vector, top=top, among=among)
    found.insert(0, "rank", np.arange(1, len(found) + 1))
    if expanded:
        found["expanded"] = how
    return found.dropna(axis=1, how="all"), how


Query = tuple[npt.NDArray[np.float32], npt.NDArray[np.intp], str]


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
    space = Space.load(index.run)
    now = Identity(index.made.encoder, index.made.steps, {"name": index.run.name, "sha256": space.sha256})
    identity.check(index.made, now, of_expected=f"the index {index.folder}", of_given=f"the run {index.run} as it is now")
    return space


def _by_text(index: Index, query: str) -> Query:
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
    return images.embedded(_space(index), ingested)


_NONE = np.empty(0, dtype=np.intp)
_QUERIES = {"well": _by_well, "gene": _by_gene, "smiles": _by_smiles, "text": _by_text, "image": _by_image}
