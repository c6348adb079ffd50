"""The operations that take events: plain JSON, and xAPI statements.

An answer of 2xx comes after the commit.
"""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator, TypeAdapter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api import xapi
from kgplan.api.audit import access_of
from kgplan.api.current import LearnersDep
from kgplan.api.dependencies import PROBLEMS, operation_id
from kgplan.api.learner_models import EventIn, ReceiptOut, UnknownOut
from kgplan.api.models import Problem
from kgplan.api.routes.at_once import at_once
from kgplan.api.security import AccessDep, require
from kgplan.api.statements import AHEAD, StatementRules, header_of, is_ahead, refusal
from kgplan.api.telemetry.tracing import span
from kgplan.api.tokens import Access
from kgplan.errors import (
    BatchTooLarge,
    EventConflict,
    MalformedStatement,
    Refusal,
)
from kgplan.model.current import CurrentLearners
from kgplan.store.events.sent import Receipt, Sent

log = logging.getLogger(__name__)

AT_ONCE = 1_000  # events in one request
VERSION_HEADER = "X-Experience-API-Version"
REFUSED_HEADER = "X-Kgplan-Refused"
ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "an id is stored with other content; nothing is kept"},
    422: PROBLEMS[422],
    503: {"model": Problem, "description": "the records cannot be written now; send it again"},
}
XAPI_ANSWERS = ANSWERS | {
    400: {
        "model": Problem,
        "description": "statements are malformed; `statements` lists them, with field and reason;"
        " none is kept",
    }
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
    receipt = await take_events(events, learners, access_of(request), request)
    return Response(receipt.model_dump_json(exclude_none=True), media_type="application/json")


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


async def take_events(
    events: OneOrMore, learners: LearnersDep, access: AccessDep, request: Request
) -> ReceiptOut:
    """Store one event or several, all or none; the learner's next plan knows them."""
    check_size(events)
    access.check_learners(each.learner_id for each in events)
    now = time.time()
    sent = []
    for n, each in enumerate(events):
        event, content = each.event(now), each.model_dump(mode="json", exclude_unset=True)
        if is_ahead(event.time, now):
            said = f"{content['time']} is {AHEAD}"
            raise RequestValidationError(
                [{"type": "value_error", "loc": ("body", n, "time"), "msg": said}]
            )
        sent.append(Sent(event, "event", content, digest(content), each.time is None))
    receipt = await _stored(learners, access, sent)
    videos, courses = _counted(request, learners, sent, [receipt])
    unknown = UnknownOut(
        items=len(videos), courses=len(courses), item_ids=videos, course_ids=courses
    )
    return ReceiptOut(
        stored=list(receipt.stored),
        repeated=list(receipt.repeated),
        erased=list(receipt.erased),
        silent=receipt.silent,
        unknown=unknown if videos or courses else None,
    )


router.add_api_route(
    "/v1/events",
    take_events,
    methods=["POST"],
    response_model_exclude_none=True,
    route_class_override=at_once(events_at_once),
    tags=["events"],
    responses=ANSWERS,
)


SPOKEN = " or ".join(xapi.VERSIONS)


def check_version(
    version: Annotated[
        str | None, Header(alias=VERSION_HEADER, description="1.0.3 or 2.0.0")
    ] = None,
) -> None:
    """Refuse a request that speaks neither xAPI 1.0 nor 2.0.

    Raises:
        MalformedStatement: the header is missing or names another version.
    """
    if version is None:
        raise MalformedStatement(VERSION_HEADER, f"is missing; send {SPOKEN}")
    if not xapi.KNOWN_VERSION.fullmatch(version):
        raise MalformedStatement(VERSION_HEADER, f"is {version!r}; send {SPOKEN}")


SpeaksXapi = Depends(check_version)


@router.post(
    "/xapi/statements",
    tags=["xapi"],
    responses=XAPI_ANSWERS,
    dependencies=[SpeaksXapi],
    openapi_extra=STATEMENTS_BODY,
)
async def take_statements(
    request: Request, response: Response, learners: LearnersDep, access: AccessDep
) -> list[str]:
    """Store one statement or several; the answer holds the ids of those stored, in order.

    A malformed one refuses its batch; where `KGPLAN_BATCHES` is `each`, itself alone: the header
    `X-Kgplan-Refused` then lists those refused.
    """
    body = parsed(await request.body())
    if not isinstance(body, list):
        return [await _take_one(request, learners, access, body)]
    check_size(body)
    rules = rules_of(request)
    sent, refused = await _read(rules, learners, access, body)
    if refused and (rules.batches == "whole" or not sent):
        raise MalformedStatement.of_batch(refused, len(body))
    access.check_learners(each.event.learner_id for _, each in sent)
    if rules.batches == "whole":
        await _counted_statements(request, learners, access, [each for _, each in sent])
    else:
        conflicts = await _store_each(request, learners, access, sent)
        refused = sorted([*refused, *conflicts], key=lambda each: each.index)
    if refused:
        left_out = {each.index for each in refused}
        sent = [(index, each) for index, each in sent if index not in left_out]
        fields = sorted({each.field for each in refused})
        log.warning("refused %d of %d statements for %s", len(refused), len(body), fields[:5])
        response.headers[REFUSED_HEADER] = header_of(refused)
        request.app.state.metrics.count_events("xapi", refused=len(refused))
    return [each.event.event_id for _, each in sent]


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
    await _take_one(request, learners, access, statement)
    return Response(status_code=204)


@router.get("/xapi/about", tags=["xapi"])
def about() -> dict[str, list[str]]:
    """Which versions of xAPI are spoken."""
    return {"version": list(xapi.VERSIONS)}


class XapiVersion:
    """Names the xAPI version in every answer below /xapi, errors too, as xAPI asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the header."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked = dict(scope["headers"]).get(name, b"")
                header = name, xapi.VERSIONS[asked.startswith(b"2")].encode()
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        name = VERSION_HEADER.lower().encode()
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


def rules_of(request: Request) -> StatementRules:
    """The rules that the application was made with."""
    rules: StatementRules = request.app.state.statement_rules
    return rules


def sent_statement(
    statement: Any, now: float, rules: StatementRules, owners: Collection[str] | None
) -> Sent:
    """A statement as it is stored, under an id of its own where it has none.

    Raises:
        MalformedStatement: with the field.
    """
    if isinstance(statement, dict) and "id" not in statement:
        statement = {"id": str(uuid4())} | statement
    event = rules.event(statement, now, owners)
    compared = {k: v for k, v in statement.items() if k not in xapi.SET_BY_THE_STORE}
    stamped = statement.get("timestamp") is None
    return Sent(event, "xapi", statement, digest(compared | {"id": event.event_id}), stamped)


async def _read(
    rules: StatementRules, learners: CurrentLearners, access: Access, listed: Sequence[Any]
) -> tuple[list[tuple[int, Sent]], list[Refusal]]:
    """The statements of a batch with their places in it, and why others are refused.

    The first platform that sends a good one owns the plain ids of learners, where none does yet;
    a learner's own token makes nobody the owner.
    """
    now, owners = time.time(), rules.owners or learners.owners
    sent, refused = _read_by(rules, listed, now, owners)
    if owners is None and sent and not (refused and rules.batches == "whole"):
        platform = access.learner_id is None
        first = xapi.agent_of(sent[0][1].content).authority if platform else None
        owners = await learners.plain_owners(first)
        sent, refused = _read_by(rules, listed, now, owners)
    return sent, refused


def _read_by(
    rules: StatementRules, listed: Sequence[Any], now: float, owners: Collection[str] | None
) -> tuple[list[tuple[int, Sent]], list[Refusal]]:
    sent, refused = [], []
    for index, statement in enumerate(listed):
        try:
            sent.append((index, sent_statement(statement, now, rules, owners)))
        except MalformedStatement as error:
            refused.append(refusal(index, statement, error))
    return sent, refused


async def _take_one(
    request: Request, learners: CurrentLearners, access: Access, statement: Any
) -> str:
    sent, refused = await _read(rules_of(request), learners, access, [statement])
    if refused:
        raise MalformedStatement(refused[0].field, refused[0].reason)
    ((_, one),) = sent
    access.check_learners([one.event.learner_id])
    await _counted_statements(request, learners, access, [one])
    return one.event.event_id


async def _counted_statements(
    request: Request, learners: CurrentLearners, access: Access, sent: Sequence[Sent]
) -> None:
    _counted(request, learners, sent, [await _stored(learners, access, sent)])


async def _store_each(
    request: Request,
    learners: CurrentLearners,
    access: Access,
    sent: Sequence[tuple[int, Sent]],
) -> list[Refusal]:
    """Store statements each by itself; gives those that contradict what is stored."""
    stored = await asyncio.gather(
        *(_stored(learners, access, [each]) for _, each in sent), return_exceptions=True
    )
    conflicts, receipts = [], []
    for (index, each), became in zip(sent, stored, strict=True):
        if isinstance(became, EventConflict):
            conflicts.append(Refusal(index, each.event.event_id, "id", str(became)))
        elif isinstance(became, BaseException):
            raise became
        else:
            receipts.append(became)
    _counted(request, learners, [each for _, each in sent], receipts)
    return conflicts


def _counted(
    request: Request, learners: CurrentLearners, sent: Sequence[Sent], receipts: Sequence[Receipt]
) -> tuple[list[str], list[str]]:
    """Count what became of events; gives the videos and courses that the data do not know."""
    planner = request.app.state.keeper.served.planner
    videos, courses = learners.unknown_in(planner, (each.event for each in sent))
    request.app.state.metrics.count_events(
        sent[0].form if sent else "event",
        stored=sum(len(each.stored) for each in receipts),
        repeated=sum(len(each.repeated) for each in receipts),
        erased=sum(len(each.erased) for each in receipts),
        silent=sum(each.silent for each in receipts),
        unknown_items=len(videos),
        unknown_courses=len(courses),
    )
    return videos, courses


def digest(content: Any) -> str:
    """Names a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


async def _stored(learners: CurrentLearners, access: Access, sent: Sequence[Sent]) -> Receipt:
    """Store events under ids that are the sender's own; errors as for `EventStore.submit`."""
    if access.learner_id is not None:
        sent = [replace(each, sender=access.learner_id) for each in sent]
    with span("records.write"):
        return await asyncio.wrap_future(learners.store.submit(sent))
