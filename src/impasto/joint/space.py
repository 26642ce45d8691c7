"""The joint space of a trained run: profiles, texts, molecules and genes embedded side by side.

`Space.load(folder)` is the one line of Python; `space.rows(profiles)`, `space.text(...)`, `space.smiles(...)` and `space.gene(...)`
all give unit vectors of the same width, `space.embed(profiles)` the joint space as one AnnData.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from impasto import border, feature_names, identity, runs, schema, wells
from impasto import profiles as tables
from impasto.devices import HERE, Place
from impasto.identity import Identity
from impasto.joint import image_towers, perturbation, two_towers
from impasto.joint.described import Described
from impasto.joint.image_towers import ImageTowers, ImageTowersSettings
from impasto.joint.settings import TwoTowersSettings
from impasto.joint.two_towers import TwoTowers
from impasto.joint.validation import consensus
from impasto.nets.trunk import lower
from impasto.perturbations import cell_lines
from impasto.perturbations import smiles as smiles_of
from impasto.perturbations.prompts import prompt
from impasto.sampling import bags, splits
from impasto.schema import InputError
from impasto.training import checkpoint, model_json

_METHODS: dict[str, Any] = {"two_towers": two_towers, "image_towers": image_towers}
"""Name of a method with a joint space -> its module: METHOD, rebuild, values, embed_bags."""
Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """A trained pair of towers with what it needs to read new data.

    Attributes
    ----------
    folder
        The run.
    settings
        Of its method.
    facts
        What model.json remembers.
    method
        The towers, in evaluation mode.

    """

    folder: Path
    settings: TwoTowersSettings | ImageTowersSettings
    facts: dict[str, Any]
    method: TwoTowers | ImageTowers
    sha256: str
    """Of the weights."""

    @classmethod
    def load(cls, folder: Path | str, *, place: Place = HERE) -> Space:
        """Open a run.

        Parameters
        ----------
        folder
            What `impasto train` left.
        place
            Where its nets run.

        Returns
        -------
        Space
            The joint space.

        Raises
        ------
        InputError
            Where it is no finished run, or its method has no joint space.

        """
        folder = Path(folder)
        said = model_json.read(folder)
        name = said["method"]["name"]
        if name not in _METHODS:
            raise InputError(f"{folder} holds a {name} model, which has no joint space; use a run of {' or '.join(_METHODS)}")
        settings = _METHODS[name].METHOD.settings.read(said["method"], where=f"{folder}/{model_json.FILE}")
        with border.reading(folder / model_json.FILE, "trained run", remedy=model_json.REMEDY):
            method = _METHODS[name].rebuild(settings, said["facts"])
            cell_lines.reattach(method, said["facts"])
        weights = folder / model_json.WEIGHTS
        checkpoint.put(method, border.weights(weights, "trained run", remedy=model_json.REMEDY), where=str(folder))
        lower(method.to(place.device), place)
        return cls(folder, settings, said["facts"], method.eval(), runs.digest(weights))

    @staticmethod
    def of_run(folder: Path, /) -> bool:
        """Whether a folder holds a run of a method with a joint space.

        Parameters
        ----------
        folder
            Any folder.

        Returns
        -------
        bool
            Whether it does.

        """
        return model_json.is_run(folder) and model_json.read(folder)["method"]["name"] in _METHODS

    @property
    def reads(self) -> str:
        """What its perturbation tower reads: text or molecule."""
        return self.settings.perturbation

    @torch.no_grad()
    def rows(self, profiles: anndata.AnnData) -> Vectors:
        """A vector of each row of Profiles on its own, whatever is known of its perturbation.

        Parameters
        ----------
        profiles
            Profiles made as those that the run was trained on.

        Returns
        -------
        Vectors
            Unit vectors (rows, out).

        Raises
        ------
        InputError
            Where another encoder or correction made them, or features are missing.

        """
        profiles = self._readable(profiles)
        return self._bags(self._values(profiles), [np.array([i]) for i in range(profiles.n_obs)]).numpy()

    def _readable(self, profiles: anndata.AnnData) -> anndata.AnnData:
        """The profiles with the features of the run. Raises InputError where another encoder or correction made them."""
        identity.check(self.reads_profiles_of, identity.of(profiles), of_expected=f"the run {self.folder}", of_given="the profiles")
        return tables.with_features(profiles, self.facts["features"])

    @property
    def reads_profiles_of(self) -> Identity:
        """What made the profiles that the run reads; of a run trained on images, its own encoder."""
        if isinstance(self.settings, ImageTowersSettings):
            return Identity({"name": self.folder.name, "path": str(self.folder.resolve()), "sha256": self.sha256})
        return identity.of_facts(self.facts)

    def _values(self, profiles: anndata.AnnData) -> torch.Tensor:
        values: torch.Tensor = _METHODS[self.settings.name].values(profiles, self.settings, self.facts)
        return values

    def _bags(self, values: torch.Tensor, members: list[Rows]) -> torch.Tensor:
        embeddings: torch.Tensor = _METHODS[self.settings.name].embed_bags(self.method, values, members)
        return embeddings.float().cpu()

    @torch.no_grad()
    def embed(self, profiles: anndata.AnnData) -> anndata.AnnData:
        """Both modalities as rows of one table of Profiles; features are matched by name.

        Rows of `modality` profile come at two levels. `level` well: each row of the profiles. `level` perturbation: each compound's pooled
        bag, or the mean of its bags where these are finer, such as one a dose. Rows of `modality` perturbation are the texts or molecules.
        `split` says which part a row was in when the run was trained, where that is known.
        A perturbation that the run never saw is `test`. One that it saw
        under another name (the same InChIKey) keeps its part.

        Parameters
        ----------
        profiles
            Profiles made as those that the run was trained on, with a perturbation column.

        Returns
        -------
        anndata.AnnData
            Unit vectors, their annotation, and the identity of the run.

        Raises
        ------
        InputError
            Where another encoder or correction made the profiles, or features are missing.

        """
        made = identity.of(profiles)
        profiles = self._readable(profiles)
        values = self._values(profiles)
        each = self._bags(values, [np.array([i]) for i in range(profiles.n_obs)]).numpy()
        treated = np.flatnonzero(np.isin(profiles.obs_names, two_towers.without_controls(profiles).obs_names))
        observed = profiles[treated]
        by = self.settings.group_by if isinstance(self.settings, TwoTowersSettings) else [schema.PERTURBATION]
        groups = list(bags.groups(observed.obs, by=by).values())
        compounds = wells.compounds(observed.obs).to_numpy(dtype=str)
        _, first_group, numbers = np.unique([compounds[g[0]] for g in groups], return_index=True, return_inverse=True)
        bagged = consensus(self._bags(values[torch.as_tensor(treated)], groups), numbers).numpy()
        first = observed[[int(groups[i][0]) for i in first_group]]
        perturbations = self._described(perturbation.describe(first.obs, self.settings), first.n_obs)
        sizes = np.bincount(numbers, weights=[len(g) for g in groups]).astype(int)
        described = first.obs.drop(columns=[c for c in (schema.PLATE, schema.WELL, schema.BATCH, schema.SITE) if c in first.obs])
        obs = pd.concat(
            [
                profiles.obs.assign(modality="profile", level="well"),
                described.assign(modality="profile", level="perturbation", n_rows=sizes),
                described.assign(modality="perturbation", level="perturbation"),
            ],
            ignore_index=True,
        )
        if self.facts["split"]:  # of a run that was trained elsewhere nobody knows what it saw
            obs["split"] = splits.parts_of(obs, self.facts)
        names = feature_names.embedding_names("", self.settings.out)
        vectors = np.concatenate([each, bagged, perturbations]).astype(np.float32)
        embedded = anndata.AnnData(X=vectors, obs=obs.rename(index=str), var=tables.describe_features(names))
        identity.record_run(embedded, self.folder, self.sha256, read=made)
        return embedded

    @torch.no_grad()
    def _described(self, described: Described, count: int) -> Vectors:
        numbers = np.array_split(np.arange(count), max(1, -(-count // 256)))
        tensors = (described.take(torch.as_tensor(rows)) for rows in numbers)
        device = self.method.device
        parts = [self.method.embed_perturbation(*(tensor.to(device) for tensor in some)) for some in tensors]
        return np.concatenate([part.float().cpu().numpy() for part in parts])

    def text(self, sentence: str) -> Vectors:
        """A vector of any text.

        Parameters
        ----------
        sentence
            The text.

        Returns
        -------
        Vectors
            A unit vector (out,).

        Raises
        ------
        InputError
            Where the run reads molecules.

        """
        return self.texts([sentence])[0]

    def texts(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of many texts, read together, which takes a small part of the time.

        Parameters
        ----------
        sentences
            The texts, one or more.

        Returns
        -------
        Vectors
            Unit vectors (texts, out).

        Raises
        ------
        InputError
            Where the run reads molecules.

        """
        if self.reads != "text":
            raise InputError(f"{self.folder} was trained on molecules and reads no text; ask it for a SMILES, a well or images")
        return self._described(perturbation.of_texts(sentences, self.settings), len(sentences))

    def smiles(self, smiles: str) -> Vectors:
        """A vector of a molecule, seen in training or not: by the molecule tower, else written into the prompt of the run.

        Parameters
        ----------
        smiles
            The molecule.

        Returns
        -------
        Vectors
            A unit vector (out,).

        Raises
        ------
        InputError
            Where the SMILES cannot be read.

        """
        return self.molecules([smiles])[0]

    def molecules(self, smiles: Sequence[str]) -> Vectors:
        """Vectors of many molecules, read together; see `smiles`.

        Parameters
        ----------
        smiles
            The molecules, one or more.

        Returns
        -------
        Vectors
            Unit vectors (molecules, out).

        Raises
        ------
        InputError
            Where a SMILES cannot be read.

        """
        for molecule in smiles:
            smiles_of.canonical(molecule)
        if self.reads == "molecule":
            return self._described(perturbation.of_molecules(smiles, self.settings), len(smiles))
        return self.texts([self._prompt({schema.PERTURBATION_NAME: "a compound", schema.SMILES: molecule}) for molecule in smiles])

    def gene(self, symbol: str) -> Vectors:
        """A vector of a perturbation of a gene: of the type the run was trained on, else a compound that targets it.

        Parameters
        ----------
        symbol
            Of the gene, in any case.

        Returns
        -------
        Vectors
            A unit vector (out,).

        Raises
        ------
        InputError
            Where the run reads molecules.

        """
        return self.genes([symbol])[0]

    def genes(self, symbols: Sequence[str]) -> Vectors:
        """Vectors of perturbations of many genes, read together; see `gene`.

        Parameters
        ----------
        symbols
            Of the genes, one or more.

        Returns
        -------
        Vectors
            Unit vectors (genes, out).

        Raises
        ------
        InputError
            Where the run reads molecules.

        """
        kind = self.facts["perturbation_type"]
        named = {} if kind in (schema.CRISPR, schema.ORF, schema.SIRNA) else {schema.PERTURBATION_NAME: "a compound"}
        return self.texts([self._prompt({schema.GENE: symbol.upper(), schema.PERTURBATION_TYPE: kind, **named}) for symbol in symbols])

    def _prompt(self, row: dict[str, Any]) -> str:
        annotation = {schema.CELL_LINE: self.facts["cell_line"], **row}
        return prompt(annotation, template=self.settings.template, details=tuple(self.settings.details))
