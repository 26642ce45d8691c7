"""Splits: which perturbations, scaffolds, plates or sources are held out; written down with a digest; checked for leaks.

A group (all rows of one compound, one scaffold ...) goes to one part as a whole. Splitting by perturbation holds out compounds
(`wells.compounds`): all doses of a compound, and all names that share an InChIKey, stay together. Splitting by a property of compounds
joins the groups that share a compound. The hash of a group's name and the seed choose its part, so that a split does not change when
rows are added or reordered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import runs, schema, wells
from impasto.sampling import split_file
from impasto.sampling.settings import SplitSettings
from impasto.schema import InputError
from impasto.wells import PARTS, TEST, TRAIN, VALIDATION

_OF_COMPOUNDS = (
    *(schema.PERTURBATION, schema.PERTURBATION_NAME, schema.PERTURBATION_TYPE, schema.SMILES, schema.INCHIKEY),
    *(schema.GENE, schema.TARGETS, schema.MOA, "scaffold"),
)
"""What is a property of what was done; every other column (plate, source, cell line ...) is a property of where."""


def split(obs: pd.DataFrame, settings: SplitSettings, *, seed: int) -> npt.NDArray[np.str_]:
    """The part of every row: train, validation or test.

    Parameters
    ----------
    obs
        Annotation of n rows.
    settings
        What is held out, and how much of it.
    seed
        Of the split.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) names of parts.

    Raises
    ------
    InputError
        Where a part would be empty, the shares do not fit, or the split leaks.

    """
    if settings.file is not None:
        parts = split_file.parts(obs, settings.file)
        if TRAIN not in parts:
            raise InputError(f"{settings.file} leaves none of these {len(obs)} rows to train on")
        refuse_leaks(obs, parts)
        return parts
    if settings.by == schema.SPLIT:
        return marked(obs)
    if not (settings.validation >= 0 and settings.test >= 0 and settings.validation + settings.test < 1):
        raise InputError(
            f"validation {settings.validation} and test {settings.test} must be 0 or more and together below 1, to leave something to "
            "train on"
        )
    groups = _groups(obs, settings.by)
    names = sorted(set(groups))
    held = {VALIDATION: round(settings.validation * len(names)), TEST: round(settings.test * len(names))}
    for part, share in ((VALIDATION, settings.validation), (TEST, settings.test)):
        if share > 0 and held[part] == 0:
            raise InputError(f"{len(names)} groups by {settings.by!r} are too few for a {part} share of {share}; raise it or set it to 0")
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    tests = set(shuffled[: held[TEST]])
    validations = set(shuffled[held[TEST] : held[TEST] + held[VALIDATION]])
    parts = np.array([TEST if g in tests else VALIDATION if g in validations else TRAIN for g in groups])
    refuse_leaks(obs, parts)
    return parts


def marked(obs: pd.DataFrame) -> npt.NDArray[np.str_]:
    """The parts that the column `split` says.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) names of parts.

    Raises
    ------
    InputError
        Where the column is missing, says other words, or leaks.

    """
    if schema.SPLIT not in obs:
        raise InputError(
            f"the profiles have no column {schema.SPLIT!r}; mark one with impasto correct (split = ...), or split by perturbation"
        )
    parts = obs[schema.SPLIT].astype(str).to_numpy().astype("<U10")
    if other := sorted(set(parts) - set(PARTS)):
        raise InputError(f"the column {schema.SPLIT!r} holds {str(other[0])!r}; allowed: {', '.join(PARTS)}")
    if TRAIN not in parts:
        raise InputError(f"the column {schema.SPLIT!r} leaves nothing to train on; mark some rows {TRAIN!r}")
    refuse_leaks(obs, parts)
    return parts


def with_controls(table: anndata.AnnData, settings: SplitSettings, *, seed: int) -> npt.NDArray[np.str_]:
    """The part of every row, of a table that holds more than treated wells.

    Negative controls stand on every plate, so they train where compounds are held out. Empty and unknown wells train too: they have no
    compound to hold out. Held-out plates, batches, sources or cell lines take all their wells with them.

    Parameters
    ----------
    table
        n rows.
    settings
        What is held out, and how much of it.
    seed
        Of the split.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) names of parts.

    Raises
    ------
    InputError
        Where a part would be empty, the shares do not fit, or the split leaks.

    """
    parts = np.full(table.n_obs, TRAIN, dtype="<U10")
    if settings.file is None and settings.validation == settings.test == 0:
        return parts
    if settings.file is None and settings.by not in _OF_COMPOUNDS:
        # A plate holds perturbations that stand on others too: that is what it means to hold out a plate.
        places = pd.DataFrame({schema.PERTURBATION: _groups(table.obs, settings.by)})
        return split(places, settings.model_copy(update={"by": schema.PERTURBATION}), seed=seed)
    chosen = wells.treated(table.obs)
    parts[chosen] = split(table.obs[chosen], settings, seed=seed)
    return parts


def refuse_leaks(obs: pd.DataFrame, parts: Sequence[str] | npt.NDArray[np.str_], /) -> None:
    """Refuse a split in which a compound stands in train and in another part.

    Parameters
    ----------
    obs
        Annotation of n rows. Unknown wells are not compared.
    parts
        (n,) the part of each row.

    Raises
    ------
    InputError
        Where there is such a compound; the sentence names the first.

    """
    frame = pd.DataFrame({"compound": wells.compounds(obs).to_numpy(dtype=object), "part": np.asarray(parts)}).dropna()
    in_train = set(frame.loc[frame["part"] == TRAIN, "compound"])
    leaked = sorted(in_train & set(frame.loc[frame["part"] != TRAIN, "compound"]))
    if leaked:
        raise InputError(
            f"{len(leaked)} of {frame['compound'].nunique()} compounds stand in train and in a held-out part "
            f"(first: {leaked[0]!r}); split by {schema.PERTURBATION!r}"
        )


def _groups(obs: pd.DataFrame, by: str) -> list[str]:
    """The group of each row that goes to one part as a whole."""
    if by == "scaffold":
        groups = wells.with_whole_compounds(pd.Series(_scaffolds(obs), index=obs.index, dtype="string"), obs)
    elif by not in obs:
        raise InputError(f"cannot split by {by!r}{schema.nearest(by, obs.columns)}; the profiles have {schema.listed(obs.columns)}")
    elif by == schema.PERTURBATION:
        groups = wells.compounds(obs)
    elif by in _OF_COMPOUNDS:
        groups = wells.with_whole_compounds(obs[by], obs)
    else:
        codes, names = wells.groups(obs, by)
        return [names[code] for code in codes]
    if groups.isna().any():
        raise InputError(
            f"{int(groups.isna().sum())} of {len(obs)} rows have no perturbation, so they cannot be split by {by!r}; leave them out"
        )
    return [str(group) for group in groups]


def _scaffolds(obs: pd.DataFrame) -> list[str]:
    """Bemis-Murcko scaffolds (Bemis & Murcko 1996); what has no molecule, or no ring, is a group of its own."""
    if schema.SMILES not in obs:
        raise InputError("splitting by scaffold needs a smiles column; split by perturbation, or join the compounds' annotation")
    from rdkit import Chem
    from rdkit.Chem.Scaffolds import MurckoScaffold

    known: dict[str, str] = {}
    for smiles in obs[schema.SMILES].dropna().astype(str).unique():
        molecule = Chem.MolFromSmiles(smiles)
        core = MurckoScaffold.GetScaffoldForMol(molecule) if molecule is not None else None
        scaffold = Chem.MolToSmiles(core) if core is not None else ""
        known[smiles] = scaffold or smiles
    return [known.get(str(s), str(p)) for s, p in zip(obs[schema.SMILES], obs[schema.PERTURBATION], strict=True)]


def write(path: Path, obs: pd.DataFrame, parts: npt.NDArray[np.str_], *, settings: SplitSettings, seed: int) -> str:
    """Write the perturbations of each part, with the rule that made them.

    Parameters
    ----------
    path
        Of the JSON file.
    obs
        Annotation of n rows.
    parts
        (n,) the part of each row.
    settings, seed
        Of the split.

    Returns
    -------
    str
        The digest of the lists.

    """
    lists = {part: sorted(set(obs.loc[parts == part, schema.PERTURBATION].astype(str))) for part in PARTS}
    split_digest = digest(lists)
    runs.write_json(path, {"by": settings.by, "seed": seed, "digest": split_digest, **lists})
    return split_digest


def digest(lists: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 of the lists of a split: two runs with the same digest held out the same perturbations.

    Parameters
    ----------
    lists
        Part -> names.

    Returns
    -------
    str
        Hexadecimal digits.

    """
    return hashlib.sha256(json.dumps({part: sorted(names) for part, names in lists.items()}, sort_keys=True).encode()).hexdigest()


def described(obs: pd.DataFrame, parts: npt.NDArray[np.str_], /) -> dict[str, Any]:
    """What a run remembers of its split.

    Parameters
    ----------
    obs
        Annotation of n rows.
    parts
        (n,) the part of each row.

    Returns
    -------
    dict[str, Any]
        `split`: the perturbations of each part. `split_identities`: all names and InChIKeys by which they may be known again.
        `split_digest`: the digest of the lists.

    """
    names, aliases = obs[schema.PERTURBATION].astype(str).to_numpy(), [known.to_numpy(dtype=object) for known in wells.aliases(obs)]
    lists = {part: sorted(set(names[parts == part])) for part in PARTS}
    known_as = {part: sorted({str(v) for known in aliases for v in known[parts == part] if not pd.isna(v)}) for part in PARTS}
    return {"split": lists, "split_identities": known_as, "split_digest": digest(lists)}


def parts_of(obs: pd.DataFrame, facts: Mapping[str, Any], /) -> pd.Series:
    """The part of every row in a run, by its name or by its compound.

    Names are looked up from the surest to the least sure (`wells.aliases`): a new name with a known InChIKey is a known compound.

    Parameters
    ----------
    obs
        Annotation of n rows.
    facts
        What the run remembers of its split (`described`).

    Returns
    -------
    pd.Series
        (n,) names of parts; `test` where the run never saw the row's compound.

    """
    part_of = {name: part for part, names in facts["split_identities"].items() for name in names}
    part_of |= {name: part for part, names in facts["split"].items() for name in names}
    parts = pd.Series(pd.NA, index=obs.index, dtype="string")
    for known in wells.aliases(obs):
        parts = parts.fillna(known.map(part_of).astype("string"))
    return parts.fillna(TEST)
