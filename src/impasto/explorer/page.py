"""The page itself: three files that are built from `explorer/` at the root of the repository, each with an ETag."""

from __future__ import annotations

import hashlib
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

FILES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "app.css": "text/css; charset=utf-8",
}
"""A file of the page -> its media type."""


def content(name: str, /) -> bytes | None:
    """One file of the page.

    Parameters
    ----------
    name
        One of `FILES`.

    Returns
    -------
    bytes | None
        None where the page was not built.

    """
    file = resources.files("impasto.explorer").joinpath("static", name)
    return file.read_bytes() if file.is_file() else None


def add(app: FastAPI, /) -> None:
    """Add the routes of the page.

    Parameters
    ----------
    app
        The application.

    """

    @app.get("/")
    def _index(request: Request) -> Response:
        return _answer(request, "index.html")

    @app.get("/app.js")
    def _script(request: Request) -> Response:
        return _answer(request, "app.js")

    @app.get("/app.css")
    def _style(request: Request) -> Response:
        return _answer(request, "app.css")


def _answer(request: Request, name: str) -> Response:
    page = content(name)
    if page is None:
        raise HTTPException(404, f"the page was not built ({name} is missing); in a checkout run: cd explorer && npm ci && node build.mjs")
    tag = f'"{hashlib.sha256(page).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(page, media_type=FILES[name], headers=headers)
