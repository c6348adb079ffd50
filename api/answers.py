"""Which answers are the same as before? ETags, and a bounded store of recent answers."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from fastapi import Request, Response

from kgplan import __version__


@dataclass(frozen=True)
class Answer:
    """A body and the name of its content.

    Attributes:
        etag: names all that it depends on.
        body, media_type: what is sent.
        about: the learner whom it is about, if any.
        on: what about the learner; of these only the last answer is kept.
    """

    etag: str
    body: bytes
    media_type: str = "application/json"
    about: str = ""
    on: Hashable = None


State = tuple[str, str, bool, str]
"""What an answer about a learner depends on beside the request's words: the versions of graph and
model, whether these are stale, and the learner's version."""


class AnswerCache:
    """Recent answers by ETag; the one that was asked for longest ago leaves first.

    Beside it, the last answer to each request as it was worded (`hold`): where that still holds,
    neither parameters nor ETag need to be looked at again.

    A learner's history holds the paths that were made. A path that was asked for before another one
    of the same course has to be made anew, so of these only the last one is kept.

    Args:
        size: answers at most.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._held: OrderedDict[Hashable, tuple[State, Answer]] = OrderedDict()
        self._last: dict[tuple[str, Hashable], str] = {}  # ETag of the last answer on it
        self._lock = Lock()
        self.hits = self.misses = 0

    def get(
        self,
        etag: str,
        make: Callable[[], tuple[bytes, str]],
        about: str = "",
        on: Hashable = None,
    ) -> Answer:
        """The answer of this name, made where it is not kept.

        Args:
            etag: names all that the answer depends on.
            make: gives body and media type; runs outside the lock, so two may make the same.
            about, on: the learner whom it is about, and what; of these only the last one is kept.
        """
        found = self.find(etag)
        if found is not None:
            return found
        with self._lock:
            self.misses += 1
        made = Answer(etag, *make(), about, on)
        with self._lock:
            if on is not None:
                self._answers.pop(self._last.get((about, on), ""), None)
                self._last[about, on] = etag
            self._answers[etag] = made
            while len(self._answers) > self._size:
                _, oldest = self._answers.popitem(last=False)
                self._last.pop((oldest.about, oldest.on), None)
        return made

    def find(self, etag: str) -> Answer | None:
        """The answer of this name, if it is kept."""
        with self._lock:
            found = self._answers.get(etag)
            if found is not None:
                self._answers.move_to_end(etag)
                self.hits += 1
            return found

    def hold(self, request: Hashable, state: State, answer: Answer) -> None:
        """Keep the answer to a request under the request's own words."""
        with self._lock:
            self._held[request] = state, answer
            self._held.move_to_end(request)
            while len(self._held) > self._size:
                self._held.popitem(last=False)

    def held(self, request: Hashable, state: State) -> Answer | None:
        """The answer to a request that was worded the same, if it still holds."""
        with self._lock:
            found = self._held.get(request)
            if found is None or found[0] != state or not self._is_last(found[1]):
                return None
            self._held.move_to_end(request)
            self.hits += 1
            return found[1]

    def forget(self, about: str) -> None:
        """Drop all answers about a learner."""
        with self._lock:
            for asked in [a for a, (_, answer) in self._held.items() if answer.about == about]:
                del self._held[asked]
            for etag in [e for e, answer in self._answers.items() if answer.about == about]:
                self._last.pop((about, self._answers.pop(etag).on), None)

    def _is_last(self, answer: Answer) -> bool:
        return answer.on is None or self._last.get((answer.about, answer.on)) == answer.etag

    def __len__(self) -> int:
        return len(self._answers)


def etag_of(*depends_on: Any) -> str:
    """A strong ETag of all that an answer depends on, this version of kgplan included.

    >>> etag_of("path", {"length": 4}) == etag_of("path", {"length": 4})
    True
    """
    text = json.dumps([__version__, *depends_on], sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def matches(sent: str, etag: str) -> bool:
    """Whether the client has this answer already, by If-None-Match (RFC 9110, 13.1.2).

    >>> matches('W/"a", "b"', '"a"'), matches("*", '"a"'), matches("", '"a"')
    (True, False, False)
    """
    return etag in [each.strip().removeprefix("W/") for each in sent.split(",")]


def conditional(
    request: Request,
    cache: AnswerCache,
    etag: str,
    make: Callable[[], tuple[bytes, str]],
    about: str = "",
    on: Hashable = None,
) -> Response:
    """304 where the client has the answer already; else the answer, kept or made."""
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers_of(etag, about))
    return response_of(request, cache.get(etag, make, about, on))


def response_of(request: Request, answer: Answer) -> Response:
    """An answer that is there; 304 where the client has it already."""
    sent = request.headers.get("if-none-match", "")
    if sent and (sent.strip() == "*" or matches(sent, answer.etag)):
        return Response(status_code=304, headers=headers_of(answer.etag, answer.about))
    return Response(
        answer.body, media_type=answer.media_type, headers=headers_of(answer.etag, answer.about)
    )


def headers_of(etag: str, about: str = "") -> dict[str, str]:
    """What lets a client keep an answer and ask whether it still holds; others must not keep it."""
    return {"ETag": etag, "Cache-Control": "private, no-cache" if about else "no-cache"}
