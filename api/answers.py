"""Which answers are the same as before? ETags, and a bounded store of recent answers."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from fastapi import Request, Response

from kgplan import __version__


@dataclass(frozen=True)
class Answer:
    """A body, the name of its content, and the learner whom it is about, if any."""

    etag: str
    body: bytes
    media_type: str = "application/json"
    about: str = ""


class AnswerCache:
    """Recent answers by ETag; the one that was asked for longest ago leaves first.

    Args:
        size: answers at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = Lock()
        self.hits = self.misses = 0

    def get(self, etag: str, make: Callable[[], tuple[bytes, str]], about: str = "") -> Answer:
        """The answer of this name, made where it is not kept.

        Args:
            etag: names all that the answer depends on.
            make: gives body and media type; runs outside the lock, so two may make the same.
            about: the learner whom it is about.
        """
        with self._lock:
            found = self._answers.get(etag)
            if found is not None:
                self._answers.move_to_end(etag)
                self.hits += 1
                return found
            self.misses += 1
        made = Answer(etag, *make(), about)
        with self._lock:
            self._answers[etag] = made
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)
        return made

    def forget(self, about: str) -> None:
        """Drop all answers about a learner."""
        with self._lock:
            for etag in [e for e, answer in self._answers.items() if answer.about == about]:
                del self._answers[etag]

    def __len__(self) -> int:
        return len(self._answers)


def etag_of(*depends_on: Any) -> str:
    """A strong ETag of all that an answer depends on, this version of kgplan included.

    >>> etag_of("path", {"length": 4}) == etag_of("path", {"length": 4})
    True
    """
    text = json.dumps([__version__, *depends_on], sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def matches(request: Request, etag: str) -> bool:
    """Whether the client has this answer already, by If-None-Match (RFC 9110, 13.1.2)."""
    sent = request.headers.get("if-none-match", "")
    return etag in [each.strip().removeprefix("W/") for each in sent.split(",")]


def conditional(
    request: Request,
    cache: AnswerCache,
    etag: str,
    make: Callable[[], tuple[bytes, str]],
    about: str = "",
) -> Response:
    """304 where the client has the answer already; else the answer, kept or made."""
    headers = {"ETag": etag, "Cache-Control": "private, no-cache" if about else "no-cache"}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    found = cache.get(etag, make, about)
    if request.headers.get("if-none-match", "").strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)
