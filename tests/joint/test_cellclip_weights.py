"""A file of the published layout, made here, becomes a run: its embeddings against the equations in float64, and strict about names."""

from __future__ import annotations

import json
import math
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from typer.testing import CliRunner

from impasto import identity
from impasto import profiles as tables
from impasto.cli import app
from impasto.joint import cellclip_weights
from impasto.joint.cellclip_weights import CHANNELS
from impasto.joint.space import Space
from impasto.schema import InputError

WIDTH, OUT, DEPTH, HEADS, WORDS = 16, 6, 2, 8, 12
Weights = dict[str, Tensor]


def bert(folder: Path) -> torch.nn.Module:
    """A BERT of one layer in a folder, with a tokenizer."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder.mkdir(exist_ok=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cells", "treated", "with", "compound", ":", "x", "y"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(4)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 300}
    model = BertModel(BertConfig(vocab_size=WORDS, **sizes)).eval()
    model.save_pretrained(folder)
    return model


def published(model: torch.nn.Module) -> Weights:
    """The names and shapes of the published file, in small, with random values."""
    rng = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return 0.4 * torch.randn(*shape, generator=rng)

    made = {"visual.channel_embed": drawn(1, 5, WIDTH), "visual.cls_token": drawn(1, 1, WIDTH), "visual.proj": drawn(WIDTH, OUT)}
    for norm in ("channel_ln", "ln_pre", "ln_post"):
        made |= {f"visual.{norm}.weight": 1 + drawn(WIDTH), f"visual.{norm}.bias": drawn(WIDTH)}
    for number in range(DEPTH):
        block = f"visual.transformer.resblocks.{number}."
        for norm in ("ln_1", "ln_2"):
            made |= {f"{block}{norm}.weight": 1 + drawn(WIDTH), f"{block}{norm}.bias": drawn(WIDTH)}
        made |= {f"{block}attn.in_proj_weight": drawn(3 * WIDTH, WIDTH), f"{block}attn.in_proj_bias": drawn(3 * WIDTH)}
        made |= {f"{block}attn.out_proj.weight": drawn(WIDTH, WIDTH), f"{block}attn.out_proj.bias": drawn(WIDTH)}
        made |= {f"{block}mlp.c_fc.weight": drawn(4 * WIDTH, WIDTH), f"{block}mlp.c_fc.bias": drawn(4 * WIDTH)}
        made |= {f"{block}mlp.c_proj.weight": drawn(WIDTH, 4 * WIDTH), f"{block}mlp.c_proj.bias": drawn(WIDTH)}
    for name, rows in (("V", 128), ("U", 128)):
        made |= {f"image_pool.{name}.weight": drawn(rows, WIDTH), f"image_pool.{name}.bias": drawn(rows)}
    made |= {"image_pool.attention.weight": drawn(1, 128), "image_pool.attention.bias": drawn(1)}
    made |= {f"text.{name}": tensor.clone() for name, tensor in model.state_dict().items()}
    return made | {"text_proj.weight": drawn(OUT, 8), "text_proj.bias": drawn(OUT), "logit_scale": torch.tensor(math.log(14.3))}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Weights]:
    base = tmp_path_factory.mktemp("cellclip")
    weights = published(bert(base / "bert"))
    save_file(weights, base / "cellclip.safetensors")
    done = CliRunner().invoke(
        app, ["import", "cellclip", str(base / "cellclip.safetensors"), "--text", str(base / "bert"), "--out", str(base / "run")]
    )
    assert done.exit_code == 0, done.output
    return base, weights


def profiles(rows: int = 3) -> anndata.AnnData:
    """Wells whose channels stand in another order than that of the weights."""
    rng = np.random.default_rng(1)
    names = [f"emb_{channel}_{i:04d}" for channel in sorted(CHANNELS) for i in range(WIDTH)]
    obs = pd.DataFrame(
        {"perturbation": [f"p{i}" for i in range(rows)], "plate": "P", "well": [f"A{i + 1:02d}" for i in range(rows)]}
    ).rename(index=str)
    values = 12 * rng.standard_normal((rows, len(names))).astype(np.float32)
    return anndata.AnnData(X=values, obs=obs, var=tables.describe_features(names))


def norm(row: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    scaled = (row - row.mean()) / math.sqrt(((row - row.mean()) ** 2).mean() + 1e-5)
    return scaled * weights[f"visual.{name}.weight"] + weights[f"visual.{name}.bias"]


def pooled(bag: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    """(K, C, d) -> (C, d), a row at a time."""
    out = np.zeros(bag.shape[1:])
    for c in range(bag.shape[1]):
        scores = []
        for row in bag[:, c]:
            gate = 1 / (1 + np.exp(-(w["image_pool.U.weight"] @ row + w["image_pool.U.bias"])))
            hidden = np.tanh(w["image_pool.V.weight"] @ row + w["image_pool.V.bias"]) * gate
            scores.append(float((w["image_pool.attention.weight"] @ hidden + w["image_pool.attention.bias"])[0]))
        shares = np.exp(np.array(scores) - max(scores))
        out[c] = (shares / shares.sum()) @ bag[:, c]
    return out


def tower(mu: np.ndarray, w: dict[str, np.ndarray]) -> np.ndarray:
    channels = [norm(row + chn, w, "channel_ln") for row, chn in zip(mu, w["visual.channel_embed"][0], strict=True)]
    x = np.stack([norm(row, w, "ln_pre") for row in [w["visual.cls_token"][0, 0], *channels]])
    size = WIDTH // HEADS
    for number in range(DEPTH):
        block = f"transformer.resblocks.{number}."
        full = f"visual.{block}"
        normed = np.stack([norm(row, w, f"{block}ln_1") for row in x])
        q, k, v = np.split(normed @ w[f"{full}attn.in_proj_weight"].T + w[f"{full}attn.in_proj_bias"], 3, axis=1)
        heads = []
        for h in range(HEADS):
            part = slice(h * size, (h + 1) * size)
            scores = q[:, part] @ k[:, part].T / math.sqrt(size)
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            heads.append(shares / shares.sum(axis=1, keepdims=True) @ v[:, part])
        x = x + np.concatenate(heads, axis=1) @ w[f"{full}attn.out_proj.weight"].T + w[f"{full}attn.out_proj.bias"]
        wide = np.stack([norm(row, w, f"{block}ln_2") for row in x]) @ w[f"{full}mlp.c_fc.weight"].T + w[f"{full}mlp.c_fc.bias"]
        x = x + (wide / (1 + np.exp(-1.702 * wide))) @ w[f"{full}mlp.c_proj.weight"].T + w[f"{full}mlp.c_proj.bias"]
    out = norm(x[0], w, "ln_post") @ w["visual.proj"]
    return out / np.linalg.norm(out)


def test_rows_and_bags_are_the_equations_in_float64(made: tuple[Path, Weights]) -> None:
    base, weights = made
    w = {name: tensor.double().numpy() for name, tensor in weights.items()}
    space, given = Space.load(base / "run"), profiles()
    columns = [[f"emb_{channel}_{i:04d}" for i in range(WIDTH)] for channel in CHANNELS]
    values = np.stack([np.asarray(given[:, names].X, dtype=np.float64) for names in columns], axis=1)
    found = space.rows(given)
    for row in range(3):
        np.testing.assert_allclose(found[row], tower(pooled(values[row : row + 1], w), w), atol=2e-6)
    given.obs["perturbation"] = "p0"
    embedded = space.embed(given)
    bag = embedded.X[((embedded.obs["modality"] == "profile") & (embedded.obs["level"] == "perturbation")).to_numpy()]
    np.testing.assert_allclose(bag[0], tower(pooled(values, w), w), atol=2e-6)
    assert "split" not in embedded.obs, "nobody knows what the weights have seen"


def test_texts_are_the_pooled_output_projected(made: tuple[Path, Weights]) -> None:
    base, weights = made
    model = bert(base / "bert").double()
    with torch.no_grad():
        ids = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 3]])  # cells treated with compound : x
        seen = model(input_ids=ids).pooler_output[0] @ weights["text_proj.weight"].double().T + weights["text_proj.bias"].double()
    wanted = (seen / seen.norm()).numpy()
    np.testing.assert_allclose(Space.load(base / "run").text("cells treated with compound: x"), wanted, atol=2e-6)


def test_the_run_says_what_it_is(made: tuple[Path, Weights]) -> None:
    base, _ = made
    described = json.loads((base / "run" / "model.json").read_text())
    assert described["method"]["text_limit"] == 256
    assert described["facts"]["blocks"] == ["ER", "RNA", "Mito", "DNA", "AGP"]
    assert len(described["imported"]["sha256"]) == 64
    space, given = Space.load(base / "run"), profiles()
    assert float(space.method.objective.log_scale.detach().exp()) == pytest.approx(14.3, rel=1e-5)
    identity.put(given, identity.Identity({"name": "facebook/dinov2-giant", "layer": -1, "readout": "mean"}))
    with pytest.raises(InputError, match=r"they differ in readout first: cls, mean"):
        space.rows(given)
    assert "not one of held-out" in (base / "run" / "card.md").read_text()


def test_every_tensor_counts(made: tuple[Path, Weights], tmp_path: Path) -> None:
    base, weights = made
    whole = cellclip_weights.renamed(weights, where="f")
    towers = [name for name in weights if not name.startswith("text") and name != "logit_scale"]
    assert len(towers) == 9 + 6 + 12 * DEPTH  # twelve blocks: 159
    for name in ("visual.ln_pre.bias", "image_pool.U.weight", "visual.transformer.resblocks.1.mlp.c_fc.bias", "logit_scale"):
        with pytest.raises(InputError, match=f"has no tensor '{name}', so it is not the published CellCLIP"):
            cellclip_weights.renamed({n: t for n, t in weights.items() if n != name}, where="f")
    for name in ("text_proj.weight", "text.embeddings.word_embeddings.weight"):
        with pytest.raises(InputError, match=r"has no tensor .*, so it is not the published CellCLIP"):
            cellclip_weights.renamed({n: t for n, t in weights.items() if n != name}, where="f")
    with pytest.raises(InputError, match=r"has 1 tensors that the published CellCLIP does not have \(first: 'visual.extra'\)"):
        cellclip_weights.renamed({**weights, "visual.extra": torch.zeros(1)}, where="f")
    misshapen = {**weights, "image_pool.V.weight": torch.zeros(64, WIDTH)}
    save_file(misshapen, tmp_path / "bad.safetensors")
    with pytest.raises(InputError, match=r"weight 'pooling.value.weight' is of shape"):
        cellclip_weights.write(tmp_path / "bad.safetensors", tmp_path / "run", text=str(base / "bert"))
    matrix = {
        **{n: t for n, t in weights.items() if not n.startswith("text_proj")},
        "text_proj": weights["text_proj.weight"].T.contiguous(),
    }
    raw = cellclip_weights.renamed(matrix, where="f")
    assert torch.equal(raw["perturbation_tower.head.1.weight"], whole["perturbation_tower.head.1.weight"])


def test_files_of_torch_are_read_without_unpickling(made: tuple[Path, Weights], tmp_path: Path) -> None:
    _, weights = made
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in weights.items()}}, tmp_path / "c.pt")
    found = cellclip_weights.read(tmp_path / "c.pt")
    assert found.keys() == weights.keys()
    torch.save({"state_dict": Path("x")}, tmp_path / "evil.pt")
    with pytest.raises(InputError, match="cannot be read as tensors alone"):
        cellclip_weights.read(tmp_path / "evil.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="holds no table of tensors by name"):
        cellclip_weights.read(tmp_path / "list.pt")
    with pytest.raises(InputError, match="there is no file"):
        cellclip_weights.read(tmp_path / "none.pt")
