"""One place that turns errors into problem details (RFC 9457)."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from kgplan import errors as kgplan_errors
from kgplan.api.models import FieldProblem, Problem, RefusedStatement, StatementsProblem
from kgplan.api.telemetry.context import context_of
from kgplan.api.tokens import ACCESS, Access
from kgplan.errors import (
    AccessDenied,
    ArtifactError,
    AuditUnavailable,
    BatchTooLarge,
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    EventConflict,
    ForeignPage,
    GraphUnavailable,
    HeadTooLarge,
    HeadTooSlow,
    InputError,
    InsufficientScope,
    JobRunning,
    KeysUnavailable,
    KgplanError,
    LaunchRefused,
    MalformedAuthorization,
    MalformedStatement,
    MediaRefused,
    MissingExtra,
    ModelUnusable,
    NoEarlierModel,
    NotFound,
    NotReady,
    OtherCourse,
    OtherLearner,
    OtherSystem,
    PlanChanged,
    RateLimited,
    RecordsUnavailable,
    TookTooLong,
    TooManyConnections,
    UnknownLearner,
)

RETRY_SECONDS = 5
TYPE = "urn:kgplan:problem:"
REQUEST = "urn:kgplan:request:"
STATUS: dict[type[KgplanError], int] = {
    NotFound: 404,
    PlanChanged: 412,
    MalformedStatement: 400,
    EventConflict: 409,
    ModelUnusable: 409,
    NoEarlierModel: 409,
    JobRunning: 409,
    MediaRefused: 415,
    InputError: 422,
    MalformedAuthorization: 400,
    InsufficientScope: 403,
    OtherLearner: 403,
    OtherCourse: 403,
    AccessDenied: 401,
    ForeignPage: 403,
    LaunchRefused: 403,
    KeysUnavailable: 503,
    AuditUnavailable: 503,
    BodyTooLarge: 413,
    BodyTooSlow: 408,
    HeadTooLarge: 431,
    HeadTooSlow: 408,
    TooManyConnections: 503,
    ClientGone: 499,
    BatchTooLarge: 413,
    RateLimited: 429,
    TookTooLong: 503,
    ArtifactError: 503,
    GraphUnavailable: 503,
    RecordsUnavailable: 503,
    MissingExtra: 501,
    OtherSystem: 501,
    NotReady: 503,
}
"""By place in the tree of errors: the first that fits; 500 where none does."""


def status_of(error: KgplanError) -> int:
    """HTTP status for an error, by its place in the tree."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def problem_name(error: KgplanError) -> str:
    """Stable name of an error class.

    >>> problem_name(NotFound("x"))
    'not-found'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()


def problem_of(error: KgplanError, given: Iterable[tuple[str, object]] = ()) -> Problem:
    """The problem that an error is told as.

    Args:
        error: what went wrong.
        given: (field, value) of the request; those that hold a missing id are named.
    """
    if isinstance(error, MalformedStatement) and error.refused:
        return _problem_of_batch(error)
    name, detail = problem_name(error), str(error)
    missing = isinstance(error, NotFound)
    if isinstance(error, NotFound) and " " in error.missing_id:
        detail += "; in an address, + means a space: write it as %2B"
    fields = [field for field, value in given if missing and holds(value, error)]
    if isinstance(error, MalformedStatement):
        fields = [error.field]
    return Problem(
        type=TYPE + name,
        title=name.replace("-", " ").capitalize(),
        status=status_of(error),
        detail=detail,
        close_matches=error.near if isinstance(error, NotFound) else [],
        fields=[FieldProblem(field=field, reason=str(error)) for field in fields],
    )


def _problem_of_batch(error: MalformedStatement) -> StatementsProblem:
    whole = problem_of(MalformedStatement(error.field, error.reason)).model_dump()
    fields = [
        FieldProblem(
            field=f"statements[{each.index}].{each.field}", reason=f"{each.field} {each.reason}"
        )
        for each in error.refused
    ]
    listed = [RefusedStatement(**asdict(each)) for each in error.refused]
    return StatementsProblem(**whole | {"fields": fields, "statements": listed})


def challenge(error: KgplanError, basic: bool = False) -> dict[str, str]:
    """The header that says which token would do (RFC 6750, 3), for a refusal.

    Args:
        error: the refusal.
        basic: whether a token as the password of RFC 7617 would do, too.

    >>> challenge(InsufficientScope("graph:read"))["WWW-Authenticate"]
    'Bearer realm="kgplan", error="insufficient_scope", scope="graph:read"'
    """
    if not isinstance(error, AccessDenied):
        return {}
    said = f', error="{error.code}"' if error.code else ""
    if isinstance(error, InsufficientScope):
        said += f', scope="{error.scope}"'
    other = ', Basic realm="kgplan", charset="UTF-8"' if basic else ""
    return {"WWW-Authenticate": f'Bearer realm="kgplan"{said}{other}'}


def told_to(scope: Scope, error: KgplanError) -> KgplanError:
    """An error without close matches that must not be named.

    Those are other learners to a learner, and erased ones to anyone.
    """
    if not isinstance(error, UnknownLearner) or not error.near:
        return error
    access: Access | None = scope.get(ACCESS)
    near: list[str] = []
    if access is None or access.learner_id is None:
        with suppress(RecordsUnavailable):
            near = scope["app"].state.learners.not_erased(error.near)
    return UnknownLearner(error.missing_id, near)


def problem_named(kind: str, detail: str) -> Problem:
    """The problem of an error that another process told.

    Args:
        kind: the error's class.
        detail: its sentence.

    >>> problem_named("UnknownCourse", "no course 'C_math'").type
    'urn:kgplan:problem:unknown-course'
    """
    known = getattr(kgplan_errors, kind, None)
    if not (isinstance(known, type) and issubclass(known, KgplanError)):
        return Problem(type=TYPE + "internal", title="Internal", status=500, detail=detail)
    error = known.__new__(known)
    name = problem_name(error)
    return Problem(
        type=TYPE + name,
        title=name.replace("-", " ").capitalize(),
        status=status_of(error),
        detail=detail,
    )


def holds(value: object, error: KgplanError) -> bool:
    """Whether a value is the missing id, or a list with it."""
    missing = getattr(error, "missing_id", None)
    return value == missing or (isinstance(value, list | tuple) and missing in value)


def given_by(request: Request) -> list[tuple[str, object]]:
    """(field, value) of a request's path and query."""
    return [
        *((f"path.{name}", value) for name, value in request.path_params.items()),
        *((f"query.{name}", value) for name, value in request.query_params.multi_items()),
    ]


def validation_problem(
    error: RequestValidationError, inside: tuple[str | int, ...] = ()
) -> Problem:
    """The problem of wrong parameters.

    Args:
        error: which, and why.
        inside: where the part of the body is that they were found in; empty for a whole request.
    """
    wrong = []
    for each in error.errors():
        place = (*inside, *each["loc"][1:]) if inside else each["loc"]
        wrong.append(FieldProblem(field=".".join(map(str, place)), reason=each["msg"]))
    return Problem(
        type=TYPE + "bad-parameters",
        title="Bad parameters",
        status=422,
        detail="; ".join(f"{each.field}: {each.reason}" for each in wrong),
        fields=wrong,
    )


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error with a problem body."""

    @app.exception_handler(KgplanError)
    def from_kgplan(request: Request, error: KgplanError) -> JSONResponse:
        response = answer(problem_of(told_to(request.scope, error), given_by(request)))
        response.headers.update(challenge(error))
        return response

    @app.exception_handler(RequestValidationError)
    def from_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        for each in error.errors():
            if each["type"] == "too_long" and each["loc"] == ("body", "items"):
                context = each["ctx"]
                large = BatchTooLarge(context["actual_length"], context["max_length"])
                return answer(problem_of(large))
        problem = validation_problem(error)
        if request.url.path.startswith("/xapi/"):  # whose standard asks for 400
            problem.status = 400
        return answer(problem)

    @app.exception_handler(HTTPException)
    def from_http(request: Request, error: HTTPException) -> JSONResponse:
        names = {404: "no-such-operation", 405: "method-not-allowed"}
        name = names.get(error.status_code, "http-error")
        detail = f"{request.method} {request.url.path}: {error.detail}; see /docs"
        problem = Problem(
            type=TYPE + name,
            title=name.replace("-", " ").capitalize(),
            status=error.status_code,
            detail=detail,
        )
        response = answer(problem)
        response.headers.update(error.headers or {})
        return response


def fault() -> Problem:
    """The problem of an error that nobody foresaw; its text stays in the log."""
    return Problem(
        type=TYPE + "internal",
        title="Internal",
        status=500,
        detail="a fault of the service; its log tells more",
    )


class ProblemResponse(JSONResponse):
    """The response that carries a problem; it is told to the request's context as it is sent."""

    media_type = "application/problem+json"

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        headers = {"Retry-After": str(RETRY_SECONDS)} if problem.status == 503 else {}
        super().__init__(problem.model_dump(), problem.status, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, with the request as `instance`."""
        context = context_of(scope)
        if context is not None:
            context.problem = self.problem.type.removeprefix(TYPE)
            self.body = self.render(
                self.problem.model_dump() | {"instance": REQUEST + context.request_id}
            )
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def answer(problem: Problem) -> JSONResponse:
    """The response that carries a problem."""
    return ProblemResponse(problem)
