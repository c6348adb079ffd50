"""Which answers are the same as before? ETags, and a bounded store of recent answers."""

import hashlib
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from fastapi import Request, Response

from kgplan import __version__

WORDINGS = 4  # kept of one answer
LONGEST_WORDS = 8_192  # bytes of a wording that is kept
ANSWER_BYTES, WORDS_BYTES = 700, 400  # objects and tables around each; see the test


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


State = tuple[str, str, str, bool, datetime, str]
"""What an answer depends on beside the request's words: the versions of graph and model and their
mark, which changes with texts that no version counts, whether these are stale, since when the graph
is served, and the learner's version, if it is about one."""
Words = tuple[str, bytes]
"""A request as it was worded: path and query."""


class AnswerCache:
    """Recent answers by ETag; the one that was asked for longest ago leaves first.

    Beside each, the last requests for it as they were worded (`hold`): where their answer still
    holds, neither parameters nor ETag need to be looked at again.

    A learner's history holds the paths that were made. A path that was asked for before another one
    of the same course has to be made anew, so of these only the last one is kept.

    Args:
        size: answers at most.
        budget: bytes of all that is kept, at most; an answer that is longer is not kept.

    Attributes:
        n_bytes: what is kept now, keys and Python's own share included.
    """

    def __init__(self, size: int, budget: int = 256 << 20) -> None:
        self._size, self._budget = size, budget
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._held: dict[Words, tuple[State, Answer]] = {}
        self._wordings: dict[str, list[Words]] = {}  # by ETag; the oldest first
        self._last: dict[tuple[str, Hashable], str] = {}  # ETag of the last answer on it
        self._lock = Lock()
        self.hits = self.misses = self.n_bytes = 0

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
                self._drop(self._last.get((about, on), ""))
            self._drop(etag)  # another thread may have made it too
            if self._size and weight(made) <= self._budget:
                self._answers[etag] = made
                self.n_bytes += weight(made)
                if on is not None:
                    self._last[about, on] = etag
                self._make_room()
        return made

    def find(self, etag: str) -> Answer | None:
        """The answer of this name, if it is kept."""
        with self._lock:
            found = self._answers.get(etag)
            if found is not None:
                self._answers.move_to_end(etag)
                self.hits += 1
            return found

    def hold(self, words: Words, state: State, answer: Answer) -> None:
        """Keep the answer to a request under the request's own words, unless these are long."""
        size = weight_of_words(words)
        with self._lock:
            if size > LONGEST_WORDS or self._answers.get(answer.etag) is not answer:
                return
            self._let_go(words)
            self._held[words] = state, answer
            self.n_bytes += size
            wordings = self._wordings.setdefault(answer.etag, [])
            wordings.append(words)
            if len(wordings) > WORDINGS:
                self._let_go(wordings[0])
            self._make_room()

    def held(self, words: Words, state: State) -> Answer | None:
        """The answer to a request that was worded the same, if it still holds."""
        with self._lock:
            found = self._held.get(words)
            if found is None or found[0] != state:
                return None
            self._answers.move_to_end(found[1].etag)
            self.hits += 1
            return found[1]

    def forget(self, about: str) -> None:
        """Drop all answers about a learner."""
        with self._lock:
            for etag in [e for e, answer in self._answers.items() if answer.about == about]:
                self._drop(etag)

    def clear(self) -> None:
        """Drop all answers."""
        with self._lock:
            for etag in list(self._answers):
                self._drop(etag)

    def _make_room(self) -> None:
        while len(self._answers) > self._size or self.n_bytes > self._budget:
            self._drop(next(iter(self._answers)))

    def _drop(self, etag: str) -> None:
        """Let go of an answer and of all that leads to it."""
        answer = self._answers.pop(etag, None)
        if answer is None:
            return
        self.n_bytes -= weight(answer)
        for words in list(self._wordings.get(etag, ())):
            self._let_go(words)
        if answer.on is not None and self._last.get((answer.about, answer.on)) == etag:
            del self._last[answer.about, answer.on]

    def _let_go(self, words: Words) -> None:
        """Let go of a wording."""
        found = self._held.pop(words, None)
        if found is None:
            return
        self.n_bytes -= weight_of_words(words)
        etag = found[1].etag
        self._wordings[etag].remove(words)
        if not self._wordings[etag]:
            del self._wordings[etag]

    def __len__(self) -> int:
        return len(self._answers)


def weight(answer: Answer) -> int:
    """Bytes that it takes to keep an answer."""
    return len(answer.body) + sys.getsizeof(answer.about) + ANSWER_BYTES


def weight_of_words(words: Words) -> int:
    """Bytes that it takes to keep a wording."""
    return sum(map(sys.getsizeof, words)) + WORDS_BYTES


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
