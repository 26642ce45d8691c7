"""What is damaged, and the commands that then read it: the inputs of laboratories in tests/cases, and what impasto itself writes."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np

from impasto import profiles as tables

CASES = Path(__file__).resolve().parents[1] / "cases"
Words = tuple[str, ...]
Chain = tuple[Words, ...]


@dataclass(frozen=True)
class Specimen:
    """A folder of files, and commands that read it. `IN` stands for a damaged copy of the folder, `OUT` for a path that is free.

    Attributes
    ----------
    name
        What it is called in the report.
    folder
        The folder.
    chains
        Commands, each chain run to its end or to the first that is refused.

    """

    name: str
    folder: Path
    chains: tuple[Chain, ...]


def specimen(name: str, folder: Path, *commands: Words | Chain) -> Specimen:
    """A specimen whose commands stand alone, or in a chain."""
    return Specimen(name, folder, tuple((one,) if isinstance(one[0], str) else one for one in commands))  # type: ignore[arg-type, misc]


def of_laboratories() -> Iterator[Specimen]:
    """The cases, with the commands that read them; what has images is then checked and profiled."""
    for case in sorted(path.parent for path in CASES.glob("*/case.toml")):
        steps = tomllib.loads((case / "case.toml").read_text(encoding="utf-8"))["step"]
        good = [step for step in steps if not step.get("exit", 0)] or steps
        chain = _chain(good)
        yield specimen(case.name, case / "in", chain, (_dry(chain[0]),))


def _chain(steps: Sequence[dict[str, Any]]) -> Chain:
    """The commands of a case, with its folder as `IN` and what they write below `OUT`."""
    written: list[str] = []
    chain: list[Words] = []
    for step in steps:
        words = step["command"]
        out = words[words.index("--out") + 1] if "--out" in words else ""
        chain.append(tuple(_placed(word, [*written, out]) for word in words))
        written += [out] if out else []
        if "pixels" in step or "planes" in step:
            chain.append(("check", f"OUT/{out}", "--out", f"OUT/checked-{out}"))
            chain.append(("profile", f"OUT/{out}", "--encoder", "intensity", "--out", f"OUT/{out}.parquet"))
    return tuple(chain)


def _placed(word: str, written: Sequence[str]) -> str:
    option, equals, value = word.rpartition("=")
    first = value.split("/", 1)[0]
    if first == "in":
        return f"{option}{equals}IN/{value[3:] or '.'}"
    return f"{option}{equals}OUT/{value}" if first and first in written else word


def _dry(words: Words) -> Words:
    return (*words, "--dry-run") if words[0] == "ingest" and "--dry-run" not in words else words


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
    for suffix in (".parquet", ".csv", ".h5ad", ".zarr"):
        folder = base / f"profiles{suffix}"
        folder.mkdir()
        tables.write(plates(), folder / f"p{suffix}")
        path = f"IN/p{suffix}"
        yield specimen(
            f"profiles {suffix}", folder,
            ("correct", path, "--method", "standardize", "--out", "OUT.parquet"), ("evaluate", "replicates", path, "--out", "OUT"),
            ("ingest", path, "--out", "OUT", "--dry-run"),
        )  # fmt: skip
    table = str(base / "profiles.parquet" / "p.parquet")
    kept = base / "kept"
    kept.mkdir()
    steps = ("--method", "standardize", "--method", "sphering", "--spare", "0.5")
    run("correct", table, *steps, "--keep", "--out", str(kept / "c.parquet"))
    yield specimen("a kept correction", kept, ("correct", table, "--fitted", "IN/c.parquet.fitted", "--out", "OUT.parquet"))
    trained = base / "trained"
    trained.mkdir()
    recipe = trained / "r.toml"
    recipe.write_text(RECIPE.format(profiles=table), encoding="utf-8")
    run("run", str(recipe), "--out", str(base / "trained-run"))
    shutil.copytree(base / "trained-run" / "train", trained / "model")
    yield specimen(
        "a trained run",
        trained,
        ("embed", "IN/model", table, "--out", "OUT.parquet"),
        ("search", "IN/model", "--smiles", "CCO", "--json"),
    )
    yield specimen("a recipe", trained, ("run", "IN/r.toml", "--out", "OUT"))
    index = base / "index"
    index.mkdir()
    run("index", table, "--out", str(index / "i"))
    yield specimen("an index", index, ("search", "IN/i", "--name", "c3", "--json"), ("search", "IN/i", "--well", "P1:C03", "--json"))


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


def without_umap() -> None:
    """Maps by principal components: umap compiles itself in every fork, which takes longer than all else."""
    from impasto.atlas import layout

    layout.has_umap = lambda: False


def run(*words: str) -> None:
    """A command that must succeed, in a fork: what it loads and starts (threads, above all) is not in the forks that come later."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = command(words)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if (code := os.waitstatus_to_exitcode(status)) != 0:
        raise RuntimeError(f"impasto {' '.join(words)} ended with {code}")


def command(words: Sequence[str]) -> int:
    """The exit code of a command in this process."""
    from impasto import cli

    sys.argv = ["impasto", *words]
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - whatever reaches here is a find
        traceback.print_exc()
        return 1
    return 0
