"""The kinds of stage that a recipe may have, one file each: its settings, the files it reads, what it leaves.

Here is nothing of the terminal (that is in verbs/) and no algorithm (those are in the packages). A stage reads files, calls one function
of a package, and writes files. At the top a file imports only settings and words; the work is imported inside `run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.stages.base import Verb

STAGES: Family[Verb] = Family(
    "stages",
    what="verb",
    parts={
        "simulate": "impasto.stages.simulate:VERB",
        "ingest": "impasto.stages.ingest:VERB",
        "design": "impasto.stages.design:VERB",
        "check": "impasto.stages.check:VERB",
        "cells": "impasto.stages.cells:VERB",
        "profile": "impasto.stages.profile:VERB",
        "correct": "impasto.stages.correct:VERB",
        "graph": "impasto.stages.graph:VERB",
        "expression": "impasto.stages.expression:VERB",
        "train": "impasto.stages.train:VERB",
        "import": "impasto.stages.import_run:VERB",
        "finetune": "impasto.stages.finetune:VERB",
        "embed": "impasto.stages.embed:VERB",
        "evaluate": "impasto.stages.evaluate:VERB",
        "choose": "impasto.stages.choose:VERB",
        "sweep": "impasto.sweep:VERB",
        "montage": "impasto.stages.montage:VERB",
        "table": "impasto.stages.table:VERB",
        "panels": "impasto.stages.panels:VERB",
        "index": "impasto.stages.index:VERB",
        "map": "impasto.stages.map:VERB",
        "place": "impasto.stages.place:VERB",
        "export": "impasto.stages.export:VERB",
        "report": "impasto.stages.report:VERB",
    },
)
"""Name of a verb that can be a stage of a recipe -> its `Verb`. A sweep runs recipes, so it stands above them."""
