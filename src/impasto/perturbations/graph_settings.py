"""Which files of relations make a perturbation relational graph, and how they count."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from impasto.settings import Settings


class SourceSettings(Settings):
    """The sources of a graph; each is used where it is given."""

    string: Path | None = None
    """STRING's protein.links (then `string_names` too), or a list of pairs, with combined_score where known."""
    string_names: Path | None = None
    hetionet: Path | None = None
    hetionet_nodes: Path | None = None
    pairs: list[Path] = Field(default_factory=list)
    """Further lists of pairs, or folders of them: each database a source of its own."""
    images: Path | None = None
    """Profiles whose similarity counts: of rows that may be learned from, never of those to be scored."""
    stitch: Path | None = None
    stitch_inchikeys: Path | None = None
    threshold: float = 200
    """Of STRING's and STITCH's scores, out of 1,000."""
    steps: int = Field(default=5, ge=1)
    """Of the random walk along Hetionet."""
    average: bool = False
    """Whether that walk counts the mean over its steps, not the last one."""
    shares: dict[str, float] = Field(default_factory=dict)
    """Name of a source -> its share of the weighted mean; 1 by default."""

    def files(self) -> list[Path]:
        """The files that are read."""
        single = (self.string, self.string_names, self.hetionet, self.hetionet_nodes, self.images, self.stitch, self.stitch_inchikeys)
        return [p for p in single if p is not None] + list(self.pairs)
