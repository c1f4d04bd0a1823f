"""The web application: its routes and their handlers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from batch_eval.engines.reader import Reader
from batch_eval.errors import ConfigError
from batch_eval.imaging import RECIPES
from batch_eval.reports.html.assets import SOURCES
from batch_eval.reports.templating import fill
from batch_eval.web.answers import answer
from batch_eval.web.collecting import Collection
from batch_eval.web.examples import Examples
from batch_eval.web.failures import HANDLED, error_response
from batch_eval.web.readers import Readers
from batch_eval.web.security import Guard
from batch_eval.web.workload import MAX_BYTES, Workload

FILES = Path(__file__).with_name("files")
STATIC = FILES / "static"


@dataclass(frozen=True)
class Site:
    """What the page offers."""

    readers: Readers
    preprocess: str = "photo"
    """The recipe that is selected at first."""
    examples: Examples | None = None
    """Images to try, if a folder was given."""
    collection: Collection | None = None
    """Where images are saved, if a folder was given."""
    workload: Workload = field(default_factory=Workload)

    def reader(self, request: Request) -> Reader:
        """Return the reader for the model and the recipe in a request's query. Raises ConfigError."""
        model = request.query_params.get("model", "0")
        # isdigit() alone accepts "²", and int() refuses thousands of digits.
        if not (model.isascii() and model.isdigit() and len(model) < 5):
            raise ConfigError(f"the model {model!r} is invalid. Must be its number on the page, from 0.")
        return self.readers.get(int(model), request.query_params.get("preprocess", self.preprocess))


def create_app(site: Site, host: str) -> ASGIApp:
    """Return the application for a server that listens on ``host``."""
    app = Starlette(
        routes=[
            *_page_routes(site),
            *(_example_routes(site.examples, site.workload) if site.examples else ()),
            *(_collection_routes(site, site.collection) if site.collection else ()),
            # The report names no icon, so browsers ask for this one.
            Route("/favicon.ico", lambda _: FileResponse(STATIC / "icon.svg")),
            # page.css builds on the report's colours.
            Route("/static/report.css", lambda _: FileResponse(SOURCES / "report.css")),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers=dict.fromkeys(HANDLED, error_response),
    )
    return Guard(app, host)


def _page_routes(site: Site) -> list[BaseRoute]:
    """Return the routes of the page and of reading an image."""

    async def page(request: Request) -> Response:  # noqa: ARG001 - the signature of every handler
        collection = site.collection
        content = fill(
            FILES,
            "page.html.jinja",
            models=site.readers.names,
            recipes=RECIPES,
            preprocess=site.preprocess,
            examples=site.examples is not None,
            folder=str(collection.folder) if collection else "",
            counts=await site.workload.run(collection.counts) if collection else {},
            max_bytes=MAX_BYTES,
        )
        return HTMLResponse(content)

    async def read(request: Request) -> Response:
        reader = site.reader(request)
        return JSONResponse(await site.workload.with_upload(request, lambda data: answer(data, reader)))

    return [Route("/", page), Route("/api/read", read, methods=["POST"])]


def _example_routes(examples: Examples, workload: Workload) -> list[BaseRoute]:
    """Return the routes of images to try."""

    async def choose(request: Request) -> Response:  # noqa: ARG001 - the signature of every handler
        return JSONResponse(examples.choose())

    async def image(request: Request) -> Response:
        data = await workload.run(examples.read, request.path_params["number"])
        return Response(data, media_type="application/octet-stream")

    return [Route("/api/example", choose), Route("/api/examples/{number:int}", image)]


def _collection_routes(site: Site, collection: Collection) -> list[BaseRoute]:
    """Return the routes that save, delete and evaluate images, and show the report."""

    async def add(request: Request) -> Response:
        label, kind = request.query_params.get("label", ""), request.query_params.get("kind", "")
        token = await site.workload.with_upload(request, lambda data: collection.add(data, label, kind))
        return JSONResponse({"token": token, "counts": await site.workload.run(collection.counts)}, 201)

    async def remove(request: Request) -> Response:
        await site.workload.run(collection.remove, request.path_params["token"])
        return JSONResponse({"counts": await site.workload.run(collection.counts)})

    async def evaluate(request: Request) -> Response:
        reader = site.reader(request)
        return JSONResponse(await site.workload.evaluating(lambda: collection.evaluate(reader)))

    return [
        Route("/api/collected", add, methods=["POST"]),
        Route("/api/collected/{token}", remove, methods=["DELETE"]),
        Route("/api/evaluate", evaluate, methods=["POST"]),
        Mount("/report", _Reports(directory=collection.reports, check_dir=False)),
    ]


class _Reports(StaticFiles):
    """Serves a folder that may not exist yet."""

    async def check_config(self) -> None:
        """Accept a missing folder, whose files are answered with 404. Starlette would raise an error."""
