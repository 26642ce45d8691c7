"""Several ways to get features: each with the setting that is best without the treatments it is scored on, and which of them differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.evaluation.inputs import Statistic
from impasto.schema import MOA, InputError, one_of
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, PROFILES, Verb

VERDICT, NOT_RUN = "verdict.md", "not_run.csv"


class ChooseSettings(Settings):
    """Tables of profiles, and the pairs of ways that are compared."""

    profiles: Annotated[list[Path], Shown("argument", metavar="PROFILES...")] = Field(
        description="Tables of profiles, each a way to get features; or folders: a way in several settings, one table each."
    )
    labels: Annotated[list[str], Shown(name="label")] = Field(
        default_factory=list, description="The name of each way, in order; two tables of one name are two settings of it."
    )
    only: list[str] = Field(
        default_factory=list, description="Of folders: the names of the tables that are settings; all tables by default."
    )
    needs: Annotated[dict[str, str], Shown("nowhere")] = Field(
        default_factory=dict, description="Way -> what it needs to run. Where its tables are not there, it is listed as not run."
    )
    pairs: Annotated[list[tuple[str, str]] | None, Shown("nowhere")] = Field(
        default=None, description="Two ways each, listed before anybody looked; by default each way and the first."
    )
    column: str = Field(default=MOA, description="The column of mechanisms.")
    batch: str = Field(default="auto", description="The column of batches; auto: the widest of source, batch, plate with several values.")
    batch_pattern: str = Field(default="", description="A regular expression whose match in that column is the batch.")
    statistic: Statistic = Field(default="mean", description="How the rows of a treatment are averaged.")
    title: str = Field(default="Ways to get features", description="What stands above the table.")
    seed: int = Field(default=0, description="Of groups of mechanisms, where there are more than twenty.")


def tables(settings: ChooseSettings, /) -> Iterator[tuple[str, str, Path]]:
    """The tables that are there.

    Parameters
    ----------
    settings
        Which tables.

    Yields
    ------
    tuple[str, str, Path]
        Way, setting, and the file or folder of plates.

    Raises
    ------
    InputError
        Where a folder holds no table, or a table is missing that is not said to need something.

    """
    for way, path in zip(_names(settings), settings.profiles, strict=True):
        if path.is_dir() and path.suffix not in PROFILES.suffixes:
            members = {member.parent.name: member for member in sorted(path.glob(f"*/{_MEMBER}"))}
            if not members and way not in settings.needs:
                raise InputError(f"{path} holds no table of profiles; give the folder of a run whose stages left {_MEMBER}")
            for setting in (settings.only or members) if members else ():
                yield way, setting, members[one_of(setting, members, what=f"setting in {path}")]
        elif path.exists():
            yield way, path.stem, path
        elif way not in settings.needs:
            raise InputError(f"there is no {path}, the way {way!r}; run it first, or say what it needs under needs")


_MEMBER = "profiles.parquet"


def _names(settings: ChooseSettings) -> list[str]:
    if settings.labels and len(settings.labels) != len(settings.profiles):
        raise InputError(f"{len(settings.labels)} labels for {len(settings.profiles)} tables; give one label each")
    return settings.labels or [path.stem for path in settings.profiles]


def run(settings: ChooseSettings, out: Path) -> None:
    """Write results.csv, pairs.csv, picks.csv, treatments.parquet, not_run.csv and verdict.md at `out`."""
    import pandas as pd

    from impasto import profiles, progress, runs, texts
    from impasto.evaluation import baselines, choosing, ways
    from impasto.evaluation.ways import SEP
    from impasto.report import choice

    said = {"label": settings.column, **settings.model_dump(include={"batch", "batch_pattern", "statistic"})}
    pool, shortcuts = [], []
    for way, setting, path in tables(settings):
        progress.say(f"  {way}: {setting}")
        table = profiles.read(path)
        pool.append(ways.candidate(table, way, setting, **said))
        if len(pool) == 1:
            shortcuts = [ways.candidate(table, name, "", **said, shortcut=view) for name, view in baselines.stand_ins(table)]
    there = {one.way for one in pool}
    lacking = [(way, settings.needs[way]) for way in dict.fromkeys(_names(settings)) if way not in there]
    pairs = settings.pairs
    if pairs is not None:
        # A way that was not run is compared with nothing, and is listed.
        absent = {way for way, _ in lacking}
        pairs = [pair for pair in pairs if not absent & {name.split(SEP)[0] for name in pair}]
    result = choosing.choose(pool, pairs=pairs, beside=shortcuts, seed=settings.seed)
    not_run = pd.DataFrame(lacking, columns=["way", "needs"])
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        texts.write_csv(result.scores, temporary / "results.csv")
        result.left_out.to_parquet(temporary / "left_out.parquet", index=False)
        result.tables["treatments"].to_parquet(temporary / "treatments.parquet", index=False)
        for name in ("pairs", "picks"):
            texts.write_csv(result.tables.get(name, pd.DataFrame()), temporary / f"{name}.csv")
        texts.write_csv(not_run, temporary / NOT_RUN)
        texts.write(temporary / VERDICT, choice.page(result, not_run, title=settings.title))


VERB = Verb(settings=ChooseSettings, inputs=lambda s: [path for _, _, path in tables(s)], run=run, result="", writes=FOLDER)
