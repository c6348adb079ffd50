"""One place that turns errors into problem details (RFC 9457)."""

import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from kgplan.api.models import Problem
from kgplan.errors import ArtifactError, GraphUnavailable, InputError, KgplanError, NotFound

RETRY_SECONDS = 5


def status_of(error: KgplanError) -> int:
    """HTTP status for an error, by its place in the tree."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, InputError):
        return 422
    return 503 if isinstance(error, ArtifactError | GraphUnavailable) else 500


def problem_name(error: KgplanError) -> str:
    """Stable name of an error class.

    >>> problem_name(NotFound("x"))
    'not-found'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error with a problem body."""

    @app.exception_handler(KgplanError)
    def from_kgplan(request: Request, error: KgplanError) -> JSONResponse:
        name, status = problem_name(error), status_of(error)
        detail = str(error)
        if isinstance(error, NotFound) and " " in error.missing_id:
            detail += "; in an address, + means a space: write it as %2B"
        return answer(
            Problem(
                type=f"urn:kgplan:problem:{name}",
                title=name.replace("-", " ").capitalize(),
                status=status,
                detail=detail,
                close_matches=error.near if isinstance(error, NotFound) else [],
            )
        )

    @app.exception_handler(RequestValidationError)
    def from_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            {"field": ".".join(map(str, each["loc"])), "reason": each["msg"]}
            for each in error.errors()
        ]
        return answer(
            Problem(
                type="urn:kgplan:problem:bad-parameters",
                title="Bad parameters",
                status=422,
                detail="; ".join(f"{each['field']}: {each['reason']}" for each in wrong),
                fields=wrong,
            )
        )


def answer(problem: Problem) -> JSONResponse:
    """The response that carries a problem."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if problem.status == 503 else {}
    return JSONResponse(
        problem.model_dump(),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=headers,
    )
