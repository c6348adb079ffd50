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

from fastapi import Header, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api import xapi
from kgplan.api.learner_models import EventIn, ReceiptOut, UnknownOut
from kgplan.api.models import Problem
from kgplan.api.operation import Asked, router_of
from kgplan.api.security import require
from kgplan.api.statements import AHEAD, StatementRules, header_of, is_ahead, refusal
from kgplan.api.telemetry.tracing import span
from kgplan.errors import (
    BatchTooLarge,
    EventConflict,
    MalformedStatement,
    Refusal,
)
from kgplan.store.events.sent import Receipt, Sent

log = logging.getLogger(__name__)

AT_ONCE = 1_000  # events in one request
VERSION_HEADER = "X-Experience-API-Version"
REFUSED_HEADER = "X-Kgplan-Refused"
ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "an id is stored with other content; nothing is kept"},
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

router = router_of(dependencies=[require("events:write", learner="body")])


@router.post("/v1/events", tags=["events"], responses=ANSWERS, response_model_exclude_none=True)
async def take_events(events: OneOrMore, asked: Asked) -> ReceiptOut:
    """Store one event or several, all or none; the learner's next plan knows them."""
    check_size(events)
    asked.access.check_learners(each.learner_id for each in events)
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
    receipt = await _stored(asked, sent)
    videos, courses = _counted(asked, sent, [receipt])
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


SPOKEN = " or ".join(xapi.VERSIONS)


Spoken = Annotated[str | None, Header(alias=VERSION_HEADER, description="1.0.3 or 2.0.0")]


def check_version(version: str | None) -> None:
    """Refuse a request that speaks neither xAPI 1.0 nor 2.0.

    Raises:
        MalformedStatement: the header is missing or names another version.
    """
    if version is None:
        raise MalformedStatement(VERSION_HEADER, f"is missing; send {SPOKEN}")
    if not xapi.KNOWN_VERSION.fullmatch(version):
        raise MalformedStatement(VERSION_HEADER, f"is {version!r}; send {SPOKEN}")


@router.post(
    "/xapi/statements",
    tags=["xapi"],
    responses=XAPI_ANSWERS,
    openapi_extra=STATEMENTS_BODY,
)
async def take_statements(asked: Asked, version: Spoken = None) -> list[str]:
    """Store one statement or several; the answer holds the ids of those stored, in order.

    A malformed one refuses its batch; where `KGPLAN_BATCHES` is `each`, itself alone: the header
    `X-Kgplan-Refused` then lists those refused.
    """
    check_version(version)
    body = parsed(await asked.body())
    if not isinstance(body, list):
        return [await _take_one(asked, body)]
    check_size(body)
    rules = rules_of(asked)
    sent, refused = await _read(asked, body)
    if refused and (rules.batches == "whole" or not sent):
        raise MalformedStatement.of_batch(refused, len(body))
    asked.access.check_learners(each.event.learner_id for _, each in sent)
    if rules.batches == "whole":
        await _counted_statements(asked, [each for _, each in sent])
    else:
        conflicts = await _store_each(asked, sent)
        refused = sorted([*refused, *conflicts], key=lambda each: each.index)
    if refused:
        left_out = {each.index for each in refused}
        sent = [(index, each) for index, each in sent if index not in left_out]
        fields = sorted({each.field for each in refused})
        log.warning("refused %d of %d statements for %s", len(refused), len(body), fields[:5])
        asked.answer_headers[REFUSED_HEADER] = header_of(refused)
        asked.metrics.count_events("xapi", refused=len(refused))
    return [each.event.event_id for _, each in sent]


@router.put(
    "/xapi/statements",
    tags=["xapi"],
    status_code=204,
    responses=XAPI_ANSWERS,
    openapi_extra=STATEMENTS_BODY,
)
async def put_statement(
    asked: Asked,
    version: Spoken = None,
    statement_id: Annotated[str | None, Query(alias="statementId")] = None,
) -> Response:
    """Store one statement under an id."""
    check_version(version)
    statement = parsed(await asked.body())
    if statement_id is None:
        raise MalformedStatement("statementId", "is missing")
    if isinstance(statement, dict):
        given = statement.setdefault("id", statement_id)
        if str(given).lower() != statement_id.lower():
            raise MalformedStatement("id", f"is {given!r}, but statementId is {statement_id!r}")
    await _take_one(asked, statement)
    return Response(status_code=204)


@router.get(
    "/xapi/about",
    tags=["xapi"],
    responses={400: {"model": Problem, "description": "a parameter is unknown"}},
)
async def about() -> dict[str, list[str]]:
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


def rules_of(asked: Asked) -> StatementRules:
    """The rules that the application was made with."""
    rules: StatementRules = asked.app.state.statement_rules
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
    asked: Asked, listed: Sequence[Any]
) -> tuple[list[tuple[int, Sent]], list[Refusal]]:
    """The statements of a batch with their places in it, and why others are refused.

    The first platform that sends a good one owns the plain ids of learners, where none does yet;
    a learner's own token makes nobody the owner.
    """
    rules, learners = rules_of(asked), asked.current_learners
    now, owners = time.time(), rules.owners or learners.owners
    sent, refused = _read_by(rules, listed, now, owners)
    if owners is None and sent and not (refused and rules.batches == "whole"):
        platform = asked.access.learner_id is None
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


async def _take_one(asked: Asked, statement: Any) -> str:
    sent, refused = await _read(asked, [statement])
    if refused:
        raise MalformedStatement(refused[0].field, refused[0].reason)
    ((_, one),) = sent
    asked.access.check_learners([one.event.learner_id])
    await _counted_statements(asked, [one])
    return one.event.event_id


async def _counted_statements(asked: Asked, sent: Sequence[Sent]) -> None:
    _counted(asked, sent, [await _stored(asked, sent)])


async def _store_each(asked: Asked, sent: Sequence[tuple[int, Sent]]) -> list[Refusal]:
    """Store statements each by itself; gives those that contradict what is stored."""
    stored = await asyncio.gather(
        *(_stored(asked, [each]) for _, each in sent), return_exceptions=True
    )
    conflicts, receipts = [], []
    for (index, each), became in zip(sent, stored, strict=True):
        if isinstance(became, EventConflict):
            conflicts.append(Refusal(index, each.event.event_id, "id", str(became)))
        elif isinstance(became, BaseException):
            raise became
        else:
            receipts.append(became)
    _counted(asked, [each for _, each in sent], receipts)
    return conflicts


def _counted(
    asked: Asked, sent: Sequence[Sent], receipts: Sequence[Receipt]
) -> tuple[list[str], list[str]]:
    """Count what became of events; gives the videos and courses that the data do not know."""
    learners, planner = asked.current_learners, asked.served.planner
    videos, courses = learners.unknown_in(planner, (each.event for each in sent))
    asked.metrics.count_events(
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


async def _stored(asked: Asked, sent: Sequence[Sent]) -> Receipt:
    """Store events under ids that are the sender's own; errors as for `EventStore.submit`."""
    store, sender = asked.current_learners.store, asked.access.learner_id
    if sender is not None:
        sent = [replace(each, sender=sender) for each in sent]
    with span("records.write"):
        return await asyncio.wrap_future(store.submit(sent))
