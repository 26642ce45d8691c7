"""Text encoders: a sentence is the mean of its tokens; each text is read once; what is cut or cannot be trained is said."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from impasto.nets.encoders import text
from impasto.nets.encoders.text import TextEncoder
from impasto.schema import InputError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cells", "treated", "with", "a", "compound", "gene"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers that knows eleven words and twelve places."""
    from transformers import BertConfig, BertModel, BertTokenizer

    found = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(found)
    (found / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(found / "vocab.txt")).save_pretrained(found)
    return found


@pytest.fixture
def encoder(folder: Path) -> TextEncoder:
    return text.load(str(folder)).eval()


def test_a_sentence_is_the_mean_of_its_tokens_whatever_it_is_padded_to(encoder: TextEncoder) -> None:
    short, long = "cells treated", "cells treated with a compound"
    ids, mask = encoder.tokens([short, long]).values()
    assert mask.sum(dim=1).tolist() == [4, 7]
    states = encoder.model(input_ids=ids[:1, :4], attention_mask=mask[:1, :4]).last_hidden_state[0]
    expected = sum(states) / 4
    with torch.no_grad():
        torch.testing.assert_close(encoder(ids, mask)[0], expected, rtol=1e-4, atol=1e-5)


def test_texts_come_in_their_order_and_each_is_read_once(encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    tokens = encoder.tokens
    monkeypatch.setattr(encoder, "tokens", lambda texts: (read.extend(texts), tokens(texts))[1])
    texts = ["gene", "cells treated", "gene", "a"]
    found = encoder.encode(texts, minibatch=2)
    assert sorted(read) == sorted(set(texts))
    assert torch.equal(found[0], found[2])
    for row, one in zip(found, texts, strict=True):
        torch.testing.assert_close(row, encoder.encode([one])[0], rtol=1e-4, atol=1e-5)
    assert encoder.encode([]).shape == (0, 16)


def test_cls_is_the_models_pooled_output(folder: Path) -> None:
    encoder = text.load(str(folder), pooling="cls").eval()
    given = encoder.tokens(["cells treated with a gene"])
    with torch.no_grad():
        torch.testing.assert_close(encoder(*given.values()), encoder.model(**given).pooler_output)


def test_texts_that_are_too_long_are_cut_and_counted(encoder: TextEncoder) -> None:
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than 12 tokens and are cut"):
        given = encoder.tokens(["cells", "cells " * 40])
    assert given["input_ids"].shape == (2, 12)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_only_the_last_layers_learn_and_the_pooler_where_it_is_read(folder: Path, pooling: str) -> None:
    encoder = text.load(str(folder), pooling=pooling)
    encoder.train_only(1)
    learning = {
        name.split(".")[0] if name.startswith("pooler") else name[:15] for name, p in encoder.model.named_parameters() if p.requires_grad
    }
    assert learning == {"encoder.layer.1"} | ({"pooler"} if pooling == "cls" else set())
    with pytest.raises(InputError, match="has 2 layers, so its last 3 cannot be trained"):
        encoder.train_only(3)


def test_what_is_no_text_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'dinov2_s14' is a vision model, not a text model; packaged text models: minilm"):
        text.load("dinov2_s14")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no text model .*: not packaged \(minilm\), not a folder"):
        text.load(str(tmp_path / "empty"))
    with pytest.raises(InputError, match="unknown text pooling 'max'"):
        TextEncoder(torch.nn.Identity(), None, name="x", pooling="max")


@pytest.mark.parametrize(("kind", "limit"), [("Roberta", 14), ("Bert", 16), ("XLMRoberta", 14)])
def test_a_text_of_the_longest_length_is_read_and_none_is_longer(kind: str, limit: int) -> None:
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 20}
    padding = {} if kind == "Bert" else {"pad_token_id": 1}
    model = getattr(transformers, f"{kind}Model")(getattr(transformers, f"{kind}Config")(**sizes, max_position_embeddings=16, **padding))
    encoder = text.TextEncoder(model, Mock(), name="tiny")
    assert encoder.limit == limit
    ids = torch.full((1, limit), 5)
    assert encoder(ids, torch.ones_like(ids)).shape == (1, 8)
    longer = torch.full((1, limit + 1), 5)
    with pytest.raises((IndexError, RuntimeError)):
        encoder(longer, torch.ones_like(longer))
