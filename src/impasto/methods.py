"""Every trainable method by its name, what can be added to each, and one training of one method on its data.

`[stage.method]` of a recipe holds the name of a method, its settings, and a table for each addition:
`{ name = "wsl", minibatch = 64, prior = { graph = "@graph" } }`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import create_model

from impasto import texts
from impasto.families import Family
from impasto.parts import OneOf, Part
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.training import model_json
from impasto.training.settings import LoopSettings

if TYPE_CHECKING:
    import anndata

    from impasto.devices import DeviceSettings
    from impasto.training.method import Addition, Prepared, Trainable

METHODS: Family[Trainable] = Family(
    "methods",
    what="method",
    parts={
        "cellpaintr": "impasto.correction.cellpaintr.prepare:METHOD",
        "two_towers": "impasto.joint.two_towers:METHOD",
        "image_towers": "impasto.joint.image_towers:METHOD",
        "msn": "impasto.pretrain.msn:METHOD",
        "simclr": "impasto.pretrain.simclr:METHOD",
        "byol": "impasto.pretrain.byol:METHOD",
        "moco_v3": "impasto.pretrain.moco_v3:METHOD",
        "mae": "impasto.pretrain.mae:METHOD",
        "crop_mae": "impasto.pretrain.crop_mae:METHOD",
        "wsl": "impasto.pretrain.wsl:METHOD",
        "profile_wsl": "impasto.pretrain.profile_wsl:METHOD",
    },
)
"""Name of a method -> its `Trainable`."""

ADDITIONS: Family[Addition] = Family(
    "additions",
    what="addition to a method",
    parts={"cell_lines": "impasto.perturbations.cell_lines:ADDITION", "prior": "impasto.perturbations.graph_prior:ADDITION"},
)
"""Name of a table inside `[stage.method]` -> what it adds to any method."""


def settings_of(name: str, /) -> type[Settings]:
    """What `[stage.method]` with this name may say.

    Parameters
    ----------
    name
        A method of `METHODS`.

    Returns
    -------
    type
        The method's own settings, and a table for each addition.

    Raises
    ------
    InputError
        Where there is no such method.

    """
    return _with_additions(METHODS[name].settings, tuple((addition, ADDITIONS[addition].settings) for addition in ADDITIONS))


@cache
def _with_additions(own: type[Settings], tables: tuple[tuple[str, type[Settings]], ...]) -> type[Settings]:
    fields = {addition: (settings | None, None) for addition, settings in tables}
    with_tables: Any = create_model(own.__name__, __base__=own, **fields)  # type: ignore[call-overload]
    return cast("type[Settings]", with_tables)


Chosen = Annotated[Part, OneOf("name", METHODS, settings_of)]
"""The type of a field that holds a method with its settings and additions."""


def own_settings(chosen: Part, /) -> Settings:
    """The settings of the method itself, without what is added to it.

    Parameters
    ----------
    chosen
        A method with its additions.

    Returns
    -------
    Settings
        Of the class `METHODS[chosen.name].settings`.

    """
    kind = METHODS[chosen.name].settings
    return kind.model_validate({field: getattr(chosen.settings, field) for field in kind.model_fields})


def additions(chosen: Part, /) -> dict[str, Settings]:
    """What is added to the method: name of the addition -> its settings.

    Parameters
    ----------
    chosen
        A method with its additions.

    Returns
    -------
    dict
        Name of an addition -> its settings, of those that were said.

    """
    return {name: added for name in ADDITIONS if (added := getattr(chosen.settings, name)) is not None}


def with_additions(prepared: Prepared, added: Mapping[str, Settings], /, *, seed: int) -> Prepared:
    """The method with what is added to it, in the order of `ADDITIONS`.

    Parameters
    ----------
    prepared
        The method with its data.
    added
        Name of an addition -> its settings.
    seed
        Of the weights that the additions bring.

    Returns
    -------
    Prepared
        The method, wrapped once for each.

    Raises
    ------
    InputError
        Where an addition does not fit the method.

    """
    for name in ADDITIONS:
        if name in added:
            prepared = ADDITIONS[name].add(prepared, added[name], seed=seed)
    return prepared


def added_files(chosen: Part, /) -> list[Path]:
    """The files that the additions of a method read.

    Parameters
    ----------
    chosen
        A method with its additions.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    return [value for added in additions(chosen).values() for _, value in added if isinstance(value, Path)]


def own_files(chosen: Part, /) -> list[Path]:
    """The files that a method reads beside its data: the table of a split, the vectors of molecules. A cache is none of them.

    Parameters
    ----------
    chosen
        A method.

    Returns
    -------
    list[Path]
        Files, in the order of the settings.

    """
    own = own_settings(chosen)
    inner = [value for _, value in own if isinstance(value, Settings)]
    return [
        value for settings in (own, *inner) for name, value in settings if isinstance(value, Path) and name not in settings.without_effect()
    ]


def train(
    chosen: Part, data: Any, /, *, read_from: Path, out: Path, loop: LoopSettings | None = None, start: Path | None = None, seed: int = 0
) -> None:
    """Train a method on its data.

    Parameters
    ----------
    chosen
        The method with its settings and additions.
    data
        Profiles (AnnData) or Sites, as the method reads.
    read_from
        Where the data lie: written down in model.json and the card.
    out
        The folder of the run: model.safetensors, model.json, split.json, log.jsonl, card.md and checkpoint/. A killed run continues
        from its checkpoint.
    loop
        How long and with which optimiser.
    start
        An earlier run of the same method, whose weights this one begins with.
    seed
        Of the weights and the minibatches.

    Raises
    ------
    InputError
        Where the data do not fit the method, or `out` holds the checkpoint of another training.

    """
    from impasto import devices, progress, runs
    from impasto.training import card
    from impasto.training.earlier import begun
    from impasto.training.loop import fit

    settings = (loop or LoopSettings()).seeded(seed)
    where = devices.place(settings, compiled=settings.compile)
    trainable, own = METHODS[chosen.name], own_settings(chosen)
    prepared = begun(trainable, own, data, _earlier(start, chosen.name), seed=seed)
    prepared = with_additions(prepared, additions(chosen), seed=seed)
    described = {
        "method": own.result(),
        "seed": seed,
        "precision": where.precision,
        "facts": prepared.facts,
        trainable.reads: str(read_from.resolve()),
    }
    if start is not None:
        described["start"] = {"run": str(start.resolve()), "digest": runs.digest(start / "model.safetensors")}
    _refuse_other(out, described)
    devices.wait()
    if devices.is_first():
        runs.write_json(out / "model.json", described)
    fit(prepared.method, prepared.feed, settings=settings, out=out, validate=prepared.validate, tell=progress.say)
    if devices.is_first():
        text = card.write(described, log=out / "log.jsonl", digest=runs.digest(read_from), loop=settings)
        with runs.atomic(out / "card.md") as temporary:
            texts.write(temporary, text)
    devices.wait()


def embed(run: Path, profiles: anndata.AnnData, /, *, where: DeviceSettings | None = None) -> anndata.AnnData:
    """The embeddings of a trained run: of a joint space both modalities as rows, of other methods the rows of the profiles.

    Parameters
    ----------
    run
        The folder of a trained run.
    profiles
        Profiles (n, features) with the features that it was trained on.
    where
        The device and the precision; None: the defaults.

    Returns
    -------
    AnnData
        Embeddings as rows; `obs["modality"]` says which, of a joint space.

    Raises
    ------
    InputError
        Where the profiles do not fit the run.

    """
    from impasto import devices
    from impasto.training.earlier import Earlier

    place = devices.place(where)
    own = METHODS[str(Earlier.read(run).method["name"])].embed
    if own is not None:
        return own(run, profiles, place)
    from impasto.joint.space import Space

    return Space.load(run, place=place).embed(profiles)


def _earlier(start: Path | None, name: str) -> Any:
    from impasto.training.earlier import Earlier

    earlier = None if start is None else Earlier.read(start)
    if earlier is not None and earlier.method["name"] != name:
        raise InputError(f"start: {start} holds a {earlier.method['name']} model, and this stage trains {name}; start from its like")
    return earlier


def _refuse_other(out: Path, described: dict[str, Any]) -> None:
    """A checkpoint of another model must not be continued as if it were this one."""
    if not (model_json.is_run(out) and (out / "checkpoint").exists()):
        return
    if model_json.read(out) != json.loads(json.dumps(described, default=str)):
        raise InputError(
            f"{out} holds the checkpoint of another training (other settings or data); choose another --out, or remove the folder"
        )
