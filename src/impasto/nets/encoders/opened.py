"""A model of transformers opened by folder or hub name, at a known commit, from safetensors alone.

A model may bring code of its own. That code is run only where the user names its repository and commit (`ORG/MODEL@COMMIT`) and says that
its licence is accepted; it may read weights in a way of its own then, unpickling included. Nothing else here ever unpickles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from impasto.nets.encoders import hub
from impasto.schema import InputError

_COMMIT = r"[0-9a-f]{40}"
_PINNED = re.compile(rf"(?P<repository>[\w.-]+/[\w.-]+)@(?P<commit>{_COMMIT})")


@dataclass(frozen=True)
class Opened:
    """A model with what a record must say of it.

    Attributes
    ----------
    model
        Of transformers, in evaluation mode.
    name
        A folder, or `ORG/MODEL`.
    commit
        Of the hub; empty for a folder.
    sha256
        Of its tensors.

    """

    model: nn.Module
    name: str
    commit: str
    sha256: str


def model(name: str, /, *, code: str, accept_licence: bool, packaged: str) -> Opened:
    """Open a model.

    Parameters
    ----------
    name
        A folder, `ORG/MODEL` or `ORG/MODEL@COMMIT`.
    code
        `ORG/MODEL@COMMIT` of the code it brings; empty where none may be run.
    accept_licence
        Whether the user has accepted the licence of that code.
    packaged
        The names that an error offers instead.

    Returns
    -------
    Opened
        The model.

    Raises
    ------
    InputError
        Where there is none, it needs code that was not named or accepted, or its weights are no safetensors.

    """
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    at = _PINNED.fullmatch(name)
    source = at["repository"] if at else name
    local = Path(source).is_dir()
    pinned = _pinned(code, source, local=local, accept_licence=accept_licence) if code else None
    commit = at["commit"] if at else pinned["commit"] if pinned and pinned["repository"] == source else None
    try:
        if pinned:
            _refuse_other_code(source, commit, pinned["repository"])
        loaded: Any = AutoModel.from_pretrained(
            source,
            revision=commit or "main",
            local_files_only=local,
            trust_remote_code=bool(pinned),
            code_revision=pinned["commit"] if pinned else None,
            use_safetensors=None if pinned else True,
            dtype="float32",
        )
    except ImportError as error:
        raise InputError(f"the code of {source} needs packages that are not installed here: {_first(error)}") from error
    except (OSError, ValueError) as error:
        if "trust_remote_code" in str(error) or "custom code" in str(error):
            raise InputError(
                f"{source} has code of its own, which runs only if you allow it; read it on the model's page, and name its commit: "
                f"--code {source}@<40 hexadecimal digits> --accept-licence"
            ) from None
        raise InputError(f"no encoder {name!r}: packaged are {packaged}; as a folder or hub name it gave: {_first(error)}") from None
    known = commit or getattr(loaded.config, "_commit_hash", None) or ""
    return Opened(loaded.eval(), source, "" if local else known, hub.digest(loaded))


def _pinned(code: str, source: str, *, local: bool, accept_licence: bool) -> re.Match[str]:
    pinned = _PINNED.fullmatch(code)
    if pinned is None:
        raise InputError(f"--code {code!r} does not name a commit; write ORG/MODEL@<40 hexadecimal digits>, as on the model's page")
    if local:
        raise InputError(f"the code in the folder {source} cannot be held against a commit; give the model by its name, ORG/MODEL")
    if not accept_licence:
        raise InputError(
            f"the code and weights of {pinned['repository']} are under its authors' licence; "
            "read it on the model's page, and add --accept-licence"
        )
    return pinned


def _refuse_other_code(source: str, commit: str | None, repository: str) -> None:
    """The code that is run must lie in the repository that was named."""
    from transformers import PretrainedConfig

    described, _ = PretrainedConfig.get_config_dict(source, revision=commit or "main")
    asked = (described.get("auto_map") or {}).get("AutoModel")
    if asked is None:
        raise InputError(f"{source} has no code of its own; leave out --code")
    reference = asked[0] if isinstance(asked, list | tuple) else str(asked)
    owner = reference.split("--")[0] if "--" in reference else source
    if owner != repository:
        raise InputError(f"{source} runs code of {owner}, and --code names {repository}; name the commit of {owner}")


def _first(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
