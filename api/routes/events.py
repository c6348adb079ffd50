"""The operations that take events: plain JSON, and xAPI statements.

An answer of 2xx comes after the commit.
"""

import asyncio
import hashlib
import json
import re
import time
from dataclasses import replace
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BeforeValidator, TypeAdapter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api import xapi
from kgplan.api.audit import access_of
from kgplan.api.current import CurrentLearners, LearnersDep
from kgplan.api.dependencies import PROBLEMS, operation_id
from kgplan.api.learner_models import EventIn, ReceiptOut
from kgplan.api.models import Problem
from kgplan.api.records.store import Receipt, Sent
from kgplan.api.routes.at_once import at_once
from kgplan.api.security import AccessDep, require
from kgplan.api.telemetry.tracing import span
from kgplan.api.tokens import Access
from kgplan.errors import BatchTooLarge, MalformedStatement

AT_ONCE = 1_000  # events in one request
VERSION_HEADER = "X-Experience-API-Version"
ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "an id is stored with other content; nothing is kept"},
    422: PROBLEMS[422],
    503: {"model": Problem, "description": "the records cannot be written now; send it again"},
}
XAPI_ANSWERS = ANSWERS | {
    400: {"model": Problem, "description": "a statement is malformed, with the field; none is kept"}
}
STATEMENTS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [{"type": "object"}, {"type": "array"}]},
                "example": {
                    "id": "8f87ccde-bb56-4c2e-ab83-44982ef22df0",
                    "actor": {"account": {"homePage": "https://mooc.example", "name": "U_1000"}},
                    "verb": {"id": "https://w3id.org/xapi/video/verbs/paused"},
                    "object": {"id": "https://mooc.example/videos/V_5f3a"},
                    "context": {"extensions": {xapi.LENGTH: 351}},
                    "result": {"extensions": {xapi.SEGMENTS: "0[.]95.5[,]120[.]300"}},
                    "timestamp": "2026-03-01T10:15:00Z",
                },
            }
        },
    }
}

OneOrMore = Annotated[
    list[EventIn],
    BeforeValidator(
        lambda body: body if isinstance(body, list) else [body],
        json_schema_input_type=EventIn | list[EventIn],
    ),
]
EVENTS: TypeAdapter[list[EventIn]] = TypeAdapter(OneOrMore)

router = APIRouter(
    dependencies=[require("events:write", learner="body")],
    generate_unique_id_function=operation_id,
)


async def events_at_once(request: Request) -> Response | None:
    """What `take_events` answers to a well-formed request; else None."""
    learners = request.app.state.learners
    if not isinstance(learners, CurrentLearners) or not _is_json(request):
        return None
    try:
        events = EVENTS.validate_python(await request.json())
    except (ValueError, RecursionError):  # no JSON, or no events
        return None
    receipt = await take_events(events, learners, access_of(request))
    return Response(receipt.model_dump_json(), media_type="application/json")


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


async def take_events(events: OneOrMore, learners: LearnersDep, access: AccessDep) -> ReceiptOut:
    """Store one event or several, all or none; the learner's next plan knows them."""
    check_size(events)
    access.check_learners(each.learner_id for each in events)
    now = time.time()
    sent = []
    for each in events:
        content = each.model_dump(mode="json", exclude_unset=True)
        sent.append(Sent(each.event(now), "event", content, digest(content), each.time is None))
    receipt = await _stored(learners, access, sent)
    return ReceiptOut(
        stored=list(receipt.stored),
        repeated=list(receipt.repeated),
        erased=list(receipt.erased),
        silent=receipt.silent,
    )


router.add_api_route(
    "/v1/events",
    take_events,
    methods=["POST"],
    route_class_override=at_once(events_at_once),
    tags=["events"],
    responses=ANSWERS,
)


def check_version(
    version: Annotated[str | None, Header(alias=VERSION_HEADER, description="1.0.3")] = None,
) -> None:
    """Refuse a request that does not speak xAPI 1.0.

    Raises:
        MalformedStatement: the header is missing or names another version.
    """
    if version is None:
        raise MalformedStatement(VERSION_HEADER, f"is missing; send {xapi.VERSION}")
    if not re.fullmatch(r"1\.0(\.\d+)?", version):
        raise MalformedStatement(VERSION_HEADER, f"is {version!r}; send {xapi.VERSION}")


SpeaksXapi = Depends(check_version)


@router.post(
    "/xapi/statements",
    tags=["xapi"],
    responses=XAPI_ANSWERS,
    dependencies=[SpeaksXapi],
    openapi_extra=STATEMENTS_BODY,
)
async def take_statements(request: Request, learners: LearnersDep, access: AccessDep) -> list[str]:
    """Store one statement or several, all or none; the answer holds their ids, in order."""
    body = parsed(await request.body())
    listed = body if isinstance(body, list) else [body]
    check_size(listed)
    now, sent = time.time(), []
    for n, statement in enumerate(listed):
        try:
            sent.append(sent_statement(statement, now))
        except MalformedStatement as error:
            if body is not listed:
                raise
            raise MalformedStatement(f"statements[{n}].{error.field}", error.reason) from None
    access.check_learners(each.event.learner_id for each in sent)
    await _stored(learners, access, sent)
    return [each.event.event_id for each in sent]


@router.put(
    "/xapi/statements",
    tags=["xapi"],
    status_code=204,
    responses=XAPI_ANSWERS,
    dependencies=[SpeaksXapi],
    openapi_extra=STATEMENTS_BODY,
)
async def put_statement(
    request: Request,
    learners: LearnersDep,
    access: AccessDep,
    statement_id: Annotated[str | None, Query(alias="statementId")] = None,
) -> Response:
    """Store one statement under an id."""
    statement = parsed(await request.body())
    if statement_id is None:
        raise MalformedStatement("statementId", "is missing")
    if isinstance(statement, dict):
        given = statement.setdefault("id", statement_id)
        if str(given).lower() != statement_id.lower():
            raise MalformedStatement("id", f"is {given!r}, but statementId is {statement_id!r}")
    sent = sent_statement(statement, time.time())
    access.check_learners([sent.event.learner_id])
    await _stored(learners, access, [sent])
    return Response(status_code=204)


@router.get("/xapi/about", tags=["xapi"])
def about() -> dict[str, list[str]]:
    """Which versions of xAPI are spoken."""
    return {"version": [xapi.VERSION]}


class XapiVersion:
    """Names the xAPI version in every answer below /xapi, errors too, as xAPI asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the header."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = VERSION_HEADER.lower().encode(), xapi.VERSION.encode()
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        ours = scope["type"] == "http" and scope["path"].startswith("/xapi/")
        await self.app(scope, receive, named if ours else send)


def check_size(listed: list[Any]) -> None:
    """Refuse a request of too many events.

    Raises:
        BatchTooLarge: with both numbers.
    """
    if len(listed) > AT_ONCE:
        raise BatchTooLarge(len(listed), AT_ONCE)


def parsed(body: bytes) -> Any:
    """A request's body, as JSON.

    Raises:
        MalformedStatement: it is not JSON in UTF-8.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        text = body.decode()
        value = json.loads(text, parse_constant=refuse)
        if "\\u" in text:  # an escape can name half a character, which no answer could repeat
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise MalformedStatement("the body", f"is not JSON: {error}") from None


def sent_statement(statement: Any, now: float) -> Sent:
    """A statement as it is stored, under an id of its own where it has none.

    Raises:
        MalformedStatement: with the field.
    """
    if isinstance(statement, dict) and "id" not in statement:
        statement = {"id": str(uuid4())} | statement
    event = xapi.read_statement(statement, now)
    compared = {k: v for k, v in statement.items() if k not in xapi.SET_BY_THE_STORE}
    stamped = "timestamp" not in statement
    return Sent(event, "xapi", statement, digest(compared | {"id": event.event_id}), stamped)


def digest(content: Any) -> str:
    """Names a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


async def _stored(learners: LearnersDep, access: Access, sent: list[Sent]) -> Receipt:
    """Store events under ids that are the sender's own; errors as for `RecordStore.submit`."""
    if access.learner_id is not None:
        sent = [replace(each, sender=access.learner_id) for each in sent]
    with span("records.write"):
        return await asyncio.wrap_future(learners.store.submit(sent))
