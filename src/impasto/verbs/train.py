"""`impasto train RECIPE (--profiles PROFILES | --sites DIR) --out RUN`: train one method in the one loop."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from impasto.recipe import FOLDER, Verb, digest_of_images
from impasto.schema import InputError, one_of
from impasto.settings import Settings, parse_set

if TYPE_CHECKING:
    from impasto.training.method import Prepared

METHODS = {
    "cellpaintr": "impasto.correction.cellpaintr.prepare",
    "two_towers": "impasto.joint.two_towers",
    "image_towers": "impasto.joint.image_towers",
    "msn": "impasto.pretrain.msn",
    "simclr": "impasto.pretrain.simclr",
    "byol": "impasto.pretrain.byol",
    "moco_v3": "impasto.pretrain.moco_v3",
    "mae": "impasto.pretrain.mae",
    "crop_mae": "impasto.pretrain.crop_mae",
    "wsl": "impasto.pretrain.wsl",
    "profile_wsl": "impasto.pretrain.profile_wsl",
}
"""Name of a method -> its module: settings (`SETTINGS`), what it reads (`READS`) and `prepare(settings, data, seed=...)`.

`READS` is `profiles` (also where a module does not say) or `sites`, the images that `impasto ingest` found. A module whose data
depend on the run it starts from (its features, its sources) has `prepare_from(settings, data, earlier, seed=...)` too.
"""


ADDITIONS = {
    "cell_lines": "impasto.perturbations.cell_lines",
    "prior": "impasto.perturbations.graph_prior",
}
"""Name of a table inside `[stage.method]` -> the module that adds it to any method: `SETTINGS`, `add(prepared, settings, seed=...)`."""


class TrainSettings(Settings):
    """One training: the method with its parts, the loop, the data it reads (`profiles` or `sites`); `start` is an earlier run
    whose weights it begins with.
    """

    profiles: Path | None = None
    sites: Path | None = None
    start: Path | None = None
    stored: bool = False
    """Profiles stay in their .h5ad file and are read a minibatch at a time: for tables larger than memory."""
    method: dict[str, Any]
    loop: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0


def run(settings: TrainSettings, out: Path) -> None:
    """Train, and leave model.safetensors, model.json, split.json, log.jsonl, card.md and checkpoint/ at `out`."""
    from impasto import runs
    from impasto.training import card
    from impasto.training.loop import LoopSettings, fit

    module = method_module(settings.method)
    own = {k: v for k, v in settings.method.items() if k not in ADDITIONS}
    chosen = module.SETTINGS.read(own, where="[stage.method]")
    loop = LoopSettings.read({"seed": settings.seed, **settings.loop}, where="[stage.loop]")
    _join_ranks()
    path = _data_path(settings, module)
    prepared = with_additions(
        _prepared(module, chosen, _read(path, module, stored=settings.stored), settings), settings.method, seed=settings.seed
    )
    described = {
        "method": chosen.model_dump(mode="json"),
        "seed": settings.seed,
        "facts": prepared.facts,
        _reads(module): str(path.resolve()),
    }
    if settings.start is not None:
        described["start"] = {"run": str(settings.start.resolve()), "digest": runs.digest(settings.start / "model.safetensors")}
    _refuse_other(out, described)
    runs.write_json(out / "model.json", described)
    fit(prepared.method, prepared.feed, settings=loop, out=out, validate=prepared.validate)
    with runs.atomic(out / "card.md") as temporary:
        temporary.write_text(card.write(described, log=out / "log.jsonl", digest=runs.digest(path)))


def with_additions(prepared: Prepared, values: dict[str, Any], *, seed: int) -> Prepared:
    """The method with what its table adds to it, in the order of `ADDITIONS`."""
    for name, path in ADDITIONS.items():
        if name in values:
            module = importlib.import_module(path)
            chosen = module.SETTINGS.read(values[name], where=f"[stage.method.{name}]")
            prepared = module.add(prepared, chosen, seed=seed)
    return prepared


def added_files(values: dict[str, Any]) -> list[Path]:
    """The files that the additions of a method's table read."""
    tables = [values[name] for name in ADDITIONS if isinstance(values.get(name), dict)]
    return [Path(table[key]) for table in tables for key in ("graph", "vectors") if key in table]


def _reads(module: ModuleType) -> str:
    return str(getattr(module, "READS", "profiles"))


def _data_path(settings: TrainSettings, module: ModuleType) -> Path:
    """The data that this method reads. Raises InputError where they are not given, or others are."""
    given = {"profiles": settings.profiles, "sites": settings.sites}
    wanted = _reads(module)
    path = given.pop(wanted)
    name = settings.method["name"]
    if path is None:
        raise InputError(f"{name} trains on {wanted}; give them with --{wanted}, or as the key {wanted!r} of the stage")
    for other, extra in given.items():
        if extra is not None:
            raise InputError(f"{name} trains on {wanted}, so it does not read the {other} {extra}; leave them out")
    return path


def _read(path: Path, module: ModuleType, *, stored: bool) -> Any:
    """The data at a path, as the method's `prepare` takes them: Profiles or Sites."""
    if _reads(module) == "sites":
        from impasto.plates.sites import Sites

        return Sites.read(path)
    if stored:
        from impasto import stored as files

        return files.read(path)
    from impasto import profiles as tables

    return tables.read(path)


def _prepared(module: ModuleType, chosen: Settings, data: Any, settings: TrainSettings) -> Prepared:
    """The method with its data; with `start`, holding the earlier run's weights, matched by name."""
    from impasto.training.earlier import Earlier, begun

    earlier = None if settings.start is None else Earlier.read(settings.start)
    name = getattr(chosen, "name", None)
    if earlier is not None and earlier.method["name"] != name:
        raise InputError(
            f"start: {settings.start} holds a {earlier.method['name']} model, and this stage trains {name}; start from its like"
        )
    return begun(module, chosen, data, earlier, seed=settings.seed)


def _join_ranks() -> None:
    """Under torchrun, join the other ranks: NCCL where there are GPUs, gloo on CPUs."""
    import os

    import torch
    import torch.distributed as dist

    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def method_module(method: dict[str, Any]) -> ModuleType:
    """The module of a method, by the `name` in its table."""
    if "name" not in method:
        raise InputError(f"[stage.method] has no name; allowed: {', '.join(sorted(METHODS))}")
    return importlib.import_module(METHODS[one_of(str(method["name"]), METHODS, what="method")])


def _refuse_other(out: Path, described: dict[str, Any]) -> None:
    """A checkpoint of another model must not be continued as if it were this one."""
    kept = out / "model.json"
    if kept.exists() and (out / "checkpoint").exists() and json.loads(kept.read_text()) != json.loads(json.dumps(described, default=str)):
        raise InputError(
            f"{out} holds the checkpoint of another training (other settings or data); choose another --out, or remove the folder"
        )


def command(
    path: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe with one train stage; see recipes/.")],
    out: Annotated[Path, typer.Option(help="The folder of the run.")],
    profiles: Annotated[Path | None, typer.Option(help="Profiles to train on: .parquet, .csv, .h5ad or .zarr.")] = None,
    sites: Annotated[Path | None, typer.Option(help="Images to train on: a folder that impasto ingest wrote.")] = None,
    start: Annotated[Path | None, typer.Option(help="An earlier run whose weights to begin with.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's seed.")] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, as method.loss=clip.")] = None,
) -> None:
    """Train a method on profiles or on images. A killed run goes on from its last checkpoint, to the same bytes.

    Example: `impasto train recipes/cellclip.toml --profiles profiles.parquet --out runs/cellclip`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    recipe = recipes.read(path)
    stage = recipe.only("train")
    paths = {"profiles": profiles, "sites": sites, "start": start}
    given: dict[str, Any] = {k: str(v.resolve()) for k, v in paths.items() if v is not None}
    given |= {} if seed is None else {"seed": seed}
    for key, value in parse_set(changes or []).items():
        given[key] = {**stage.values.get(key, {}), **value} if isinstance(value, dict) else value
    settings = recipes.settings_of(recipe, stage, out=out, given=given)
    worked = recipes.execute("train", settings, out=out)
    console.print(f"{'trained' if worked else 'already trained'}: {out}")


def inputs(settings: TrainSettings) -> list[Path]:
    """The data, and the weights it starts from."""
    start = settings.start and settings.start / "model.safetensors"
    return [path for path in (settings.profiles, settings.sites, start) if path is not None] + added_files(settings.method)


VERB = Verb(settings=TrainSettings, inputs=inputs, run=run, result="", writes=FOLDER, digest=digest_of_images)
