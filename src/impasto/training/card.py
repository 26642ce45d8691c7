"""The model card written beside every checkpoint: what it is, which data it saw, which data were held out, and its score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from impasto import __version__
from impasto.training import verdict


def write(described: dict[str, Any], *, log: Path, digest: str) -> str:
    """The text of a model card.

    Parameters
    ----------
    described
        The content of model.json.
    log
        The training log, one JSON object a line.
    digest
        SHA-256 of the data.

    Returns
    -------
    str
        Markdown.

    """
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    facts, method = described["facts"], described["method"]
    settings = "\n".join(f"| {key} | {json.dumps(value)} |" for key, value in sorted(method.items()))
    split = facts.get("split", {})
    data = described.get("profiles", described.get("sites"))
    seen = "\n".join(f"| {part} | {len(names)} |" for part, names in split.items())
    best = verdict.kept_line(lines) if any("validation_score" in line for line in lines) else None
    score = "No validation part; the last weights are kept."
    if best:
        score = f"Best validation score {best['validation_score']:.4f} after epoch {best['epoch']}."
        if "validation_chance" in best:
            score += f" A model that knows nothing scores {best['validation_chance']:.4f}."
    reasons = lines[-1].get(verdict.KEY) if lines else None
    warning = f"\n**{verdict.sentence(reasons).capitalize()}.** Do not use these weights.\n" if reasons else ""
    return f"""# {method["name"]}
{warning}
Written by impasto {__version__}. Weights: `model.safetensors`; settings and split: `model.json`; log: `log.jsonl`.

## Data
`{data}`, sha256 `{digest}`. The weights carry the licence of these data; state it when you share them.

| part | perturbations |
|---|---|
{seen}

Digest of the split: `{facts.get("split_digest", "none")}`.

No perturbation (InChIKey where known) stands in two parts: the split was checked before training. Before scoring this model
on other data, compare their perturbations with the lists in `model.json`.

## Training
{len(lines)} epochs, {lines[-1]["step"] if lines else 0} steps. {score}

| setting | value |
|---|---|
{settings}
"""
