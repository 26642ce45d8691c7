"""An extension of griffe: the functions of `im.pp` that are built from settings, for the page of `im.pp`.

All other pages are made from the source text, which shows annotations and constants as they are written. These functions have none.
"""

from __future__ import annotations

import griffe

from impasto import pp


class Correctors(griffe.Extension):
    """Adds one function a correction method to `impasto.pp`."""

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader) -> None:
        """Take what the imported module has and its source text has not."""
        written = pkg["pp"]
        imported = griffe.inspect("impasto.pp", filepath=written.filepath, docstring_parser=loader.docstring_parser)
        for name in dir(pp):
            if name not in written.members:
                written.set_member(name, imported[name])
