"""What is damaged, and the commands that then read it: the inputs of laboratories in tests/cases, and what impasto itself writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np

from impasto import profiles as tables

CASES = Path(__file__).resolve().parents[1] / "cases"


@dataclass(frozen=True)
class Specimen:
    """A folder of files, and commands that read it. `IN` stands for a damaged copy of the folder, `OUT` for a path that is free.

    Attributes
    ----------
    name
        What it is called in the report.
    folder
        The folder.
    commands
        The words of each command.

    """

    name: str
    folder: Path
    commands: tuple[tuple[str, ...], ...]


def of_laboratories() -> Iterator[Specimen]:
    """The cases: each is ingested as it lies there, and its tables as platemaps of each other."""
    for case in sorted(path for path in CASES.iterdir() if path.is_dir()):
        inside = case / "in" if (case / "in").is_dir() else case
        sources = sorted(path for path in inside.iterdir() if path.suffix != ".md")
        if not sources:
            continue
        maps = [path for path in sources if path.is_file() and "map" in path.name.lower()]
        others = [path for path in sources if path not in maps] or sources
        words = ["ingest", *(f"IN/{path.relative_to(inside)}" for path in others)]
        for path in maps if others is not sources else []:
            words += ["--platemap", f"IN/{path.relative_to(inside)}"]
        yield Specimen(case.name, inside, ((*words, "--out", "OUT", "--dry-run"), (*words, "--out", "OUT")))


def plates(seed: int = 0) -> anndata.AnnData:
    """Two plates of 24 wells: 8 of DMSO, 8 compounds twice."""
    rng = np.random.default_rng(seed)
    names = ["DMSO"] * 8 + [f"c{i % 8}" for i in range(16)]
    obs = {
        "plate": np.repeat(["P1", "P2"], 24),
        "batch": np.repeat(["B1", "B2"], 24),
        "well": [f"{'ABCD'[i // 6]}{i % 6 + 1:02d}" for _ in range(2) for i in range(24)],
        "perturbation": names * 2,
        "control_type": [{"DMSO": "negcon"}.get(name, "trt") for name in names] * 2,
        "gene": [f"G{name[1:]}" if name != "DMSO" else "" for name in names] * 2,
        "smiles": ["CS(C)=O" if name == "DMSO" else "C" * (int(name[1:]) + 1) + "O" for name in names] * 2,
    }
    values = rng.normal(size=(48, 12)).astype(np.float32)
    adata = anndata.AnnData(X=values)
    for column, content in obs.items():
        adata.obs[column] = list(content)
    adata.var_names = [f"Cells_Texture_Contrast_{channel}_{i}_00_256" for channel in ("DNA", "ER", "Mito") for i in range(4)]
    return adata


def of_impasto(base: Path) -> Iterator[Specimen]:
    """Files of profiles, a kept correction, a trained run, an index and a recipe, as impasto writes them."""
    from impasto import cli

    for suffix in (".parquet", ".csv", ".h5ad", ".zarr"):
        folder = base / f"profiles{suffix}"
        folder.mkdir()
        tables.write(plates(), folder / f"p{suffix}")
        path = f"IN/p{suffix}"
        yield Specimen(
            f"profiles {suffix}", folder,
            (("correct", path, "--method", "standardize", "--out", "OUT.parquet"), ("evaluate", "replicates", path, "--out", "OUT"),
             ("ingest", path, "--out", "OUT", "--dry-run")),
        )  # fmt: skip
    table = str(base / "profiles.parquet" / "p.parquet")
    kept = base / "kept"
    kept.mkdir()
    _run(
        cli,
        "correct",
        table,
        "--method",
        "standardize",
        "--method",
        "sphering",
        "--spare",
        "0.5",
        "--keep",
        "--out",
        str(kept / "c.parquet"),
    )
    yield Specimen("a kept correction", kept, (("correct", table, "--fitted", "IN/c.parquet.fitted", "--out", "OUT.parquet"),))
    trained = base / "trained"
    trained.mkdir()
    recipe = trained / "r.toml"
    recipe.write_text(RECIPE.format(profiles=table), encoding="utf-8")
    _run(cli, "run", str(recipe), "--out", str(trained / "run"))
    shutil.move(trained / "run" / "train", trained / "model")
    shutil.rmtree(trained / "run")
    yield Specimen(
        "a trained run",
        trained,
        (("embed", "IN/model", table, "--out", "OUT.parquet"), ("search", "IN/model", "--smiles", "CCO", "--json")),
    )
    yield Specimen("a recipe", trained, (("run", "IN/r.toml", "--out", "OUT"),))
    index = base / "index"
    index.mkdir()
    _run(cli, "index", table, "--out", str(index / "i"))
    yield Specimen("an index", index, (("search", "IN/i", "--name", "c3", "--json"), ("search", "IN/i", "--well", "P1:C03", "--json")))


RECIPE = """name = "chaos"
seed = 0
[[stage]]
name = "corrected"
verb = "correct"
profiles = "{profiles}"
[[stage.steps]]
method = "standardize"
[[stage]]
name = "train"
verb = "train"
profiles = "@corrected"
[stage.method]
name = "two_towers"
perturbation = "molecule"
loss = "clip"
minibatch = 4
width = 32
depth = 1
[stage.loop]
epochs = 1
"""


def _run(cli: object, *words: str) -> None:
    """A command that must succeed."""
    import sys

    before, sys.argv = sys.argv, ["impasto", *words]
    try:
        cli.main()  # type: ignore[attr-defined]
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise RuntimeError(f"impasto {' '.join(words)} ended with {ended.code}") from None
    finally:
        sys.argv = before
