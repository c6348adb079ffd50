"""Who may ask for what? Each operation declares its scope; what declares none is not served."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from fastapi import Depends, FastAPI, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.types import ASGIApp, Receive, Scope, Send

from kgplan.api.audit import access_of, audit
from kgplan.api.problems import problem_name
from kgplan.api.tokens import ACCESS, ANYONE, SCOPES, Access
from kgplan.errors import AccessDenied

GUARDED = ("/v1/", "/xapi/")
Reach = Literal["path", "body", "none"]
OPEN: dict[str, Any] = {"security": []}
"""`openapi_extra` of an operation that anyone may call, such as the health of the service."""


class Required(SecurityBase):
    """Checks that the sender of a request may call the operation.

    Args:
        scope: of `SCOPES`.
        learner: where the operation names learners, as a learner's token reaches one only: `path`,
            its address has {learner_id}; `body`, the operation calls `Access.check_learners`
            itself; `none`, it tells nothing of learners.
        own: scope with which a learner's token may do it to this learner; `scope` where None.
    """

    scheme_name = "bearer"
    model = HTTPBearer(
        bearerFormat="JWT",
        description="A JSON Web Token: `exp`, `aud`, `scope`; `learner_id` where it is a learner's."
        " Scopes: " + "; ".join(f"`{name}`: {text}" for name, text in SCOPES.items()) + ".",
    )

    def __init__(self, scope: str, learner: Reach = "path", own: str | None = None) -> None:
        self.scope, self.learner, self.own = scope, learner, own or scope

    async def __call__(self, request: Request) -> None:
        """Let a request pass, or refuse it.

        Raises:
            MissingToken, InsufficientScope, OtherLearner: the sender may not do this.
        """
        try:
            self.check(access_of(request), request.path_params.get("learner_id"))
        except AccessDenied as refusal:
            if self.scope == "admin":
                action = request.scope["endpoint"].__name__
                audit(request, action, outcome=f"refused: {problem_name(refusal)}")
            raise

    def check(self, access: Access, learner_id: str | None) -> None:
        """Refuse what the sender may not do.

        Args:
            access: what the sender may do.
            learner_id: of the operation's address, if it has one.
        """
        if access.learner_id is None:
            access.check_scope(self.scope)
            return
        access.check_scope(self.own)
        if self.learner == "path":
            access.check_learners([learner_id])


def require(scope: str, learner: Reach = "path", own: str | None = None) -> Any:
    """What an operation declares: `dependencies=[require("graph:read", learner="none")]`.

    Args: see `Required`.
    """
    if {scope, own or scope} - SCOPES.keys() or learner not in get_args(Reach):
        raise ValueError(f"there is no {scope!r}, {learner!r}, {own!r}; see SCOPES and Reach")
    return Security(Required(scope, learner, own), scopes=[scope])


AccessDep = Annotated[Access, Depends(access_of)]


def required_by(route: RouteContext) -> list[Required]:
    """What a route requires, and the routers that it is in."""
    dependant = getattr(route, "dependant", None)
    found = [each.call for each in dependant.dependencies] if dependant else []
    return [each for each in found if isinstance(each, Required)]


def operations(app: FastAPI) -> Iterator[RouteContext]:
    """Every route that is described, or lies where a token is needed."""
    for route in iter_route_contexts(app.routes):
        described = getattr(route, "include_in_schema", False) and hasattr(route, "dependant")
        if described or (route.path or "").startswith(GUARDED):
            yield route


def check_operations(app: FastAPI) -> None:
    """Refuse an application with an operation of which nobody said who may call it.

    Raises:
        ValueError: with the operation, and what to write.
    """
    for route in operations(app):
        where = f"{sorted(route.methods or [])} {route.path}"
        required = required_by(route)
        extra = getattr(route, "openapi_extra", None) or {}
        if (route.path or "").startswith(GUARDED):
            if len(required) != 1:
                raise ValueError(
                    f"{where} declares {len(required)} scopes; give it"
                    ' dependencies=[require("<scope>")] of kgplan.api.security, once'
                )
            (one,) = required
            named = "{learner_id" in (route.path or "")
            if one.learner == "path" and not named and one.own != "admin":
                raise ValueError(f"{where} has no {{learner_id}}; require learner='body' or 'none'")
            if one.learner != "path" and named:
                raise ValueError(f"{where} has a {{learner_id}}; require learner='path'")
        elif not required and extra.get("security") != []:
            raise ValueError(f"{where} has no scope; require one, or give it openapi_extra=OPEN")


class AccessMiddleware:
    """Finds out what the sender of a request may do, before anything of it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the access in the scope; or refuse."""
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            scope[ACCESS] = ANYONE
        await self.app(scope, receive, send)
