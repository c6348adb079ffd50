"""What may a JSON body hold? Checked once, at the door, before any operation reads it."""

import json
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api.problems import answer, problem_of
from kgplan.errors import MalformedBody, MalformedStatement

DEPTH = 100  # lists and objects in one another; readers of JSON fail at some hundreds
FLAT = 8  # levels that nearly every body has at most
OPENS = ord("[")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BodyMiddleware:
    """Refuses a body that is nested too deep, or names half a character."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the body to be read again; or refuse."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        while not messages or messages[-1].get("more_body", False):
            messages.append(await receive())
        fault = fault_of(b"".join(message.get("body", b"") for message in messages))
        if fault:
            ours = scope["path"].startswith("/xapi/")
            error = MalformedStatement("the body", fault) if ours else MalformedBody(fault)
            await answer(problem_of(error))(scope, receive, send)
            return
        rest = iter(messages)

        async def again() -> Message:
            return next(rest, None) or await receive()

        await self.app(scope, again, send)


def fault_of(body: bytes) -> str:
    """What is wrong with a body, whatever operation it is for; empty where nothing is.

    >>> fault_of(b'{"a": [[1], "[[["]}'), fault_of(b"[" * 101)
    ('', 'is nested deeper than 100 lists and objects; send it flatter')
    >>> fault_of(rb'["\\ud83d\\ude00"]'), fault_of(rb'["\\ud83d"]')
    ('', 'names half a character by an escape such as \\\\ud800; send whole characters')
    """
    if body.count(b"[") + body.count(b"{") > DEPTH and depth_of(body) > DEPTH:
        return f"is nested deeper than {DEPTH} lists and objects; send it flatter"
    if _SURROGATE.search(body):
        try:
            json.dumps(json.loads(body), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return r"names half a character by an escape such as \ud800; send whole characters"
        except ValueError:  # no JSON: told by who reads it
            pass
    return ""


def depth_of(body: bytes) -> int:
    """How many lists and objects are open at once, at most; `DEPTH` + 1 or more where deeper.

    >>> depth_of(b'[{"a": "[[["}, [[]]]')
    3
    """
    left = _TEXT.sub(b"", body).translate(_ALIKE, _OTHERS)
    for peeled in range(FLAT):  # the innermost of all at once
        if not left:
            return peeled
        left = left.replace(b"[]", b"")
    depth = deepest = 0
    for each in left:
        depth += 1 if each == OPENS else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH:
            break
    return FLAT + deepest


_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_ALIKE = bytes.maketrans(b"{}", b"[]")
