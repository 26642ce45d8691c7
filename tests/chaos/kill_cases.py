"""The commands that are killed, on small plates and tables. What a command reads is made when its case is asked for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import corpus
import folders
import starts

from impasto import profiles

STEPS = ("--method", "select", "--method", "standardize", "--method", "clip", "--method", "sphering", "--spare", "0.5")
_FINE = """seed = 0
[[stage]]
verb = "finetune"
cell_line = "simulated line 2"
protocol = "over-batches"
splits = 2
[stage.loop]
epochs = 2
[[stage.variant]]
row = "baseline"
start = "{start}"
[[stage.variant]]
row = "untrained"
"""
_WSL = """seed = 0
[[stage]]
verb = "train"
[stage.method]
name = "profile_wsl"
width = 8
depth = 1
heads = 2
out = 8
only = {{ cell_line = ["simulated line 1"] }}
[stage.loop]
epochs = 1
"""
_SET = """[mine]
title = "Three files"
about = "three files"
papers = []
cells = "U2OS"
stains = ["DNA"]
cite = "nobody"
below = "{url}/"
pages = ["{url}/"]
splits = "none"
default = ["tables"]
licence = {{ name = "CC0", page = "{url}/licence", confirmed = true }}
[mine.parts.tables]
about = "tables"
files = ["{url}/a.csv", "{url}/b/b.csv", "{url}/b/large.bin"]
"""


class Material:
    """What the commands read, in one folder; each part is made once, by commands that must succeed."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def make(self, *words: str) -> None:
        """A command that must succeed."""
        starts.succeed(words, self.base)

    @cached_property
    def simulated(self) -> Path:
        """Images of two plates."""
        self.make("simulate", "--out", "sim", *folders.SMALL)
        return self.base / "sim"

    @cached_property
    def to_ingest(self) -> tuple[str, ...]:
        """The words that read these images."""
        sources = sorted(str(path) for path in (self.simulated / "images").iterdir() if path.is_dir())[:2]
        return (*sources, "--platemap", str(self.simulated / "platemap.csv"))

    @cached_property
    def ingested(self) -> str:
        """The same images, ingested."""
        self.make("ingest", *self.to_ingest, "--out", "ing")
        return str(self.base / "ing")

    @cached_property
    def images_of_cells(self) -> str:
        """Ingested images in which nuclei can be told apart."""
        sizes = ("batches=1", "plates=1", "perturbations=3", "mechanisms=1", "controls=4", "pixels=128", "cells=6", "sites=1")
        self.make("simulate", "--out", "larger", *(word for size in sizes for word in ("--set", size)))
        images = sorted(map(str, (self.base / "larger" / "images").iterdir()))
        self.make("ingest", *images[:1], "--platemap", "larger/platemap.csv", "--out", "larger-ingested")
        return str(self.base / "larger-ingested")

    @cached_property
    def cells_of_images(self) -> str:
        """The cells of these images."""
        self.make("cells", self.images_of_cells, "--out", "larger-cells")
        return str(self.base / "larger-cells")

    @cached_property
    def table(self) -> str:
        """Profiles of two plates."""
        profiles.write(corpus.plates(), self.base / "p.parquet")
        return str(self.base / "p.parquet")

    @cached_property
    def of_plates(self) -> str:
        """The same, as a folder of plates."""
        profiles.write(corpus.plates(), self.base / "p.plates")
        return str(self.base / "p.plates")

    @cached_property
    def recipe(self) -> str:
        """A correction and a training."""
        path = self.base / "train.toml"
        path.write_text(corpus.RECIPE.format(profiles=self.table), encoding="utf-8")
        return str(path)

    @cached_property
    def ran(self) -> Path:
        """What that recipe leaves."""
        self.make("run", self.recipe, "--out", "run")
        return self.base / "run"

    @cached_property
    def cell_tables(self) -> tuple[str, ...]:
        """The words that read tables of cells."""
        folders.write_cells(self.base / "cell-tables")
        tables = self.base / "cell-tables"
        return (str(tables / "tables"), "--platemap", str(tables / "map.csv"), "--negcon", "DMSO")

    @cached_property
    def cells(self) -> str:
        """What `impasto cells` makes of them."""
        self.make("cells", *self.cell_tables, "--out", "cells")
        return str(self.base / "cells")

    @cached_property
    def pairs(self) -> str:
        """Pairs of genes."""
        folders.write_pairs(self.base / "pairs.csv")
        return str(self.base / "pairs.csv")

    @cached_property
    def scores(self) -> str:
        """Scores of one task."""
        self.make("evaluate", "replicates", self.table, "--out", "scores")
        return str(self.base / "scores")

    @cached_property
    def packed(self) -> str:
        """A correction that was kept, and an index of its rows."""
        self.make("correct", self.of_plates, "--method", "standardize", "--method", "clip", "--keep", "--out", "packed/c.plates")
        self.make("index", "packed/c.plates", "--out", "packed/index")
        return str(self.base / "packed")

    @cached_property
    def map(self) -> str:
        """A map of them."""
        self.make("map", self.packed, "--licence", "CC0-1.0", "--out", "m")
        return str(self.base / "m")

    @cached_property
    def new(self) -> str:
        """Two other plates."""
        profiles.write(corpus.plates(1), self.base / "new.parquet")
        return str(self.base / "new.parquet")

    @cached_property
    def two_lines(self) -> str:
        """Profiles of two cell lines."""
        sizes = ("cell_lines=2", "batches=2", "plates=1", "perturbations=4", "mechanisms=2", "controls=2", "own=0.5")
        self.make("simulate", "--out", "lines", "--no-images", *(word for size in sizes for word in ("--set", size)))
        return str(self.base / "lines" / "profiles.parquet")

    @cached_property
    def fine(self) -> str:
        """A fine-tuning of a run that has seen the first of them."""
        (self.base / "wsl.toml").write_text(_WSL.format(), encoding="utf-8")
        self.make("train", "wsl.toml", "--profiles", self.two_lines, "--out", "wsl")
        (self.base / "fine.toml").write_text(_FINE.format(start=self.base / "wsl"), encoding="utf-8")
        return str(self.base / "fine.toml")

    @cached_property
    def ways(self) -> tuple[str, str]:
        """Two ways to get features of compounds that share mechanisms."""
        for seed in (0, 1):
            of_way = corpus.plates(seed)
            of_way.obs["moa"] = [f"M{int(gene[1:]) % 3}" if gene else "" for gene in of_way.obs["gene"]]
            profiles.write(of_way, self.base / f"way{seed}.parquet")
        return str(self.base / "way0.parquet"), str(self.base / "way1.parquet")

    @cached_property
    def expression(self) -> str:
        """Expression of genes in lines."""
        return folders.write_expression(self.base / "expression.csv")


@dataclass(frozen=True)
class Case:
    """A command.

    Attributes
    ----------
    name
        The verb, and what it reads or writes.
    words
        The words of the command, from what it reads; `OUT` stands for an empty folder.
    served
        Whether it reads files of a server of this machine; its address stands for `URL`.

    """

    name: str
    words: Callable[[Material], tuple[str, ...]]
    served: bool = field(default=False)


CASES = (
    Case("simulate", lambda _: ("simulate", "--out", "OUT/s", *folders.SMALL)),
    Case("ingest (images)", lambda m: ("ingest", *m.to_ingest, "--out", "OUT/i")),
    Case("ingest (table)", lambda m: ("ingest", m.table, "--out", "OUT/i")),
    Case("fetch", lambda _: ("fetch", "mine", "--registry", "registry.toml", "--out", "OUT/f"), served=True),
    Case("check", lambda m: ("check", m.ingested, "--out", "OUT/c")),
    Case("cells (tables)", lambda m: ("cells", *m.cell_tables, "--out", "OUT/c")),
    Case("cells (images)", lambda m: ("cells", m.images_of_cells, "--out", "OUT/c")),
    Case("profile (images)", lambda m: ("profile", m.ingested, "--encoder", "intensity", "--out", "OUT/p.parquet")),
    Case("profile (cells)", lambda m: ("profile", m.cells, "--out", "OUT/p.parquet")),
    Case("correct (.parquet)", lambda m: ("correct", m.table, *STEPS, "--keep", "--out", "OUT/c.parquet")),
    Case("correct (.zarr)", lambda m: ("correct", m.table, *STEPS, "--out", "OUT/c.zarr")),
    Case("correct (.plates)", lambda m: ("correct", m.of_plates, *STEPS, "--out", "OUT/c.plates")),
    Case("graph", lambda m: ("graph", m.table, "--string", m.pairs, "--out", "OUT/g.parquet")),
    Case("expression", lambda m: ("expression", m.expression, "--out", "OUT/v", "--set", "width=3")),
    Case("train", lambda m: ("train", m.recipe, "--profiles", m.table, "--set", "loop.epochs=6", "--out", "OUT/t")),
    Case("finetune", lambda m: ("finetune", m.fine, "--profiles", m.two_lines, "--out", "OUT/t")),
    Case("embed", lambda m: ("embed", str(m.ran / "train"), m.table, "--out", "OUT/e.h5ad")),
    Case("evaluate", lambda m: ("evaluate", "replicates", m.table, "--out", "OUT/v")),
    Case("choose", lambda m: ("choose", *m.ways, "--out", "OUT/w")),
    Case("table", lambda m: ("table", m.scores, "--out", "OUT/t")),
    Case("panels", lambda m: ("panels", m.table, m.new, "--method", "pca", "--out", "OUT/p")),
    Case("montage", lambda m: ("montage", m.cells_of_images, *_MONTAGE, "--out", "OUT/m.png")),
    Case("index", lambda m: ("index", m.table, "--out", "OUT/x")),
    Case("map", lambda m: ("map", m.packed, "--licence", "CC0-1.0", "--out", "OUT/m")),
    Case("place", lambda m: ("place", m.new, "--on", m.map, "--out", "OUT/p")),
    Case("export", lambda m: ("export", m.table, "--to", "cellprofiler", "--out", "OUT/cp")),
    Case("report", lambda m: ("report", str(m.ran), "--out", "OUT/page.html")),
    Case("run", lambda m: ("run", m.recipe, "--out", "OUT/r")),
    Case("assay", lambda m: ("assay", m.table, "--out", "OUT/a")),
)
_MONTAGE = ("--perturbation", "SIM-000", "--by", "random", "--count", "2")


@contextmanager
def environment(case: Case, base: Path, out: Path) -> Iterator[Mapping[str, str]]:
    """The variables of a case; a server runs meanwhile where it reads from one."""
    if not case.served:
        yield {}
        return
    served = base / "served"
    (served / "b").mkdir(parents=True, exist_ok=True)
    for name, size in (("a.csv", 2_000), ("b/b.csv", 30_000), ("b/large.bin", 3_000_000)):
        (served / name).write_bytes(b"0123456789" * (size // 10))
    with _server(served) as url:
        (base / "registry.toml").write_text(_SET.format(url=url), encoding="utf-8")
        yield {"IMPASTO_CACHE": str(out / "cache"), "IMPASTO_OFFLINE": ""}


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """The address of a server of these files, in a process of its own: what is forked here later shall hold none of its threads."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *words: Quiet(*words, directory=str(folder)))
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with suppress(BaseException):
            threading.stack_size(256 * 1024)
            server.serve_forever()
        os._exit(0)
    server.server_close()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
