"""Which files of relations make a perturbation relational graph, and how they count."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from impasto.settings import Settings


class SourceSettings(Settings):
    """The sources of a graph; each is used where it is given."""

    string: Path | None = Field(default=None, description="STRING: protein.links (then --string-names too), or a list of pairs.")
    string_names: Path | None = Field(default=None, description="STRING's protein.info, for protein.links.")
    hetionet: Path | None = Field(default=None, description="Hetionet's edges; a random walk goes along those between genes.")
    hetionet_nodes: Path | None = Field(default=None, description="Hetionet's nodes; hetionet_nodes.csv.gz beside the edges by default.")
    pairs: list[Path] = Field(
        default_factory=list, description="Further lists of pairs, or folders of them: each database is a source of its own."
    )
    images: Path | None = Field(
        default=None,
        description="Profiles whose similarity is a source: only rows that may be learned from, never those to be scored.",
    )
    stitch: Path | None = Field(default=None, description="STITCH's chemical_chemical.links.")
    stitch_inchikeys: Path | None = Field(default=None, description="STITCH's chemicals.inchikeys, which names them.")
    threshold: float = Field(default=200, description="Of STRING's and STITCH's scores, out of 1,000.")
    steps: int = Field(default=5, ge=1, description="Of the random walk along Hetionet.")
    average: bool = Field(default=False, description="Take the mean over all steps of the walk, not the last step.")
    shares: dict[str, float] = Field(default_factory=dict, description="Name of a source: its share of the weighted mean; 1 by default.")

    def files(self) -> list[Path]:
        """The files that are read.

        Returns
        -------
        list[Path]
            Their paths.

        """
        single = (self.string, self.string_names, self.hetionet, self.hetionet_nodes, self.images, self.stitch, self.stitch_inchikeys)
        return [p for p in single if p is not None] + list(self.pairs)
