"""How much may a client ask? Limits on body, rate and time, before an operation is reached."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api.door import late
from kgplan.api.headers import GUARDED, LTI
from kgplan.api.problems import answer, problem_of
from kgplan.errors import (
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    KgplanError,
    RateLimited,
    TookTooLong,
)
from kgplan.settings import Settings

CLIENTS = 10_000  # whose buckets are remembered
COUNTED = (*GUARDED, LTI)
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
        body_seconds: for a body to come, and more for what has come (`kgplan.api.door.late`).
        proxies: networks from which the header is believed; None: any.
        answer_bytes: what all answers that are kept may weigh.
    """

    body_bytes: int = 4 << 20
    per_second: float = 0.0
    burst: int = 20
    seconds: float = 30.0
    client_header: str = ""
    cached_answers: int = 16_384
    body_seconds: float = 10.0
    proxies: tuple[str, ...] | None = None
    answer_bytes: int = 256 << 20

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
            settings.body_seconds,
            settings.proxies,
            settings.answer_bytes,
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


class RateMiddleware:
    """Refuses who asks too often, before anybody looks at the token: refused ones count too."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.buckets = TokenBuckets(limits.per_second, limits.burst)
        self._header = limits.client_header.lower().encode()
        known = limits.proxies
        self._is_proxy = lru_cache(CLIENTS)(lambda address: known is None or within(address, known))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if scope["type"] == "http" and f"/{scope['path'].lstrip('/')}".startswith(COUNTED):
            wait = self.buckets.take(self.client(scope))
            if wait:
                response = answer(problem_of(RateLimited(self.limits.per_second, wait)))
                response.headers["Retry-After"] = str(math.ceil(wait))
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def client(self, scope: Scope) -> str:
        """Who asks: its address; of a proxy's request, what the proxy says in its header.

        A client may send the header too; what the proxy adds stands last.
        """
        address = str(scope["client"][0]) if scope.get("client") else ""
        if not self._header or not self._is_proxy(address):
            return address
        named = [value for name, value in scope["headers"] if name == self._header]
        return named[-1].rpartition(b",")[2].strip().decode("latin-1") if named else address


def within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address is in one of the networks.

    >>> within("10.1.2.3", ["10.0.0.0/8"]), within("::ffff:8.8.8.8", ["10.0.0.0/8"])
    (True, False)
    """
    try:
        asked = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(asked, "ipv4_mapped", None) or asked
    return any(mapped in ip_network(each) for each in networks)


class LimitsMiddleware:
    """Refuses what goes beyond the limits of one request, each with its problem."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            receive = await self.limited(scope, receive)
        except KgplanError as error:
            response = answer(problem_of(error))
            if isinstance(error, BodyTooSlow):
                response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        if self.limits.seconds:
            await self.timed(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def limited(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body up to the limit, and give it again.

        Raises:
            BodyTooLarge: it is longer; what follows is not read.
            BodyTooSlow: it does not come.
            ClientGone: the connection ended before.
        """
        limit, headers = self.limits.body_bytes, dict(scope["headers"])
        said = headers.get(b"content-length", b"")
        if said.isdigit() and int(said) > limit:
            raise BodyTooLarge(limit)
        if not said and b"transfer-encoding" not in headers:
            return receive
        read: list[Message] = []
        size, more = 0, True
        begun, seconds = asyncio.get_running_loop().time(), self.limits.body_seconds
        try:
            async with asyncio.timeout_at(late(begun, seconds, 0)) as waiting:
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    read.append(message)
                    size += len(message.get("body", b""))
                    more = message.get("more_body", False)
                    if size > limit:
                        raise BodyTooLarge(limit)
                    waiting.reschedule(late(begun, seconds, size))
        except TimeoutError:
            raise BodyTooSlow(seconds) from None
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
