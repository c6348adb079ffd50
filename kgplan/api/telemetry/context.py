"""What belongs to the request that is being answered, wherever in the service one looks?"""

import random
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

KEY = "kgplan.request"  # in the ASGI scope
SANE = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """One request.

    Attributes:
        request_id: in the answer's X-Request-ID, in its problem and in every log line about it.
        problem: name of the problem that it was answered with; empty where none.
        trace_id: hexadecimal, of its trace; empty where it is not traced.
        span: begins a span of a part of it, by name; None where it is not traced.
    """

    request_id: str
    problem: str = ""
    trace_id: str = ""
    span: Callable[[str], AbstractContextManager[Any]] | None = None


CURRENT: ContextVar[RequestContext | None] = ContextVar("kgplan_request", default=None)
"""The request that this task or thread works for; None outside of requests."""


def context_of(scope: Mapping[str, Any]) -> RequestContext | None:
    """The context of an ASGI request; None where no middleware made one."""
    return scope.get(KEY)


def request_id_from(sent: bytes | None) -> str:
    """The id that a client or proxy sent where it is sane, else a new one.

    Sane are 1 to 128 letters, digits and `.`, `_`, `~`, `-`: they need no quotes in a log line, an
    address or a header.

    >>> request_id_from(b"order-17")
    'order-17'
    >>> len(request_id_from(b"two words")), len(request_id_from(None))
    (32, 32)
    """
    if sent is not None:
        named = sent.decode("latin-1")
        if SANE.fullmatch(named):
            return named
    return f"{random.getrandbits(128):032x}"
