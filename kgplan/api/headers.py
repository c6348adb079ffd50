"""What may a browser do with an answer? Headers on every response.

HSTS is not among them: the proxy that ends TLS sets it, as it knows whether all of its host is
https (docs/guide/security.md).
"""

import base64
import hashlib
import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GUARDED = ("/v1/", "/xapi/")  # where answers are for the sender of a token only
LTI = "/lti/"  # where learning platforms open the explorer, if any may
DATA = (*GUARDED, "/health", "/metrics", "/openapi.json")  # no pages
Headers = list[tuple[bytes, bytes]]
NOBODY = "'none'"

EVERYWHERE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
DATA_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""Data is no page; a picture that is opened by itself may use its own styles, and nothing else."""


def page_policy(
    html: str = "",
    styles: str = "",
    framed_by: Sequence[str] = (),
    base: str = "'none'",
    forms: str = "'self'",
) -> str:
    """The Content-Security-Policy of a page: all from this origin.

    Args:
        html: the page; scripts and style sheets that stand in it are allowed by their hash.
        styles: further sources of styles, such as 'unsafe-inline'.
        framed_by: origins whose pages may frame it; none: nobody's.
        base: where its own <base> may lead.
        forms: where its forms may be sent.

    >>> "script-src 'self';" in page_policy()
    True
    >>> "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in page_policy(
    ...     "<script>alert('Hello, world.');</script>")
    True
    """
    found = {
        tag: "".join(
            f" 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in re.findall(rf"<{tag}(?![^>]*\bsrc=)[^>]*>(.+?)</{tag}>", html, re.DOTALL)
        )
        for tag in ("script", "style")
    }
    styled = f" {styles}" if styles else found["style"]  # a hash would switch 'unsafe-inline' off
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self'{found['script']}",
            f"style-src 'self'{styled}",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            f"base-uri {base}",
            f"form-action {forms}",
            f"frame-ancestors {' '.join(framed_by) or NOBODY}",
        ]
    )


class HeadersMiddleware:
    """Adds the headers that an answer does not have already.

    Args:
        app: what answers.
        framed_by: origins of the learning platforms that may open the explorer in a frame.
    """

    def __init__(self, app: ASGIApp, framed_by: Sequence[str] = ()) -> None:
        self.app = app
        policy = b"content-security-policy"
        self.pages = [*EVERYWHERE, (policy, page_policy().encode())]
        self.data = [*EVERYWHERE, (policy, DATA_POLICY.encode())]
        self.guarded = [*self.data, (b"cache-control", b"private, no-store")]
        framed = page_policy(framed_by=framed_by).encode()
        self.opened = [*EVERYWHERE, (policy, framed), (b"cache-control", b"private, no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        ours = self.pages
        if path.startswith(DATA):
            ours = self.guarded if path.startswith(GUARDED) else self.data
        elif path.startswith(LTI):
            ours = self.opened

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"]
                names = {name for name, _ in given}
                if message["status"] == 307:
                    given = [(name, local(name, value)) for name, value in given]
                message["headers"] = [*given, *(each for each in ours if each[0] not in names)]
            await send(message)

        await self.app(scope, receive, headed)


def local(name: bytes, value: bytes) -> bytes:
    """A redirection's address without scheme and host, which only a proxy in front knows.

    >>> local(b"location", b"http://lms.example//v1/courses?text=a")
    b'/v1/courses?text=a'
    """
    if name != b"location" or b"://" not in value:
        return value
    return b"/" + value.partition(b"://")[2].partition(b"/")[2].lstrip(b"/")
