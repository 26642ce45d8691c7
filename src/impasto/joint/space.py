"""The joint space of a trained run: profiles, texts, molecules and genes embedded side by side.

`Space.load(folder)` is the one line of Python; `space.profiles(...)`, `space.text(...)`, `space.smiles(...)` and
`space.gene(...)` all give unit vectors of the same width.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import load_file

from impasto import feature_names, schema
from impasto import profiles as tables
from impasto.joint import two_towers
from impasto.joint.two_towers import BagFeed, TwoTowers, TwoTowersSettings
from impasto.perturbations.prompts import prompt
from impasto.sampling import bags
from impasto.schema import InputError
from impasto.training import checkpoint

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """A trained pair of towers with what it needs to read new data."""

    folder: Path
    settings: TwoTowersSettings
    facts: dict[str, Any]
    method: TwoTowers

    @classmethod
    def load(cls, folder: Path | str) -> Space:
        """Open a run that `impasto train` left. Raises InputError where it is not one of this method."""
        folder = Path(folder)
        if not (folder / "model.json").exists():
            raise InputError(
                f"{folder} is not a trained run (it has no model.json); train one with: impasto train RECIPE --profiles P --out {folder}"
            )
        described = json.loads((folder / "model.json").read_text())
        if described["method"]["name"] != "two_towers":
            raise InputError(f"{folder} holds a {described['method']['name']} model, which has no joint space; use a two_towers run")
        settings = TwoTowersSettings.read(described["method"], where=f"{folder}/model.json")
        method = two_towers.rebuild(settings, described["facts"])
        checkpoint.put(method, load_file(folder / "model.safetensors"), where=str(folder))
        return cls(folder, settings, described["facts"], method.eval())

    @torch.no_grad()
    def rows(self, profiles: anndata.AnnData) -> Vectors:
        """A unit vector (rows, out) of each row of Profiles on its own, whatever is known of its perturbation."""
        profiles = self._matching(profiles)
        two_towers.finite(profiles)
        values, _, _ = tables.blocks(profiles, by=self.settings.blocks, among=self.facts["blocks"])
        return self._each(torch.as_tensor(values))

    def _each(self, values: torch.Tensor) -> Vectors:
        blank = torch.zeros(len(values), self.facts["text_width"])
        feed = BagFeed(values, blank, [np.array([i]) for i in range(len(values))], minibatch=1, bag=None, seed=0)
        parts = np.array_split(np.arange(len(values)), max(1, len(values) // 512))
        return np.concatenate([self.method.embed(feed.bags(part)).numpy() for part in parts if len(part)])

    @torch.no_grad()
    def embed(self, profiles: anndata.AnnData) -> anndata.AnnData:
        """Both modalities as rows of one table of Profiles.

        Rows of `modality` profile come at two levels: each row given (`level` well), and each perturbation's pooled bag
        (`level` perturbation); rows of `modality` perturbation are the texts. `split` says which part a row was in when
        the run was trained; a perturbation the run never saw is `test`. Features are matched by name.
        """
        profiles = self._matching(profiles)
        two_towers.finite(profiles)
        values, _, _ = tables.blocks(profiles, by=self.settings.blocks, among=self.facts["blocks"])
        whole = torch.as_tensor(values)
        each = self._each(whole)
        blank = torch.zeros(profiles.n_obs, self.facts["text_width"])
        treated = np.flatnonzero(np.isin(profiles.obs_names, two_towers.without_controls(profiles).obs_names))
        observed = profiles[treated]
        members = bags.groups(observed.obs, by=self.settings.group_by)
        pooled = BagFeed(whole[torch.as_tensor(treated)], blank, list(members.values()), minibatch=1, bag=None, seed=0)
        groups = np.array_split(np.arange(len(members)), max(1, len(members) // 256))
        bagged = [self.method.embed(pooled.bags(rows)).numpy() for rows in groups if len(rows)]
        first = observed[[int(rows[0]) for rows in members.values()]]
        texts = self.method.embed_text(two_towers.text_features(first, self.settings)).numpy()
        described = first.obs.drop(columns=[c for c in (schema.PLATE, schema.WELL, schema.BATCH, schema.SITE) if c in first.obs])
        obs = pd.concat(
            [
                profiles.obs.assign(modality="profile", level="well"),
                described.assign(modality="profile", level="perturbation", n_rows=[len(r) for r in members.values()]),
                described.assign(modality="perturbation", level="perturbation"),
            ],
            ignore_index=True,
        )
        part = {name: p for p, names in self.facts["split"].items() for name in names}
        obs["split"] = obs[schema.PERTURBATION].astype(str).map(part).fillna("test")
        names = feature_names.embedding_names("", self.settings.out)
        vectors = np.concatenate([each, *bagged, texts]).astype(np.float32)
        return anndata.AnnData(
            X=vectors, obs=obs.rename(index=str), var=tables.describe_features(names), uns={"run": str(self.folder.resolve())}
        )

    def _matching(self, profiles: anndata.AnnData) -> anndata.AnnData:
        missing = [f for f in self.facts["features"] if f not in profiles.var_names]
        if missing:
            raise InputError(
                f"{len(missing)} of the {len(self.facts['features'])} features this run was trained on are not in the profiles "
                f"(first: {missing[0]!r}); embed profiles made by the same pipeline"
            )
        return profiles[:, self.facts["features"]].copy()

    @functools.cached_property
    def _encoder(self) -> Any:
        from impasto.nets.encoders import text

        return text.load(self.settings.text)

    @torch.no_grad()
    def text(self, sentence: str) -> Vectors:
        """A unit vector (out,) of any text."""
        return self.method.embed_text(self._encoder.encode([sentence]))[0].numpy()

    def smiles(self, smiles: str) -> Vectors:
        """A unit vector (out,) of a molecule, written into the prompt the run was trained with. Raises InputError on a bad SMILES."""
        from rdkit import Chem, rdBase

        with rdBase.BlockLogs():  # the sentence below says it; RDKit's own trace would say it twice
            molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            raise InputError(f"{smiles!r} is not a SMILES that can be read; write for example CCCC(O)=O")
        return self.text(self._prompt({schema.PERTURBATION_NAME: "a compound", schema.SMILES: smiles}))

    def gene(self, symbol: str) -> Vectors:
        """A unit vector (out,) of a perturbation of a gene: of the type the run was trained on, else a compound that targets it."""
        kind = self.facts["perturbation_type"]
        named = {} if kind in (schema.CRISPR, schema.ORF, schema.SIRNA) else {schema.PERTURBATION_NAME: "a compound"}
        return self.text(self._prompt({schema.GENE: symbol.upper(), schema.PERTURBATION_TYPE: kind, **named}))

    def _prompt(self, row: dict[str, Any]) -> str:
        told = {schema.CELL_LINE: self.facts["cell_line"], **row}
        return prompt(told, template=self.settings.template, details=tuple(self.settings.details))
