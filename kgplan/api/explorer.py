"""What does a browser get at `/`? The explorer where it is built, else a small page without it."""

import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kgplan.api.answers import matches
from kgplan.api.headers import page_policy

ENCODINGS = {"br": ".br", "gzip": ".gz"}  # as a build writes them, the smaller one first
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
mimetypes.add_type("text/javascript", ".js")  # what a system's table says differs
mimetypes.add_type("image/svg+xml", ".svg")


@dataclass(frozen=True)
class PageFile:
    """One file of a page.

    Attributes:
        media_type: with its charset.
        bodies: encoding -> content; "" for the plain one.
        etag: changes with the content.
        headers: that every answer with it has.
    """

    media_type: str
    bodies: Mapping[str, bytes]
    etag: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, name: str, bodies: Mapping[str, bytes], headers: Mapping[str, str]) -> "PageFile":
        """A file from its content.

        >>> PageFile.of("a.js", {"": b"1"}, {}).media_type
        'text/javascript; charset=utf-8'
        """
        media = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if media.startswith("text/") or media == "image/svg+xml":
            media += "; charset=utf-8"
        return cls(media, bodies, f'"{hashlib.sha256(bodies[""]).hexdigest()[:32]}"', headers)

    def response(self, request: Request) -> Response:
        """The answer to a request: the smallest content that the browser can read, or 304."""
        headers = {"ETag": self.etag, "Vary": "Accept-Encoding", **self.headers}
        if matches(request.headers.get("if-none-match", ""), self.etag):
            return Response(status_code=304, headers=headers)
        accepted = re.split(r"[\s,;]+", request.headers.get("accept-encoding", ""))
        encoding = next(
            (each for each in ENCODINGS if each in accepted and each in self.bodies), ""
        )
        if encoding:
            headers["Content-Encoding"] = encoding
        return Response(self.bodies[encoding], headers=headers, media_type=self.media_type)


def explorer_files(folder: Traversable) -> dict[str, PageFile]:
    """The files of a built explorer, by their address; none where it is not built.

    Args:
        folder: what `make explorer` writes: index.html, and `assets/` whose names hold a hash of
            their content, each beside its compressed forms.
    """
    start = folder / "index.html"
    if not start.is_file():
        return {}
    assets = [each for each in (folder / "assets").iterdir() if each.is_file()]
    plain = [each for each in assets if not each.name.endswith(tuple(ENCODINGS.values()))]
    found = {
        f"assets/{each.name}": PageFile.of(
            each.name, contents(folder / "assets", each.name), {"Cache-Control": FOREVER}
        )
        for each in plain
    }
    return found | {"": start_page(contents(folder, "index.html"))}


def contents(folder: Traversable, name: str) -> dict[str, bytes]:
    """A file's content, and its compressed forms."""
    compressed = {encoding: folder / (name + end) for encoding, end in ENCODINGS.items()}
    return {"": (folder / name).read_bytes()} | {
        encoding: path.read_bytes() for encoding, path in compressed.items() if path.is_file()
    }


def start_page(bodies: Mapping[str, bytes]) -> PageFile:
    """The file at `/`: asked for at each visit; what stands in it is allowed by its hash."""
    policy = page_policy(bodies[""].decode())
    headers = {"Cache-Control": ASK_AGAIN, "Content-Security-Policy": policy}
    return PageFile.of("index.html", bodies, headers)


def serve_explorer(app: FastAPI) -> None:
    """Answer at `/` and `/assets/…`, outside the API and its description; all is kept in memory."""
    page = files("kgplan") / "api" / "page"
    found = explorer_files(page / "dist") or {"": start_page(contents(page, "index.html"))}

    async def read(request: Request) -> Response:
        name = request.url.path.lstrip("/")
        if name not in found:
            raise HTTPException(404)  # an old page asks for a file of an older build
        return found[name].response(request)

    app.add_route("/", read, methods=["GET"], include_in_schema=False)
    app.add_route("/assets/{name}", read, methods=["GET"], include_in_schema=False)
