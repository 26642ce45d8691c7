"""The compiled encoder gives torch's embeddings on real fields; without OpenVINO it is a sentence."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from tests.conftest import REPOSITORY

from impasto.nets.encoders import openvino_int8, vision
from impasto.plates.eight_bit import to_8_bit
from impasto.profiling.preprocess import to_encoder
from impasto.schema import InputError

FIELDS = REPOSITORY / "data" / "demo" / "fields"


def test_without_openvino_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[openvino\]'"):
        openvino_int8.convert(vision.load("random"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["efficientnet_lite0", "dinov2_s14"])
def test_embeddings_of_real_fields_are_torchs(name: str) -> None:
    import tifffile

    pytest.importorskip("openvino")
    pytest.importorskip("nncf")
    planes = np.stack([to_8_bit(plane) for path in sorted(FIELDS.glob("*.tif"))[:2] for plane in tifffile.imread(path)])
    images = to_encoder(torch.from_numpy(planes), size=224)
    encoder = vision.load(name)
    theirs, ours = encoder(images), openvino_int8.convert(encoder)(images)
    cosine = torch.nn.functional.cosine_similarity(theirs, ours)
    assert cosine.min() > 0.999
