"""Text encoders: any BERT-like model by packaged name, folder or hub name; frozen and cached, or trained.

The sentence is the mean of the last layer's tokens (the packaged model's own pooling), or the pooled CLS output where a model
has one (`pooling="cls"`, as CellCLIP's BERT). Texts are padded to the longest of their minibatch, not to 512 tokens.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from impasto.nets.encoders import weights
from impasto.schema import InputError, one_of


class TextEncoder(nn.Module):
    """Texts -> embeddings. Texts longer than the model's limit are cut, with one warning that counts them.

    Parameters
    ----------
    model
        A BERT-like model of transformers.
    tokenizer
        Its tokenizer.
    name
        What a record calls it.
    pooling
        `mean` of the last layer's tokens, or `cls`.

    """

    def __init__(self, model: nn.Module, tokenizer: Any, *, name: str, pooling: str = "mean") -> None:
        super().__init__()
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.pooling = one_of(pooling, ("mean", "cls"), what="text pooling")
        self.width = int(model.config.hidden_size)  # type: ignore[union-attr,arg-type]
        self.limit = _limit(model)

    def tokens(self, texts: Sequence[str], /) -> dict[str, Tensor]:
        """The tokens of texts, padded to the longest of them.

        Parameters
        ----------
        texts
            N texts.

        Returns
        -------
        dict[str, Tensor]
            `input_ids` and `attention_mask`, (N, longest) each.

        """
        encoded = self.tokenizer(list(texts), padding=True, truncation=False, return_tensors="pt")
        cut = int((encoded["attention_mask"].sum(dim=1) > self.limit).sum())
        if cut:
            warnings.warn(f"{cut} of {len(texts)} texts are longer than {self.limit} tokens and are cut", stacklevel=2)
            encoded = self.tokenizer(list(texts), padding=True, truncation=True, max_length=self.limit, return_tensors="pt")
        return {k: encoded[k] for k in ("input_ids", "attention_mask")}

    def forward(self, input_ids: Tensor, attention_mask: Tensor, /) -> Tensor:
        """Embed tokens.

        Parameters
        ----------
        input_ids, attention_mask
            (N, longest) each, from `tokens`.

        Returns
        -------
        Tensor
            (N, width).

        """
        out = self.model(input_ids=input_ids, attention_mask=attention_mask)
        if self.pooling == "cls":
            return out.pooler_output if getattr(out, "pooler_output", None) is not None else out.last_hidden_state[:, 0]
        mask = attention_mask[..., None].to(out.last_hidden_state.dtype)
        return (out.last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)

    def train_only(self, layers: int | None, /) -> None:
        """Let the last layers learn, and what follows them; the other weights stay as they are.

        Parameters
        ----------
        layers
            How many; None lets all of the model learn.

        Raises
        ------
        InputError
            Where the model has fewer layers.

        """
        stack = getattr(getattr(self.model, "encoder", None), "layer", None)
        pooler = getattr(self.model, "pooler", None)
        if layers is not None:
            if stack is None or not 0 < layers <= len(stack):
                layers_there = "no list of layers" if stack is None else f"{len(stack)} layers"
                raise InputError(
                    f"text model {self.name!r} has {layers_there}, so its last {layers} cannot be trained; set text_training = 'whole'"
                )
            self.model.requires_grad_(False)
            for part in stack[-layers:]:
                part.requires_grad_(True)
        if pooler is not None:
            # The mean of tokens passes the pooler by; ranks that average gradients must not wait for its.
            pooler.requires_grad_(self.pooling == "cls")

    @torch.no_grad()
    def encode(self, texts: Sequence[str], /, *, minibatch: int = 64) -> Tensor:
        """Embeddings of texts, frozen. Each distinct text is read once, short ones together.

        Parameters
        ----------
        texts
            N texts.
        minibatch
            Texts that go through the model together.

        Returns
        -------
        Tensor
            (N, width).

        """
        distinct = sorted(set(texts), key=lambda t: (len(t), t))
        self.eval()
        parts = [self(*self.tokens(distinct[i : i + minibatch]).values()) for i in range(0, len(distinct), minibatch)]
        place = {text: number for number, text in enumerate(distinct)}
        return torch.cat(parts)[[place[t] for t in texts]] if texts else torch.empty(0, self.width)


def _limit(model: nn.Module) -> int:
    """How many tokens a text may have: as many as there are positions, less those that a model like RoBERTa keeps for padding."""
    positions = int(model.config.max_position_embeddings)  # type: ignore[union-attr,arg-type]
    embedding = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(embedding, "padding_idx", None)
    return positions if padding is None else positions - padding - 1


def load(name: str = "minilm", *, pooling: str = "mean") -> TextEncoder:
    """A text encoder by name.

    Parameters
    ----------
    name
        A packaged name (`minilm`), a folder, or a hub name.
    pooling
        `mean` of the last layer's tokens, or `cls`.

    Returns
    -------
    TextEncoder
        The encoder.

    Raises
    ------
    InputError
        Where there is no text model of that name.

    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # loading takes a second; the bar only litters the terminal
    packaged = weights.WEIGHTS.get(name)
    if packaged is not None and packaged.role != "text":
        raise InputError(f"{name!r} is a {packaged.role} model, not a text model; packaged text models: minilm")
    source: Path | str = weights.folder(name) if packaged else name
    try:
        # A folder never asks the network; a hub name may.
        local = Path(source).is_dir()
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=local)
        model = AutoModel.from_pretrained(source, local_files_only=local)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"no text model {name!r}: not packaged (minilm), not a folder, and the hub did not give it ({first})") from None
    return TextEncoder(model, tokenizer, name=name, pooling=pooling)
