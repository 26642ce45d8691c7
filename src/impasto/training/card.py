"""The model card written beside every checkpoint: what it is, which data it saw, which data were held out, and its score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from impasto.settings import Settings
from impasto.training import log as training_log
from impasto.training import verdict
from impasto.version import __version__


def write(described: dict[str, Any], *, log: Path, digest: str, loop: Settings) -> str:
    """The text of a model card.

    Parameters
    ----------
    described
        The content of model.json.
    log
        The training log, one JSON object a line.
    digest
        SHA-256 of the data.
    loop
        How long it was trained, with which optimiser, where and in what precision.

    Returns
    -------
    str
        Markdown.

    """
    lines = training_log.read(log)
    facts, method = described["facts"], described["method"]
    settings = "\n".join(f"| {key} | {json.dumps(value)} |" for key, value in sorted(method.items()))
    data = described.get("profiles", described.get("sites"))
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

{_seen(facts)}
{_began(facts, described)}
## Training
{len(lines)} epochs, {lines[-1]["step"] if lines else 0} steps. {score}

| setting | value |
|---|---|
{settings}

| loop | value |
|---|---|
{_flat(loop.model_dump(mode="json"))}
"""


def _seen(facts: dict[str, Any]) -> str:
    """What the training saw, and what a score of it may be called."""
    split = {part: names for part, names in facts.get("split", {}).items() if names}
    trained = len(split.get("train", []))
    if set(split) <= {"train"}:
        what = f"All {trained} perturbations of these data were trained on" if trained else "Which perturbations were seen is not recorded"
        return f"No split: nothing was held out. {what}, so no score of them is one of held-out perturbations.\n"
    table = "\n".join(f"| {part} | {len(names)} |" for part, names in split.items())
    return f"""| part | perturbations |
|---|---|
{table}

Digest of the split: `{facts.get("split_digest", "none")}`.

No perturbation (InChIKey where known) stands in two parts: the split was checked before training. A score of the {trained} in the part
`train` is not one of held-out perturbations. `impasto embed` marks each row with its part, in these data and in others.
"""


def _began(facts: dict[str, Any], described: dict[str, Any]) -> str:
    """Where the weights began, and what made the profiles; nothing where neither is known."""
    start, earlier = facts.get("start"), described.get("start")
    began = f"Began with the weights of {start['name']} (sha256 `{start['sha256']}`).\n" if start else ""
    began += f"Began with the run `{earlier['run']}` (sha256 `{earlier['digest']}`); it has seen what that run saw.\n" if earlier else ""
    encoder = (facts.get("identity") or {}).get("encoder")
    return began + (f"Reads profiles of the encoder {encoder.get('name')} (sha256 `{encoder.get('sha256')}`).\n" if encoder else "")


def _flat(values: dict[str, Any], owner: str = "") -> str:
    """Settings inside settings as one table: `optim.lr`."""
    rows = []
    for key, value in sorted(values.items()):
        rows.append(_flat(value, f"{owner}{key}.") if isinstance(value, dict) and value else f"| {owner}{key} | {json.dumps(value)} |")
    return "\n".join(rows)
