"""STITCH: links of compounds with other compounds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

from impasto.perturbations.gene_pairs import coded_scores
from impasto.perturbations.relation_tables import NAMES, coded, header_of, partners, streamed
from impasto.schema import InputError


def read_stitch_chemicals(
    path: Path, *, inchikeys: Path | None = None, threshold: float = 200, among: Collection[str] | None = None
) -> pd.DataFrame:
    """Links of compounds with compounds, each pair once.

    Both files are filtered while they are read: whole they hold a hundred million compounds.

    Parameters
    ----------
    path
        `chemical_chemical.links`.
    inchikeys
        STITCH's chemicals.inchikeys. With it compounds are named by InChIKey, and pairs that it does not name are left out.
    threshold
        Of the combined score, out of 1,000.
    among
        The names of compounds whose links count, in any case of letters; all where it is None. A partner that STITCH knows and that is
        not among them keeps STITCH's own name.

    Returns
    -------
    pd.DataFrame
        Columns compound1, compound2, score (0 to 1).

    Raises
    ------
    InputError
        Where a file is no table of links or names.

    """
    header = header_of(path, sep="\t")
    a, b = partners(header, path, ("chemical1", "chemical2"))
    # The short form of the file has one score, named after its channel; the detailed form ends in the combined one.
    score = "combined_score" if "combined_score" in header else header[-1]
    wanted = None if among is None else sorted({name.upper() for name in among})
    known = None if inchikeys is None else _keys_of(inchikeys, wanted)
    ids = pa.array(wanted if known is None else list(known), pa.string()) if wanted is not None or known is not None else None

    def counts(batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch.filter(compute.greater_equal(batch[score], threshold))
        if ids is None:
            return batch
        sides = [compute.cast(batch[side], pa.string()) for side in (a, b)]
        first, second = (compute.is_in(compute.utf8_upper(one) if known is None else one, value_set=ids) for one in sides)
        return batch.filter((compute.and_ if among is None else compute.or_)(first, second))

    table = streamed(path, {a: NAMES, b: NAMES, score: pa.float32()}, keep=counts, sep="\t")
    codes, names = coded(table, a, b)
    called = names if known is None else [known.get(name, None if among is None else name) for name in names]
    scored = coded_scores(codes, called, table[score].to_numpy(), best=1000)
    return scored.rename(columns={"gene1": "compound1", "gene2": "compound2"})


def _keys_of(path: Path, wanted: Sequence[str] | None) -> dict[str, str]:
    """STITCH's number of a compound, flat or stereo -> its InChIKey, of those that are wanted."""
    header = header_of(path, sep="\t")
    flat, stereo, key = (next((c for c in header if w in c.lower()), None) for w in ("flat", "stereo", "inchikey"))
    if key is None or (flat is None and stereo is None):
        raise InputError(f"{path} has the columns {', '.join(header)}; STITCH's chemicals.inchikeys has inchikey and chemical ids")
    columns = {name: pa.string() for name in (flat, stereo, key) if name is not None}
    keys = None if wanted is None else pa.array(wanted, pa.string())

    def named(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if keys is None else batch.filter(compute.is_in(compute.utf8_upper(batch[key]), value_set=keys))

    table = streamed(path, columns, keep=named, sep="\t")
    listed = table[key].to_pylist()
    return {str(i): str(k) for c in (flat, stereo) if c is not None for i, k in zip(table[c].to_pylist(), listed, strict=True)}
