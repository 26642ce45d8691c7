"""How well earlier runs learn a new cell line from a few wells of each perturbation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import methods, texts
from impasto.parts import Part
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.stages.finetune_settings import FinetuneSettings, Variant, method_of

if TYPE_CHECKING:
    from impasto.evaluation.fine_tuning import Protocol
    from impasto.pretrain.few_shot import Material
    from impasto.training.earlier import Earlier


def run(settings: FinetuneSettings, out: Path) -> None:
    """Write results.csv, table.md, table.json and per_split.parquet at `out`; what is trained on the way is kept until all is done."""
    import numpy as np
    import pandas as pd

    from impasto import runs
    from impasto.evaluation import fine_tuning, tidy

    protocol = fine_tuning.Protocol(
        settings.cell_line, settings.protocol, settings.shots, settings.splits, settings.validation, settings.batch, settings.seed
    )
    hits = {(v.row, v.column): _variant(v, settings, protocol, out / "work") for v in settings.variant}
    scores, details = [], []
    for variant in settings.variant:
        own, group = hits[variant.row, variant.column], f"{variant.row}, {variant.column}"
        scores += fine_tuning.scored(own, protocol, group=group)
        if variant.over is not None:
            scores += fine_tuning.gained(own, hits[variant.over, variant.column], protocol, group=group, over=variant.over)
        place = {"row": variant.row, "column": variant.column}
        details += [
            {**place, "split": i, "metric": m, "value": float(np.mean(split[m]))} for i, split in enumerate(own) for m in ("top-1", "top-5")
        ]
    rows, per_split = tidy.frame(scores), pd.DataFrame(details)
    chance = {str(m): float(c) for m, c in rows[rows["metric"].isin(["top-1", "top-5"])].groupby("metric")["chance"].mean().items()}
    with runs.atomic(out / "per_split.parquet") as temporary:
        per_split.to_parquet(temporary, index=False)
    chances = ", ".join(f"{metric} {value:.1%}" for metric, value in sorted(chance.items()))
    note = f"{protocol.words}. Chance: {chances}. Mean ± sd over splits; results.csv has intervals and gains."
    fine_tuning.write_layout(out, per_split, title=settings.title, note=note)
    with runs.atomic(out / "results.csv") as temporary:
        texts.write_csv(rows, temporary)
    runs.remove(out / "work")


def _variant(variant: Variant, settings: FinetuneSettings, protocol: Protocol, work: Path) -> list[dict[str, Any]]:
    """The hits of every split of one variant; those that are done are read again."""
    import hashlib
    import json

    import numpy as np

    from impasto import runs
    from impasto.evaluation import fine_tuning
    from impasto.training.earlier import Earlier

    described = {**settings.model_dump(mode="json", exclude={"variant"}), **variant.model_dump(mode="json")}
    folder = work / hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    earlier = Earlier.read(variant.start) if variant.start is not None else None
    if earlier is not None:
        fine_tuning.refuse_seen(settings.cell_line, earlier.facts.get("lines", []), earlier.folder)
    method = method_of(settings, variant)
    added = methods.additions(method)
    loop = settings.loop.seeded(settings.seed)
    material = _material(settings, method, earlier)
    hits = []
    for number, parts in enumerate(fine_tuning.draw(material.units, material.names, protocol)):
        place = folder / f"{number}.npz"
        if not place.exists():
            split = fine_tuning.one_split(
                material,
                parts,
                add=lambda prepared: methods.with_additions(prepared, added, seed=settings.seed),
                loop=loop,
                out=folder / str(number),
            )
            with runs.atomic(place) as temporary:
                np.savez(temporary, **split)  # type: ignore[arg-type]
        with np.load(place, allow_pickle=False) as kept:
            hits.append(dict(kept))
    return hits


def _material(settings: FinetuneSettings, method: Part, earlier: Earlier | None) -> Material:
    from impasto.evaluation import fine_tuning
    from impasto.pretrain import few_shot

    said = method.settings.model_dump(mode="json", exclude_unset=True, exclude=set(methods.ADDITIONS))
    if settings.profiles is not None:
        from impasto import profiles as tables

        return few_shot.Profiles(tables.read(settings.profiles), said, earlier, where="[stage.method]")
    from impasto.plates.sites import Sites

    assert settings.sites is not None
    sites = Sites.read(settings.sites)
    rows = [int(r) for r in fine_tuning.rows_of_line(sites.table, settings.cell_line)]
    return few_shot.Images(sites, said, earlier, among=rows, where="[stage.method]")


def inputs(settings: FinetuneSettings) -> list[Path]:
    """The data, the weights of all starts, and the graphs and vectors that are added.

    Parameters
    ----------
    settings
        A fine-tuning.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    starts = [v.start / "model.safetensors" for v in settings.variant if v.start is not None]
    data = [p for p in (settings.sites, settings.profiles) if p is not None]
    added = [path for variant in settings.variant for path in methods.added_files(method_of(settings, variant))]
    return list(dict.fromkeys([*data, *starts, *added]))


VERB = Verb(settings=FinetuneSettings, inputs=inputs, run=run, result="", writes=FOLDER, digest=digest_of_images)
