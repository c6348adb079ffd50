"""Who may ask for what? Each operation declares its scope; what declares none is not served."""

import base64
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import fastapi
from fastapi import FastAPI, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from kgplan.api.audit import audit
from kgplan.api.headers import GUARDED
from kgplan.api.keys import Keys, SecretKeys, is_loopback, published_keys
from kgplan.api.problems import answer, challenge, problem_name, problem_of
from kgplan.api.tokens import ACCESS, ANYONE, SCOPES, Access, Reads, Verifier, access_of
from kgplan.errors import (
    AccessDenied,
    ConfigError,
    ForeignPage,
    InvalidToken,
    KeysUnavailable,
    KgplanError,
    MalformedAuthorization,
    MissingToken,
)
from kgplan.settings import Settings

log = logging.getLogger(__name__)

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
AUTHORIZATION = b"authorization"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
SAID_BY_BROWSERS = frozenset({b"origin", b"sec-fetch-site", b"host"})
XAPI = "/xapi/"
ACROSS_ORIGINS: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PUT", "DELETE"),
    "allow_headers": (
        *("Authorization", "If-Match", "If-None-Match"),
        *("X-Experience-API-Version", "X-Request-ID"),
    ),
    "expose_headers": (
        *("ETag", "Retry-After", "WWW-Authenticate", "X-Request-ID", "X-Kgplan-Refused"),
    ),
    "max_age": 600,
}
"""What pages of the listed origins may send and read; no cookies."""
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
            self.check(access_of(request.scope), request.path_params.get("learner_id"))
        except AccessDenied as refusal:
            if self.scope == "admin":
                action = request.scope["endpoint"].__name__.replace("_", "-")
                outcome = f"refused: {problem_name(refusal)}"
                await run_in_threadpool(audit, request, action, outcome=outcome)
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
    return fastapi.Security(Required(scope, learner, own), scopes=[scope])


def required_by(route: RouteContext) -> list[Required]:
    """What a route requires, and the routers that it is in."""
    dependant = getattr(route, "dependant", None)
    found = [each.call for each in dependant.dependencies] if dependant else []
    return [each for each in found if isinstance(each, Required)]


def is_guarded(route: RouteContext) -> bool:
    """Whether a route, or all that is mounted there, lies where a token is needed."""
    return f"{route.path or ''}/".startswith(GUARDED)


def operations(app: FastAPI) -> Iterator[RouteContext]:
    """Every route that is described, or lies where a token is needed."""
    for route in iter_route_contexts(app.routes):
        described = getattr(route, "include_in_schema", False) and hasattr(route, "dependant")
        if described or is_guarded(route):
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
        if is_guarded(route):
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


@dataclass(frozen=True)
class Security:
    """How the service finds out who asks.

    Attributes:
        verifier: reads tokens; None: nobody is asked, and all may do everything.
        origins: whose pages in a browser may ask (CORS).
        hosts: names under which the service may be asked; empty: any.
    """

    verifier: Reads | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> "Security":
        """What the settings say; a key set that is silent now is only warned of.

        Raises:
            ConfigError: as for `check_settings`, or the key set's file is of no use.
        """
        check_settings(settings)
        if settings.auth != "jwt":
            log.warning(
                "KGPLAN_AUTH is %s: every request is answered, whoever sends it", settings.auth
            )
            # in development: a page elsewhere whose name leads here must not read the answers
            return cls(None, settings.cors, LOOPBACK if settings.auth == "dev" else ())
        secrets = settings.auth_secrets
        keys: Keys = SecretKeys(secrets)
        if not secrets:
            keys = published = published_keys(settings.auth_jwks)
            try:
                published.load()
            except KeysUnavailable as error:
                if "://" not in settings.auth_jwks:
                    raise ConfigError(f"KGPLAN_AUTH_JWKS: {error}") from None
                log.warning("%s", error)
        verifier = Verifier(keys, settings.auth_audience, settings.auth_issuer)
        return cls(verifier, settings.cors)


def check_settings(settings: Settings, host: str = "127.0.0.1") -> None:
    """Refuse to serve where it is not said who may ask.

    Args:
        settings: from the environment.
        host: the address to listen on.

    Raises:
        ConfigError: no key or two kinds, a weak one; or development where others could ask.
    """
    if settings.auth == "dev" and not is_loopback(host):
        raise ConfigError(
            f"development asks nobody for a token, and {host} is open to others; listen on"
            " 127.0.0.1, or set a key and leave --dev away"
        )
    if settings.auth != "jwt":
        return
    secrets = settings.auth_secrets
    if secrets and settings.auth_jwks:
        raise ConfigError(
            "KGPLAN_AUTH_JWKS and a secret are both set; keep one, as a token must not choose"
            " how it is verified"
        )
    if not secrets and not settings.auth_jwks:
        raise ConfigError(
            "tokens cannot be verified, as no key is set; name KGPLAN_AUTH_SECRET_FILE (`kgplan"
            " token --new-secret FILE` writes one) or KGPLAN_AUTH_JWKS; on this machine alone,"
            " `kgplan serve --dev` does without tokens"
        )
    if settings.auth_jwks:
        published_keys(settings.auth_jwks)


def is_foreign(scope: Scope, security: Security) -> bool:
    """Whether a browser says that a page of another origin sent a request; others say nothing.

    Such a page may not read the answer, but without tokens what it asks for would be done.
    """
    sent = {name: value for name, value in scope["headers"] if name in SAID_BY_BROWSERS}
    origin = sent.get(b"origin", b"").decode("latin-1")
    if origin in security.origins:
        return False
    site = sent.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")  # none: the user, by the address bar
    # a proxy may have changed the host, but in development there is none
    here = sent.get(b"host", b"").decode("latin-1")
    return bool(origin and security.hosts) and origin.lower() != f"http://{here}".lower()


def asks_by_password(scope: Scope) -> bool:
    """Whether a request names user and password, where xAPI's senders may."""
    sent = [value for name, value in scope["headers"] if name == AUTHORIZATION]
    return scope["path"].startswith(XAPI) and any(v[:6].lower() == b"basic " for v in sent)


def password_of(credentials: bytes) -> bytes:
    """The password of Basic credentials (RFC 7617): a token; the user's name says nothing.

    Raises:
        InvalidToken: they are malformed.
    """
    try:
        _, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except ValueError:
        colon, password = b"", b""
    if not colon:
        raise InvalidToken("it is not user:password in Base64")
    return password


class AccessMiddleware:
    """Finds out what the sender of a request may do, before its body is read."""

    def __init__(self, app: ASGIApp, security: Security) -> None:
        self.app, self.verifier, self.security = app, security.verifier, security

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the access in the scope; or refuse."""
        if scope["type"] == "http" and scope["path"].startswith(GUARDED):
            try:
                scope[ACCESS] = await self.access(scope)
            except KgplanError as error:
                response = answer(problem_of(error))
                response.headers.update(challenge(error, basic=asks_by_password(scope)))
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def access(self, scope: Scope) -> Access:
        """What the sender may do.

        Raises:
            MissingToken: there is no bearer token.
            MalformedAuthorization: there is more than one header, and proxies might read another.
            InvalidToken: it proves nothing.
            KeysUnavailable: it cannot be verified now.
            ForeignPage: nobody is asked for a token, and a browser says that another page asks.
        """
        if self.verifier is None:
            if scope["method"] not in READING and is_foreign(scope, self.security):
                raise ForeignPage
            return ANYONE
        sent = [value for name, value in scope["headers"] if name == AUTHORIZATION]
        if len(sent) > 1:
            raise MalformedAuthorization
        scheme, _, token = sent[0].partition(b" ") if sent else (b"", b"", b"")
        if asks_by_password(scope):
            token = password_of(token)
        elif scheme.lower() != b"bearer":
            raise MissingToken
        token = token.strip(b" ")
        if not token:
            raise InvalidToken("it is empty")
        return await self.verifier.access(token)
