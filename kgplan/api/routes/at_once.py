"""Which requests are answered in the event loop, past FastAPI's own way?

FastAPI solves the dependencies of every request anew and calls most operations in a thread, which
takes longer than a plan. Where nothing has to be waited for, an attempt answers the request; all
else goes FastAPI's way, every problem with a request included. Both ways give the same answer.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from kgplan.api.audit import access_of
from kgplan.api.security import Required
from kgplan.data.events import usable_id
from kgplan.errors import AccessDenied

Attempt = Callable[[Request], Awaitable[Response | None]]
"""The answer to a request whose sender may call the operation; None: ask in the ordinary way.

The ids of the path are checked by then, those of the query are not."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def at_once(attempt: Attempt) -> type[APIRoute]:
    """The class of a route that makes an attempt first."""

    class AtOnceRoute(APIRoute):
        """Makes the attempt, then goes the ordinary way."""

        def get_route_handler(self) -> Handler:
            """What answers the route's requests."""
            by_framework = super().get_route_handler()
            required = [each.call for each in self.dependant.dependencies]
            checks = [each for each in required if isinstance(each, Required)]

            async def handler(request: Request) -> Response:
                try:
                    for check in checks:
                        check.check(access_of(request), request.path_params.get("learner_id"))
                except AccessDenied:  # told in the ordinary way, and noted there
                    return await by_framework(request)
                may_try = bool(checks) and all(map(usable_id, request.path_params.values()))
                answer = await attempt(request) if may_try else None
                return await by_framework(request) if answer is None else answer

            return handler

    return AtOnceRoute
