"""The explorer's server: the page, and what it asks of one open index. Needs the extra `atlas` (FastAPI).

GET only. No route takes a path: tables, planes and rows are asked for by number or by a name that the index lists. An error is
`{"detail": sentence}`. `?v=DIGEST` of another build of the index is answered by 409. Answers to the digest at hand never change, so a
browser may keep them.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from impasto import failures, schema
from impasto.atlas import arrow_files, folder
from impasto.atlas.index import Index
from impasto.explorer import about, ask, cards, fields, montages, near, page, pixels, structure, why
from impasto.explorer.contents import Contents, open_contents
from impasto.explorer.downloads import NAMES, downloads
from impasto.explorer.guard import Guard
from impasto.schema import InputError

ARROW = "application/vnd.apache.arrow.file"
IMMUTABLE = "private, max-age=31536000, immutable"
ANSWERS = 512
"""So many answers about neighbours are kept."""
Top = Annotated[int, Query(ge=1, le=200)]
Words = Annotated[str, Query(min_length=1, max_length=2000)]


def application(index: Index, /, *, hosts: Iterable[str] = (), framed: bool = False) -> FastAPI:
    """The web application over one open index.

    Parameters
    ----------
    index
        An open index.
    hosts
        Host names that are answered besides those of loopback.
    framed
        Whether a notebook on loopback may show the page in a frame.

    Returns
    -------
    FastAPI
        The application.

    """
    contents = open_contents(index)
    app = FastAPI(title="impasto", docs_url=None, redoc_url=None, openapi_url=None)
    _errors(app)
    # What is added last stands in front: no answer leaves without passing the guard.
    app.add_middleware(Guard, hosts=hosts, framed=framed)
    page.add(app)
    of_build = [Depends(_of_build(contents))]
    _tables(app, contents, of_build)
    _compounds(app, contents, of_build)
    _cells(app, contents, of_build)
    return app


# ---------------------------------------------------------------- routes
def _tables(app: FastAPI, contents: Contents, of_build: list[Any]) -> None:
    """What the index holds, its columns, and questions in words."""
    asker = ask.Asker(contents)

    @functools.cache
    def facts() -> dict[str, Any]:
        return about.about(contents, questions=asker.kinds())

    @app.get("/api/about")
    def _about() -> JSONResponse:
        return JSONResponse(facts(), headers={"Cache-Control": "no-cache"})

    @app.get("/api/columns/{level}", dependencies=of_build)
    def _columns(level: str, names: str = "") -> Response:
        if level not in folder.LEVELS:
            raise HTTPException(404, f"there is no table {level!r}; there are: {', '.join(folder.LEVELS)}")
        table = contents.table(level)
        wanted = [name for name in names.split(",") if name] or table.column_names
        for name in wanted:
            schema.one_of(name, table.column_names, what=f"column of {level}")
        return Response(arrow_files.content(table.select(dict.fromkeys(wanted))), media_type=ARROW)

    @app.get("/api/ask", dependencies=of_build)
    def _ask(kind: str, query: Words, space: str = "", top: Top = 12) -> dict[str, Any]:
        return asker.ask(kind, query, space=_space(contents, space), top=top)

    @app.get("/api/{name}", dependencies=of_build)
    def _download(name: str) -> FileResponse:
        files = downloads(contents)
        if name not in files:
            known = "this index has no tables of hits" if name in NAMES else f"there is nothing called {name!r} here"
            raise HTTPException(404, known)
        return FileResponse(files[name], media_type=NAMES[name], filename=name)


def _compounds(app: FastAPI, contents: Contents, of_build: list[Any]) -> None:
    """The card of a compound, its neighbours and why, and its structure."""

    @functools.lru_cache(ANSWERS)
    def neighbours(row: int, space: str, top: int, level: str) -> dict[str, Any]:
        return near.near(contents, row, space=space, top=top, level=level)

    @app.get("/api/card/{row}", dependencies=of_build)
    def _card(row: int) -> dict[str, Any]:
        return cards.card(contents, _row(contents, folder.PERTURBATIONS, row))

    @app.get("/api/near/{row}", dependencies=of_build)
    def _near(row: int, space: str = "", top: Top = 12, level: str = folder.PERTURBATIONS) -> dict[str, Any]:
        schema.one_of(level, folder.LEVELS, what="level")
        return neighbours(_row(contents, level, row), _space(contents, space), top, level)

    @app.get("/api/why/{a}/{b}", dependencies=of_build)
    def _why(a: int, b: int) -> dict[str, Any]:
        if not why.has_names(contents):
            raise HTTPException(404, about.missing(contents)["features"])
        return why.why(contents, *(_row(contents, folder.PERTURBATIONS, row) for row in (a, b)))

    @app.get("/api/structure/{row}.svg", dependencies=of_build)
    def _structure(row: int, dark: bool = False) -> Response:
        smiles = contents.rows.get(schema.SMILES)
        written = None if smiles is None else smiles.iloc[_row(contents, folder.PERTURBATIONS, row)]
        if not isinstance(written, str):
            raise HTTPException(404, f"nothing says the structure of {near.name_of(contents, row)}")
        if not structure.can_draw():
            raise HTTPException(501, "structures need RDKit, which is not installed; run: pip install 'impasto[chem]'")
        try:
            return Response(structure.svg(written, dark=dark), media_type="image/svg+xml")
        except InputError as error:
            raise HTTPException(404, str(error)) from None


def _cells(app: FastAPI, contents: Contents, of_build: list[Any]) -> None:
    """The fields of a plate, and the pixels of a plane."""
    images, windows = contents.tables.get("images"), contents.tables.get("windows")
    pictures = montages.Montages(contents) if contents.facts.get(folder.CELLS) else None
    planes = None if images is None or windows is None else pixels.Planes(images, windows, str(contents.facts["image_root"]))

    @app.get("/api/images/{plate}", dependencies=of_build)
    def _images(plate: int) -> dict[str, Any]:
        if not 0 <= plate < len(contents.plates):
            raise HTTPException(404, f"there is no plate {plate}; this index has {len(contents.plates)}, numbered from 0")
        return fields.of_plate(contents, contents.plates[plate])

    @app.get("/api/montage/{row}", dependencies=of_build)
    def _montage(row: int) -> Response:
        if pictures is None:
            raise HTTPException(404, "this index has no single cells; add them: impasto index PROFILES --cells CELLS --out INDEX")
        content, kinds = pictures.picture(_row(contents, folder.PERTURBATIONS, row))
        return Response(content, media_type="image/jpeg", headers={"X-Rows": ",".join(kinds)})

    @app.get("/api/pixels/{image}/{channel}", dependencies=of_build)
    def _pixels(image: int, channel: str, box: str = "", shrink: int = 0) -> Response:
        if planes is None or images is None:
            raise HTTPException(404, about.missing(contents)["cells"])
        if not 0 <= image < len(images):
            raise HTTPException(404, f"there is no image {image}; this index has {len(images)}, numbered from 0")
        if images[schema.CHANNEL].iloc[image] != channel:
            raise HTTPException(404, f"image {image} is of channel {images[schema.CHANNEL].iloc[image]!r}, not {channel!r}")
        part = planes.part(image, box=pixels.Box.of(box) if box else None, shrink=shrink)
        shape = {"X-Shape": f"{part.shape[1]},{part.shape[0]}"}
        return Response(part.tobytes(), media_type="application/octet-stream", headers=shape)


# ---------------------------------------------------------------- what is asked for
def _of_build(contents: Contents) -> Any:
    def check(v: str = "") -> None:
        if v and v != contents.digest:
            raise HTTPException(409, "the index was rebuilt; reload")

    return check


def _row(contents: Contents, level: str, row: int) -> int:
    count = contents.table(level).num_rows
    if not 0 <= row < count:
        raise HTTPException(404, f"there is no row {row} of {level}; this index has {count}, numbered from 0")
    return row


def _space(contents: Contents, space: str) -> str:
    known = list(contents.spaces)
    return schema.one_of(space, known, what="space") if space else known[0]


def _errors(app: FastAPI) -> None:
    """Every error is one sentence."""

    @app.exception_handler(InputError)
    def _input(_: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.exception_handler(RequestValidationError)
    def _parameter(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        kind, *place = map(str, first["loc"])
        status = 404 if kind == "path" else 422
        return JSONResponse({"detail": f"{'.'.join(place)} is {first.get('input')!r}: {first['msg'].lower()}"}, status_code=status)

    @app.exception_handler(HTTPException)
    def _refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"detail": str(error.detail)}, status_code=error.status_code, headers=error.headers)

    @app.middleware("http")
    async def _cached(request: Request, call: Any) -> Response:
        try:
            response: Response = await call(request)
        except Exception as error:
            # The page shows one sentence, and the terminal the whole.
            logging.getLogger("uvicorn.error").exception("%s", request.url.path)
            _, sentence = failures.code_and_sentence(error)
            response = JSONResponse({"detail": sentence}, status_code=500)
        if request.url.path.startswith("/api/") and "cache-control" not in response.headers:
            is_final = response.status_code == 200 and request.query_params.get("v")
            response.headers["Cache-Control"] = IMMUTABLE if is_final else "no-store"
        return response
