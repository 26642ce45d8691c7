"""`impasto correct PROFILES --method NAME --out PROFILES`: take the plate out, leave the biology in, and show the receipt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe, texts
from impasto.correction import CORRECTORS
from impasto.schema import InputError, nearest
from impasto.stages.correct import CorrectSettings, receipt_path, step_settings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="Where to write: .parquet, .h5ad, .zarr, or .plates (a folder with a file a plate).")
    method: list[str] = Field(default_factory=list, description="A correction; repeat it for several, which are applied in order.")
    by: str | None = Field(
        default=None, description="What is corrected on its own: plate, batch, source or all; by default as the method is meant."
    )
    arms: Path | None = Field(default=None, description="A table of genes and their chromosome arms, for the method arm.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Correct, and print the receipt."""
    values |= {"steps": steps(flags)} if flags.method else {}
    recipe.execute("correct", CorrectSettings.read(values, where="impasto correct"), out=flags.out)
    receipt = json.loads(texts.read(receipt_path(flags.out)))
    if flags.as_json:
        terminal.write_json(receipt)
    else:
        show(receipt, flags.out)


def steps(flags: Flags) -> list[dict[str, Any]]:
    """The steps of `--method`, each with the values of `--by` and `--set` that are its own.

    Parameters
    ----------
    flags
        The options of the verb.

    Returns
    -------
    list[dict]
        One table a method, plain and unchecked.

    Raises
    ------
    InputError
        Where there is no such method, or a word of `--set` is no pair.

    """
    changes = options.parse_set(flags.changes)
    _refuse_unread(flags, changes)
    tables: list[dict[str, Any]] = []
    for name in flags.method:
        known = step_settings(name).model_fields
        table: dict[str, Any] = {"method": name, **({"by": flags.by} if flags.by and "by" in known else {})}
        table |= {"arms": str(flags.arms)} if flags.arms and "arms" in known else {}
        table |= {k: v for k, v in changes.items() if k not in flags.method and (k in known or len(flags.method) == 1)}
        tables.append({**table, **changes.get(name, {})})
    return tables


def _refuse_unread(flags: Flags, changes: dict[str, Any]) -> None:
    """Raise InputError where a value is given that none of the methods reads."""
    fields = {name: step_settings(name).model_fields for name in flags.method}
    for option, value in (("by", flags.by), ("arms", flags.arms)):
        if value and fields and not any(option in known for known in fields.values()):
            readers = [name for name in CORRECTORS if option in step_settings(name).model_fields]
            methods = ", ".join(flags.method)
            unread = f"none of {methods} reads it" if len(flags.method) > 1 else f"{methods} does not read it"
            raise InputError(f"--{option} {value}: {unread}; leave it out, or use it with {', '.join(readers)}")
    for key in changes:
        if len(fields) > 1 and key not in fields and not any(key in known for known in fields.values()):
            known_keys = {setting for known in fields.values() for setting in known}
            raise InputError(f"--set {key}: none of {', '.join(flags.method)} has this setting{nearest(key, known_keys)}")


def show(receipt: dict[str, Any], out: Path) -> None:
    """Print a receipt.

    Parameters
    ----------
    receipt
        What `correct` returned.
    out
        The corrected profiles.

    """
    for step in receipt["methods"]:
        if step.get("learned_anew"):
            terminal.console.print(
                f"{step['method']} had not seen {', '.join(step['learned_anew'])} in its fit: corrected by what their own rows say",
                highlight=False,
            )
    rows = [{"variance explained by": name, "before": v["before"], "after": v["after"]} for name, v in receipt["explained"].items()]
    terminal.console.print(f"[bold]{' -> '.join(m['method'] for m in receipt['methods'])}[/bold]", highlight=False)
    terminal.show(rows, title="", as_json=False)
    before, after = (receipt["signal"][when] for when in ("before", "after"))
    # Neither is known where no perturbation stands on two plates.
    if before is not None and after is not None:
        terminal.console.print(f"replicates over plates are nearer than others by {before:.3f} -> {after:.3f} in cosine", highlight=False)
        if after < before:
            terminal.console.print("that is less than before: score both tables (impasto evaluate replicates) before you use this one")
    terminal.console.print(
        f"{receipt['rows']} rows, {receipt['features']['before']} -> {receipt['features']['after']} features: {out}", highlight=False
    )


command = options.command(
    "correct",
    CorrectSettings,
    Flags,
    run=run,
    about=ABOUT["correct"],
    example="impasto correct profiles.parquet --method select --method standardize --method sphering --spare 0.5 --out corrected.parquet",
    names={"method": CORRECTORS},
)
