"""The published weights of CellCLIP as a run of two towers, by a map of names. Strict: what is missing, new or misshapen is refused.

    image_pool.{V, U, attention}                    gated attention
    visual.{channel_embed, channel_ln, cls_token}   LN(mu + chn), class token
    visual.ln_pre, visual.transformer.resblocks.i   blocks with x sigmoid(1.702 x)
    visual.ln_post, visual.proj                     exit, transposed, without bias
    BERT, text_proj, logit_scale                    text tower and scale

Lu et al., CellCLIP. The file and its licence are the user's. It was trained on channels in the order ER, RNA, Mito, DNA, AGP. Its
profiles are class tokens of DINOv2-G as they are, the mean of five crops of 224 native pixels. Its texts have at most 256 tokens. Which
perturbations it saw is not in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from impasto import runs, texts
from impasto.feature_names import embedding_names
from impasto.identity import Identity
from impasto.joint import two_towers
from impasto.joint.settings import TwoTowersSettings
from impasto.schema import GENE, SMILES, InputError
from impasto.training import checkpoint

CHANNELS = ("ER", "RNA", "Mito", "DNA", "AGP")
"""In the order of the weights."""
ENCODER = "facebook/dinov2-giant"
_HEADS, _TOKENS, _WITHOUT_LIMIT = 8, 256, 1e9
_WORDS = "embeddings.word_embeddings.weight"
_BLOCK = "visual.transformer.resblocks."
_OF_A_BLOCK = {
    "ln_1.weight": "norm_mixer.weight",
    "ln_1.bias": "norm_mixer.bias",
    "attn.in_proj_weight": "mixer.qkv.weight",
    "attn.in_proj_bias": "mixer.qkv.bias",
    "attn.out_proj.weight": "mixer.out.weight",
    "attn.out_proj.bias": "mixer.out.bias",
    "ln_2.weight": "norm_mlp.weight",
    "ln_2.bias": "norm_mlp.bias",
    "mlp.c_fc.weight": "mlp.0.weight",
    "mlp.c_fc.bias": "mlp.0.bias",
    "mlp.c_proj.weight": "mlp.3.weight",
    "mlp.c_proj.bias": "mlp.3.bias",
}
_NORMS = {"channel_ln": "norm_channels", "ln_pre": "norm_in", "ln_post": "trunk.norm"}
_OF_BERT = ("embeddings", "encoder", "pooler")
_POOLING = {"V": "value", "U": "gate", "attention": "score"}


def read(path: Path, /) -> dict[str, Tensor]:
    """The tensors of a checkpoint.

    Parameters
    ----------
    path
        `.safetensors`, or a file of torch that holds tensors alone, by themselves or under `state_dict` or `model`.

    Returns
    -------
    dict[str, Tensor]
        Name -> tensor, float32, without the prefix `module.` that several GPUs leave.

    Raises
    ------
    InputError
        Where it cannot be read without unpickling, or holds no tensors.

    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the checkpoint that CellCLIP's authors publish")
    try:
        held = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # noqa: BLE001 - torch raises what the file makes it raise
        raise InputError(
            f"{path} cannot be read as tensors alone ({type(error).__name__}), and nothing else is ever unpickled; give the checkpoint "
            "that CellCLIP's authors publish, or its tensors as .safetensors"
        ) from None
    for word in ("state_dict", "model"):
        held = held[word] if isinstance(held, Mapping) and isinstance(held.get(word), Mapping) else held
    if not isinstance(held, Mapping) or not held or not all(isinstance(tensor, Tensor) for tensor in held.values()):
        raise InputError(f"{path} holds no table of tensors by name; give the checkpoint that CellCLIP's authors publish")
    return {name.removeprefix("module."): tensor.float() for name, tensor in held.items()}


def renamed(weights: Mapping[str, Tensor], /, *, where: str) -> dict[str, Tensor]:
    """The weights under the names and in the form of `TwoTowers`.

    Parameters
    ----------
    weights
        Name -> tensor, of the checkpoint.
    where
        What an error names.

    Returns
    -------
    dict[str, Tensor]
        Name -> tensor.

    Raises
    ------
    InputError
        Where a tensor is missing, or one is there that the map does not know.

    """
    left = {name: tensor for name, tensor in weights.items() if not name.endswith("embeddings.position_ids")}

    def take(name: str) -> Tensor:
        if name not in left:
            raise InputError(f"{where} has no tensor {name!r}, so it is not the published CellCLIP")
        return left.pop(name)

    tower = "profile_tower."
    made = {
        f"{tower}channels": take("visual.channel_embed").flatten(0, -2),
        f"{tower}cls": take("visual.cls_token").flatten(),
        f"{tower}project_out.weight": take("visual.proj").T.contiguous(),
        "objective.log_scale": take("logit_scale").reshape(()),
    }
    for part in ("weight", "bias"):
        made |= {f"{tower}{own}.{part}": take(f"visual.{published}.{part}") for published, own in _NORMS.items()}
        made |= {f"pooling.{own}.{part}": take(f"image_pool.{published}.{part}") for published, own in _POOLING.items()}
    for number in range(_depth(left)):
        made |= {f"{tower}trunk.blocks.{number}.{own}": take(f"{_BLOCK}{number}.{published}") for published, own in _OF_A_BLOCK.items()}
    made |= _text(left, where=where)
    if left:
        raise InputError(f"{where} has {len(left)} tensors that the published CellCLIP does not have (first: {min(left)!r})")
    width = made[f"{tower}cls"].numel()
    made |= {"mean": torch.zeros(len(CHANNELS), width), "spread": torch.ones(len(CHANNELS), width)}
    return made


def _depth(weights: Mapping[str, Tensor]) -> int:
    return len({name.removeprefix(_BLOCK).split(".")[0] for name in weights if name.startswith(_BLOCK)})


def _text(left: dict[str, Tensor], *, where: str) -> dict[str, Tensor]:
    """BERT, under whatever name it is held, and the projection of its pooled output; they are taken out of `left`."""
    owner = next((name.removesuffix(_WORDS) for name in left if name.endswith(_WORDS)), None)
    projection = next((name for name in ("text_proj.weight", "text_proj") if name in left), None)
    if owner is None or projection is None:
        lacking = _WORDS if owner is None else "text_proj.weight"
        raise InputError(f"{where} has no tensor {lacking!r}, so it is not the published CellCLIP")
    matrix = left.pop(projection)
    matrix = matrix if projection.endswith("weight") else matrix.T.contiguous()
    bias = left.pop("text_proj.bias", torch.zeros(len(matrix)))
    bert = [name for name in left if name.startswith(tuple(f"{owner}{part}." for part in _OF_BERT))]
    made = {f"perturbation_tower.encoder.model.{name.removeprefix(owner)}": left.pop(name) for name in bert}
    return made | {"perturbation_tower.head.1.weight": matrix, "perturbation_tower.head.1.bias": bias}


def settings_of(weights: Mapping[str, Tensor], /, *, text: str) -> TwoTowersSettings:
    """The settings of the run that these weights are.

    Parameters
    ----------
    weights
        By the names of `TwoTowers`.
    text
        The text model whose tokenizer and form the text tower has: a folder or a hub name.

    Returns
    -------
    TwoTowersSettings
        Gated attention, the published trunk, BERT's pooled output, CWCL.

    """
    return TwoTowersSettings(
        out=len(weights["profile_tower.project_out.weight"]),
        dropout=0.0,
        loss="cwcl",
        minibatch=512,
        text=text,
        text_pooling="cls",
        text_training="whole",
        text_limit=_TOKENS,
        template="figure",
        details=[SMILES, GENE],
        pooling="gated_attention",
        published=True,
        width=0,
        depth=len({name.split(".")[3] for name in weights if name.startswith("profile_tower.trunk.blocks.")}),
        heads=_HEADS,
        clip_values=_WITHOUT_LIMIT,
    )


def facts_of(weights: Mapping[str, Tensor], /) -> dict[str, Any]:
    """What the run remembers: its features by name, and how they must have been made.

    Parameters
    ----------
    weights
        By the names of `TwoTowers`.

    Returns
    -------
    dict[str, Any]
        The `facts` of model.json. The split is empty: nobody knows here what the weights have seen.

    """
    width = weights["profile_tower.cls"].numel()
    crops = {"way": "random", "instances": False, "seed": 0}
    encoder = {"name": ENCODER, "layer": -1, "readout": "cls", "size": 224, "input": "gray3", "normalise": "imagenet", "crops": crops}
    return {
        "features": [name for channel in CHANNELS for name in embedding_names(channel, width)],
        "blocks": list(CHANNELS),
        "profile_width": width,
        "perturbation_width": weights["perturbation_tower.head.1.weight"].shape[1],
        "split": {},
        "split_identities": {},
        "cell_line": None,
        "perturbation_type": None,
        "identity": Identity(encoder).record(),
    }


def write(file: Path, out: Path, /, *, text: str) -> None:
    """Write the run: model.json, model.safetensors, card.md.

    Parameters
    ----------
    file
        The checkpoint.
    out
        The folder of the run.
    text
        The text model whose tokenizer and form the text tower has.

    Raises
    ------
    InputError
        Where the file is not the published CellCLIP, or the text model is another.

    """
    from safetensors.torch import save as as_bytes

    weights = renamed(read(file), where=str(file))
    settings, facts = settings_of(weights, text=text), facts_of(weights)
    method = two_towers.rebuild(settings, facts)
    checkpoint.put(method, weights, where=str(file))
    digest = runs.digest(file)
    described = {"method": settings.model_dump(mode="json"), "seed": 0, "facts": facts, "imported": {"file": file.name, "sha256": digest}}
    runs.write_json(out / "model.json", described)
    with runs.atomic(out / "model.safetensors") as temporary:
        temporary.write_bytes(as_bytes({name: tensor.contiguous() for name, tensor in method.state_dict().items()}))
    with runs.atomic(out / "card.md") as temporary:
        texts.write(temporary, _CARD.format(file=file.name, digest=digest, text=text, encoder=ENCODER, channels=", ".join(CHANNELS)))


_CARD = """# CellCLIP, imported

Weights of `{file}` (sha256 `{digest}`), published by the authors of CellCLIP and brought into this form by name. Their licence is the
authors'. Which perturbations they were trained on is not in the file: a score of compounds that they may have seen is not one of held-out
compounds.

- Profiles: class token of {encoder}, a channel at a time ({channels}), the mean of five crops of 224 native pixels, as they are:
  `impasto profile PLATES --encoder {encoder} --crops random --level site --out PROFILES`.
- Texts: {text}, at most 256 tokens, in the form of the paper's Fig. S.2.
"""
