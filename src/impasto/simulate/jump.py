"""A table of JUMP's shape with a known answer, a plate at a time: each plate is a pure function of the seed and its number.

    x = mean + scale * (z @ loadings + noise),    z = source + batch + plate + row + what was done to the well
    what a perturbation does = .8 what its group of eight does + .6 its own

13 laboratories, 130 batches; controls stand at the edges of a plate. Every second map holds guides of genes, the others compounds. 35 % of
the perturbations do something. Most features lean on a few, as CellProfiler's do; some have heavy tails, some have holes. Simulated, and
named so: no number made of it says anything about cells.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles, schema

SOURCES, BATCHES = 13, 130
SHARE_ACTIVE = 0.35
_FACTORS = 48
_COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
_STAINS = ("AGP", "DNA", "ER", "Mito", "RNA")
_KINDS = ("Texture_Contrast", "Texture_Entropy", "Intensity_MeanIntensity", "RadialDistribution_MeanFrac", "Granularity_1")
_CONTROLS, _POSITIVES = 8, 8
_PER_MAP, _GROUP = 320, 8


@dataclass(frozen=True)
class Shape:
    """How large the table is.

    Attributes
    ----------
    plates
        How many; JUMP has 2,525.
    features
        How many; JUMP has 4,762.
    maps
        Platemaps: plate number i has the perturbations of map i mod `maps`.
    large
        The last plates have 1,536 wells; the others have 384.
    seed
        Of all that is drawn.

    """

    plates: int = 2525
    features: int = 4762
    maps: int = 363
    large: int = 163
    seed: int = 0


def feature_names(count: int, /) -> list[str]:
    """Names as CellProfiler writes them.

    Parameters
    ----------
    count
        How many.

    Returns
    -------
    list[str]
        All different.

    """
    wide = len(_COMPARTMENTS) * len(_STAINS)
    names = []
    for number in range(count):
        kind, place = divmod(number, wide)
        compartment, stain = _COMPARTMENTS[place % 3], _STAINS[place // 3]
        names.append(f"{compartment}_{_KINDS[kind % len(_KINDS)]}_{stain}_{kind // len(_KINDS)}of{count}")
    return names


class World:
    """What all plates share.

    Parameters
    ----------
    shape
        How large the table is.

    Attributes
    ----------
    active
        (perturbations,) whether each does something.

    """

    def __init__(self, shape: Shape, /) -> None:
        self.shape = shape
        rng = np.random.default_rng([shape.seed, 70])
        f = shape.features
        self._loadings = (rng.normal(size=(_FACTORS, f)) * rng.gamma(2, 0.5, size=(_FACTORS, 1))).astype(np.float32)
        self._copies = np.flatnonzero((rng.random(f) < 0.85) & (np.arange(f) >= f // 4))
        self._leads = rng.integers(0, max(1, f // 4), len(self._copies))
        self._weights = rng.uniform(0.955, 1, len(self._copies)).astype(np.float32)
        self._mean = np.exp(rng.normal(0, 2, f)).astype(np.float32)
        self._scale = (self._mean * rng.uniform(0.05, 0.5, f)).astype(np.float32)
        self._heavy, self._holes = rng.random(f) < 0.02, rng.random(f) < 0.01
        count = shape.maps * _PER_MAP
        self.active: npt.NDArray[np.bool_] = rng.random(count) < SHARE_ACTIVE
        own = rng.normal(size=(count, _FACTORS))
        self._groups = count // _GROUP
        shared = np.random.default_rng([shape.seed, 72]).normal(size=(self._groups, _FACTORS))[np.arange(count) % self._groups]
        self._effects = ((0.8 * shared + 0.6 * own) * 0.6 * self.active[:, None]).astype(np.float32)
        self._positives = (rng.normal(size=(_POSITIVES, _FACTORS)) * 1.5).astype(np.float32)
        self._sources = rng.normal(size=(SOURCES, _FACTORS)).astype(np.float32) * 0.8
        self._batches = rng.normal(size=(BATCHES, _FACTORS)).astype(np.float32) * 0.5
        self._rows = rng.normal(size=_FACTORS).astype(np.float32) * 0.3
        self.var = profiles.describe_features(feature_names(f))

    @property
    def guides(self) -> npt.NDArray[np.bool_]:
        """(perturbations,) whether each edits a gene; the others are compounds."""
        return np.arange(len(self.active)) // _PER_MAP % 2 == 1

    def genes(self) -> npt.NDArray[np.str_]:
        """The gene of each perturbation: the one that a guide edits, the one of its group's first guide that a compound acts on.

        Returns
        -------
        npt.NDArray[np.str_]
            (perturbations,)

        """
        number, group = np.arange(len(self.active)), np.arange(len(self.active)) % self._groups
        first = np.full(self._groups, -1)
        guides = number[self.guides][::-1]
        first[group[guides]] = guides
        target = np.where(first[group] >= 0, first[group], group)
        return np.char.add("GENE", np.char.zfill(np.where(self.guides, number, target).astype(str), 6))

    def pairs(self) -> pd.DataFrame:
        """The pairs of genes whose guides are of one group and do something: those that a database would know.

        Returns
        -------
        pd.DataFrame
            `gene1` and `gene2`.

        """
        genes, group = self.genes(), np.arange(len(self.active)) % self._groups
        chosen = np.flatnonzero(self.guides & self.active)
        frame = pd.DataFrame({"group": group[chosen], "gene": genes[chosen]})
        both = frame.merge(frame, on="group")
        both = both[both["gene_x"] < both["gene_y"]]
        return both[["gene_x", "gene_y"]].set_axis(["gene1", "gene2"], axis=1).reset_index(drop=True)

    def plate(self, number: int, /) -> anndata.AnnData:
        """One plate.

        Parameters
        ----------
        number
            From 0.

        Returns
        -------
        anndata.AnnData
            Profiles of its wells.

        """
        rng = np.random.default_rng([self.shape.seed, 71, number])
        wells, row, inside = _layout(number >= self.shape.plates - self.shape.large)
        source, batch = number * SOURCES // self.shape.plates, number * BATCHES // self.shape.plates
        treated, edge = np.flatnonzero(inside), np.flatnonzero(~inside)
        what = ((number % self.shape.maps) * _PER_MAP + np.arange(len(treated))) % len(self.active)
        place = np.arange(len(edge)) % (_CONTROLS + _POSITIVES)
        z = rng.standard_normal((len(wells), _FACTORS), dtype=np.float32) * 0.5 + self._sources[source] + self._batches[batch]
        z += rng.standard_normal(_FACTORS, dtype=np.float32) * 0.3 + row[:, None] * self._rows
        z[treated] += self._effects[what]
        positive = place >= _CONTROLS
        z[edge[positive]] += self._positives[place[positive] - _CONTROLS]
        name = np.empty(len(wells), dtype=object)
        guide, gene = self.guides[what], self.genes()[what].astype(object)
        name[treated] = [f"{'guide' if g else 'compound'} {w:06d}" for w, g in zip(what, guide, strict=True)]
        name[edge] = ["DMSO" if p < _CONTROLS else f"positive {p - _CONTROLS}" for p in place]
        kind = np.full(len(wells), schema.TRT, dtype=object)
        kind[edge] = np.where(positive, schema.POSCON, schema.NEGCON)
        kinds, targets, edited = (np.full(len(wells), value, dtype=object) for value in ("compound", None, None))
        kinds[treated[guide]] = "crispr"
        targets[treated[~guide]], edited[treated[guide]] = gene[~guide], gene[guide]
        obs = pd.DataFrame(
            {
                schema.SOURCE: f"source_{source + 1:02d}",
                schema.BATCH: f"batch_{batch + 1:03d}",
                schema.PLATE: f"plate_{number:05d}",
                schema.WELL: wells,
                schema.PERTURBATION: name,
                schema.PERTURBATION_TYPE: kinds,
                schema.TARGETS: targets,
                schema.GENE: edited,
                schema.CONTROL_TYPE: kind,
                schema.CELL_COUNT: rng.poisson(1350, len(wells)),
            },
            index=pd.RangeIndex(len(wells)).astype(str),
        )
        text = [column for column in obs if column != schema.CELL_COUNT]
        return anndata.AnnData(X=self._values(z, rng), obs=obs.astype(dict.fromkeys(text, "string")), var=self.var.copy())

    def _values(self, z: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        x = 0.35 * (z @ self._loadings) + 0.6 * rng.standard_normal((len(z), self.shape.features), dtype=np.float32)
        own = np.sqrt(1 - self._weights**2)
        x[:, self._copies] = self._weights * x[:, self._leads] + own * x[:, self._copies]
        x[:, self._heavy] = np.exp(1.5 * x[:, self._heavy])
        x = x * self._scale + self._mean
        holes = np.flatnonzero(self._holes)
        x[rng.integers(0, len(x), len(holes)), holes] = np.nan
        return np.asarray(x, dtype=np.float32)


@functools.lru_cache(maxsize=2)
def _layout(large: bool) -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Names of the wells of a plate, their place from top to bottom (-.5 to .5), and which are not at its left and right edge."""
    rows, columns = (32, 48) if large else (16, 24)
    letters = [chr(65 + r) if r < 26 else f"A{chr(65 + r - 26)}" for r in range(rows)]
    wells = [f"{letter}{c + 1:02d}" for letter in letters for c in range(columns)]
    column = np.arange(len(wells)) % columns
    down = np.repeat(np.arange(rows) / rows - 0.5, columns).astype(np.float32)
    return wells, down, (column >= 2) & (column < columns - 2)
