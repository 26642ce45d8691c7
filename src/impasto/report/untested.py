"""Tests that an assay planned and could not make, since every well of theirs was left out: an effect can look like a damaged image."""

from __future__ import annotations

from pathlib import Path

from impasto import border, profiles, schema, wells
from impasto.report.collect import Ran, of_verb

_NAMED = 5


def tests(stages: list[Ran], /) -> list[str]:
    """What the design planned to test and no well is left of.

    Parameters
    ----------
    stages
        The finished stages of a run.

    Returns
    -------
    list[str]
        Perturbations, with their dose where they have several, by name. Empty where the run is no assay, or has no hits.

    """
    planned = of_verb(stages, "design")
    tested = [stage for stage in of_verb(stages, "evaluate") if stage.record["settings"].get("task") == "hits"]
    path = Path(str(planned[-1].record["settings"].get("wells", ""))) if planned else Path()
    if not tested or not path.is_file():
        return []
    obs = border.parquet(path) if path.name == "wells.parquet" else profiles.read(path).obs
    names = wells.replicates(obs)[wells.treated(obs)].dropna().unique()
    made = border.parquet(tested[-1].result / "per_group.parquet")[schema.PERTURBATION]
    return sorted(set(map(str, names)) - set(made.astype(str)))


def sentence(lost: list[str], /) -> str:
    """The warning that stands first.

    Parameters
    ----------
    lost
        As `tests` gives them.

    Returns
    -------
    str
        Empty where all tests were made.

    """
    if not lost:
        return ""
    more = ", ..." if len(lost) > _NAMED else ""
    return (
        f"{len(lost)} planned test{'s' if len(lost) > 1 else ''} could not be made, since all wells were left out for their quality: "
        f"{', '.join(lost[:_NAMED])}{more}. A strong effect can look like a damaged image, so look at these wells yourself."
    )
