"""Files that the package ships: in a checkout they lie at its root, in an installed package in its folder `shipped`."""

from __future__ import annotations

from pathlib import Path

from impasto.schema import InputError


def path(name: str, /) -> Path:
    """Where a shipped file or folder lies.

    Parameters
    ----------
    name
        From the root of the repository: `"recipes/demo.toml"`.

    Returns
    -------
    Path
        In the checkout that is worked in, or that the package was installed from; else in the package.

    Raises
    ------
    InputError
        It is in none of them.

    """
    package = Path(__file__).resolve().parents[1]
    for base in (Path.cwd(), package.parents[1], package / "shipped"):
        if (base / name).exists():
            return base / name
    raise InputError("this package was built without the demo's recipe and data; install it again: pip install --force-reinstall impasto")
