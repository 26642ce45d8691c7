"""Splits: which perturbations, scaffolds, plates or sources are held out; written down with a digest; checked for leaks.

A group (all rows of one perturbation, one scaffold, ...) goes to one part as a whole. Groups are dealt by the hash of their
own name and the seed, so a split does not change when rows are added or reordered.
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

from impasto import profiles, runs, schema
from impasto.sampling.settings import SplitSettings
from impasto.schema import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)


def split(obs: pd.DataFrame, settings: SplitSettings, *, seed: int) -> npt.NDArray[np.str_]:
    """The part of every row: train, validation or test. Raises InputError where a part would be empty or the shares do not fit."""
    if settings.by == schema.SPLIT:
        return marked(obs)
    if not (settings.validation >= 0 and settings.test >= 0 and settings.validation + settings.test < 1):
        raise InputError(f"validation {settings.validation} and test {settings.test} must be shares that leave something to train on")
    groups = _groups(obs, settings.by)
    names = sorted(set(groups))
    held = {VALIDATION: round(settings.validation * len(names)), TEST: round(settings.test * len(names))}
    for part, share in ((VALIDATION, settings.validation), (TEST, settings.test)):
        if share > 0 and held[part] == 0:
            raise InputError(f"{len(names)} groups by {settings.by!r} are too few for a {part} share of {share}; raise it or set it to 0")
    dealt = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    tests = set(dealt[: held[TEST]])
    validations = set(dealt[held[TEST] : held[TEST] + held[VALIDATION]])
    parts = np.array([TEST if g in tests else VALIDATION if g in validations else TRAIN for g in groups])
    refuse_leaks(obs, parts)
    return parts


def marked(obs: pd.DataFrame) -> npt.NDArray[np.str_]:
    """The parts that the column `split` says. Raises InputError where it is missing, says other words, or leaks."""
    if schema.SPLIT not in obs:
        raise InputError(
            f"the profiles have no column {schema.SPLIT!r}; mark one with impasto correct (split = ...), or split by perturbation"
        )
    parts = obs[schema.SPLIT].astype(str).to_numpy().astype("<U10")
    if other := sorted(set(parts) - set(PARTS)):
        raise InputError(f"the column {schema.SPLIT!r} holds {str(other[0])!r}; allowed: {', '.join(PARTS)}")
    if TRAIN not in parts:
        raise InputError(f"the column {schema.SPLIT!r} leaves nothing to train on")
    refuse_leaks(obs, parts)
    return parts


def with_controls(table: anndata.AnnData, settings: SplitSettings, *, seed: int) -> npt.NDArray[np.str_]:
    """The part of every row where perturbations or scaffolds are held out: negative controls, which stand on every plate, train.

    Held-out plates, batches or sources take their controls with them.
    """
    parts = np.full(table.n_obs, TRAIN, dtype="<U10")
    if settings.validation == settings.test == 0:
        return parts
    dealt = np.ones(table.n_obs, dtype=bool)
    if settings.by in (schema.PERTURBATION, "scaffold") and schema.CONTROL_TYPE in table.obs:
        dealt = ~table.obs[schema.CONTROL_TYPE].astype(str).isin([schema.NEGCON, schema.EMPTY]).to_numpy()
    obs = table.obs[dealt]
    if settings.by not in (schema.PERTURBATION, "scaffold"):
        # A plate holds perturbations that stand on others too: that is what it means to hold out a plate.
        groups = _groups(obs, settings.by)
        obs = obs.assign(**{schema.PERTURBATION: groups}).drop(columns=[c for c in [schema.INCHIKEY] if c in obs])
    parts[dealt] = split(obs, settings, seed=seed)
    return parts


def refuse_leaks(obs: pd.DataFrame, parts: Sequence[str] | npt.NDArray[np.str_], *, by: str = schema.PERTURBATION) -> None:
    """Raise InputError where one group (by default one InChIKey, else one perturbation) stands in train and in another part."""
    identity = profiles.identity(obs) if by == schema.PERTURBATION else obs[by]
    frame = pd.DataFrame({"identity": identity.astype(str).to_numpy(), "part": np.asarray(parts)})
    in_train = set(frame.loc[frame["part"] == TRAIN, "identity"])
    leaked = sorted(in_train & set(frame.loc[frame["part"] != TRAIN, "identity"]))
    if leaked:
        raise InputError(
            f"{len(leaked)} of {frame['identity'].nunique()} perturbations stand in train and in a held-out part "
            f"(first: {leaked[0]!r}); split by {by!r}"
        )


def _groups(obs: pd.DataFrame, by: str) -> list[str]:
    if by == "scaffold":
        return _scaffolds(obs)
    if by not in obs:
        raise InputError(f"cannot split by {by!r}{schema.nearest(by, obs.columns)}; the profiles have {schema.listed(obs.columns)}")
    if by == schema.PERTURBATION:
        return profiles.identity(obs).tolist()
    return obs[by].astype(str).tolist()


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
    """Write the perturbations of each part, with the rule that made them; returns the digest of the lists."""
    lists = {part: sorted(set(obs.loc[parts == part, schema.PERTURBATION].astype(str))) for part in PARTS}
    found = digest(lists)
    runs.write_json(path, {"by": settings.by, "seed": seed, "digest": found, **lists})
    return found


def digest(lists: Mapping[str, Sequence[str]]) -> str:
    """SHA-256 of the lists of a split: two runs with the same one held out the same."""
    return hashlib.sha256(json.dumps({part: sorted(names) for part, names in lists.items()}, sort_keys=True).encode()).hexdigest()


def described(obs: pd.DataFrame, parts: npt.NDArray[np.str_]) -> dict[str, Any]:
    """What a run remembers of its split: perturbations of each part, what they are (InChIKeys where known), and the digest."""
    names, identity = obs[schema.PERTURBATION].astype(str).to_numpy(), profiles.identity(obs).to_numpy(dtype=str)
    lists = {part: sorted(set(names[parts == part])) for part in PARTS}
    return {
        "split": lists,
        "split_identities": {part: sorted(set(identity[parts == part])) for part in PARTS},
        "split_digest": digest(lists),
    }


def parts_of(obs: pd.DataFrame, facts: Mapping[str, Any]) -> pd.Series:
    """The part of every row in a run with these facts, by the perturbation's name or by what it is; `test` where the run never saw it."""
    part = {name: p for p, names in facts["split"].items() for name in names}
    same = {name: p for p, names in facts["split_identities"].items() for name in names}
    return obs[schema.PERTURBATION].astype(str).map(part).fillna(profiles.identity(obs).astype(str).map(same)).fillna(TEST)
