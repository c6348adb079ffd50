"""What does a browser get at `/`? The explorer where it is built, else a small page without it."""

import hashlib
import json
import logging
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kgplan.api.answers import matches
from kgplan.api.headers import page_policy

log = logging.getLogger(__name__)

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


def explorer_files(folder: Traversable, framed_by: Sequence[str] = ()) -> dict[str, PageFile]:
    """The files of a built explorer, by their address; none where it is not built.

    Args:
        folder: what `make explorer` writes: index.html, and `assets/` whose names hold a hash of
            their content, each beside its compressed forms.
        framed_by: origins whose pages may frame the page.
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
    return found | {"": start_page(contents(folder, "index.html"), framed_by)}


def contents(folder: Traversable, name: str) -> dict[str, bytes]:
    """A file's content, and its compressed forms."""
    compressed = {encoding: folder / (name + end) for encoding, end in ENCODINGS.items()}
    return {"": (folder / name).read_bytes()} | {
        encoding: path.read_bytes() for encoding, path in compressed.items() if path.is_file()
    }


def start_page(bodies: Mapping[str, bytes], framed_by: Sequence[str] = ()) -> PageFile:
    """The file at `/`: asked for at each visit; what stands in it is allowed by its hash."""
    policy = page_policy(bodies[""].decode(), framed_by=framed_by)
    headers = {"Cache-Control": ASK_AGAIN, "Content-Security-Policy": policy}
    return PageFile.of("index.html", bodies, headers)


def handing_over(page: PageFile, handed: Mapping[str, Any], framed_by: Sequence[str]) -> Response:
    """The start page for somebody whom a learning platform sends, with what it is to begin with.

    It stands in the page, not in its address, which a history or a log would keep.

    Args:
        page: the one at `/`.
        handed: read by src/api/handed.ts.
        framed_by: origins whose pages may frame it.
    """
    html = page.bodies[""].decode()
    text = json.dumps(handed).replace("<", "\\u003c")
    given = f'<base href="../"><script type="application/json" id="handed">{text}</script>'
    policy = page_policy(html, framed_by=framed_by, base="'self'")
    headers = {"Cache-Control": "private, no-store", "Content-Security-Policy": policy}
    begun = re.sub(r"<html[^>]*>\s*(?:<head>)?", lambda begin: begin[0] + given, html, count=1)
    return HTMLResponse(begun, headers=headers)


def serve_explorer(app: FastAPI, framed_by: Sequence[str] = ()) -> None:
    """Answer at `/` and `/assets/…`, outside the API and its description; all is kept in memory."""
    page = files("kgplan") / "api" / "page"
    small = start_page(contents(page, "index.html"), framed_by)
    found = explorer_files(page / "dist", framed_by) or {"": small}
    if framed_by and len(found) == 1:
        log.warning("the explorer is not built, so platforms open a page that shows nothing")
    app.state.start_page = found[""]

    async def read(request: Request) -> Response:
        name = request.url.path.lstrip("/")
        if name not in found:
            raise HTTPException(404)  # an old page asks for a file of an older build
        return found[name].response(request)

    app.add_route("/", read, methods=["GET"], include_in_schema=False)
    app.add_route("/assets/{name}", read, methods=["GET"], include_in_schema=False)
