"""How much may a client ask? Limits on body, rate and time, before an operation is reached."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api.problems import answer, problem_of
from kgplan.errors import BodyTooLarge, KgplanError, RateLimited, TookTooLong
from kgplan.settings import Settings

CLIENTS = 10_000  # whose buckets are remembered
DEADLINE = "kgplan.deadline"


@dataclass(frozen=True)
class Limits:
    """What the service allows.

    Attributes:
        body_bytes: length of a request's body.
        per_second: requests a client may make in the long run; 0: any number.
        burst: requests at once.
        seconds: time to answer; 0: any.
        client_header: header that names the client; empty: its address counts.
        cached_answers: answers that are kept.
    """

    body_bytes: int = 4 << 20
    per_second: float = 0.0
    burst: int = 20
    seconds: float = 30.0
    client_header: str = ""
    cached_answers: int = 16_384

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits that the settings name."""
        return cls(
            settings.body_bytes,
            settings.rate,
            settings.burst,
            settings.request_seconds,
            settings.client_header,
            settings.cached_answers,
        )


class TokenBuckets:
    """A bucket of tokens for each client: a request takes one, time puts them back.

    Args:
        per_second: tokens put back a second.
        burst: tokens in a full bucket.
        clock: seconds, from any beginning.

    >>> now = [0.0]
    >>> buckets = TokenBuckets(2.0, 1, lambda: now[0])
    >>> buckets.take("a"), buckets.take("a"), buckets.take("b")
    (0.0, 0.5, 0.0)
    >>> now[0] = 0.5
    >>> buckets.take("a")
    0.0
    """

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, client: str) -> float:
        """Take a token; 0, or the seconds until there is one."""
        with self._lock:
            now = self._clock()
            tokens, since = self._buckets.pop(client, (float(self._burst), now))
            tokens = min(self._burst, tokens + (now - since) * self._per_second)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
            self._buckets[client] = (tokens if wait else tokens - 1, now)
            if len(self._buckets) > CLIENTS:  # the one that was silent longest is full again
                self._buckets.popitem(last=False)
            return wait


class LimitsMiddleware:
    """Refuses what goes beyond the limits, each with its problem."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.buckets = TokenBuckets(limits.per_second, limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if self.limits.per_second and scope["path"].startswith("/v1/"):
                wait = self.buckets.take(self.client(scope))
                if wait:
                    raise RateLimited(self.limits.per_second, wait)
            receive = await self.limited(scope, receive)
        except KgplanError as error:
            response = answer(problem_of(error))
            if isinstance(error, RateLimited):
                response.headers["Retry-After"] = str(math.ceil(error.wait))
            await response(scope, receive, send)
            return
        if self.limits.seconds:
            await self.timed(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def client(self, scope: Scope) -> str:
        """Who asks: the header's value where one is configured and sent; else the address."""
        wanted = self.limits.client_header.lower().encode()
        named = [value for name, value in scope["headers"] if wanted and name == wanted]
        address = scope.get("client")
        return named[0].decode("latin-1") if named else str(address[0]) if address else ""

    async def limited(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body up to the limit, and give it again.

        Raises:
            BodyTooLarge: it is longer; what follows is not read.
        """
        limit, headers = self.limits.body_bytes, dict(scope["headers"])
        said = headers.get(b"content-length", b"")
        if said.isdigit() and int(said) > limit:
            raise BodyTooLarge(limit)
        if not said and b"transfer-encoding" not in headers:
            return receive
        read: list[Message] = []
        size, more = 0, True
        while more:
            message = await receive()
            read.append(message)
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
            if size > limit:
                raise BodyTooLarge(limit)
        messages = iter(read)

        async def again() -> Message:
            return next(messages, None) or await receive()

        return again

    async def timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in time; what goes on afterwards is not sent.

        A thread at work cannot be stopped, so a batch looks at its deadline itself.
        """
        limit = self.limits.seconds
        scope[DEADLINE] = time.monotonic() + limit
        begun, late = False, False

        async def send_in_time(message: Message) -> None:
            nonlocal begun
            if not late:
                begun = True
                await send(message)

        task = asyncio.ensure_future(self.app(scope, receive, send_in_time))
        try:
            await asyncio.wait({task}, timeout=limit)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done() or begun:
            await task
            return
        late = True
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await answer(problem_of(TookTooLong(limit)))(scope, receive, send)


def check_deadline(scope: Scope, limits: Limits) -> None:
    """Stop work that nobody waits for any more.

    Raises:
        TookTooLong: the request's time is over.
    """
    if time.monotonic() > scope.get(DEADLINE, math.inf):
        raise TookTooLong(limits.seconds)
