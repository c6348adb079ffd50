"""The operations that take events: plain JSON, and xAPI statements.

An answer of 2xx comes after the commit.
"""

import asyncio
import json
import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kgplan.api import xapi
from kgplan.api.forms import Form, sent_event, sent_statement
from kgplan.api.learner_models import EventIn, ReceiptOut, UnknownOut
from kgplan.api.letters import letters_of
from kgplan.api.models import Problem
from kgplan.api.operation import Asked, Operation, router_of
from kgplan.api.security import require
from kgplan.api.statements import StatementRules, header_of, refusal
from kgplan.api.telemetry.tracing import span
from kgplan.errors import (
    BatchTooLarge,
    EventConflict,
    KgplanError,
    MalformedStatement,
    Refusal,
)
from kgplan.store.events.sent import Receipt, Sent

log = logging.getLogger(__name__)

AT_ONCE = 1_000  # events in one request
VERSION_HEADER = "X-Experience-API-Version"
REFUSED_HEADER = "X-Kgplan-Refused"
OF_THE_REQUEST = frozenset({VERSION_HEADER, "the body", "statementId"})
"""Fields that stand in no statement."""
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


class TakingEvents(Operation):
    """An operation that takes events: those that it refuses are kept as dead letters."""

    async def refused(self, asked: Asked, error: Exception) -> None:
        """Keep what was sent, if it is a list of events; nobody waits for it."""
        form: Form = "xapi" if asked.url.path.startswith("/xapi/") else "event"
        with suppress(KgplanError):  # why they were refused is what has to be told
            sent = parsed(await asked.body())
            listed = sent if isinstance(sent, list) else [sent]
            refused = refused_by(error, listed)
            if refused and len(listed) <= AT_ONCE:
                _bury(asked, form, listed, refused)


def refused_by(error: Exception, listed: Sequence[Any]) -> list[Refusal]:
    """Which of the events that were sent an error is about; none where it is about the request."""
    if isinstance(error, RequestValidationError):
        found = []
        for each in error.errors():
            part, *place = each["loc"]
            if part == "body" and place:
                n, field = place[0], ".".join(map(str, place[1:]))
                told = each["msg"].removeprefix("Value error, ")
                found.append(Refusal(n, None, field or "event", told))
        return found
    if isinstance(error, EventConflict):
        return [
            Refusal(n, error.event_id, "id", str(error))
            for n, each in enumerate(listed)
            if isinstance(each, dict) and error.event_id in (each.get("id"), each.get("event_id"))
        ]
    if isinstance(error, MalformedStatement) and error.field not in OF_THE_REQUEST:
        return error.refused or [Refusal(0, None, error.field, error.reason)]
    return []


def _bury(asked: Asked, form: Form, listed: Sequence[Any], refused: Sequence[Refusal]) -> None:
    learners, rules = asked.current_learners, rules_of(asked)
    owners, sender = rules.owners or learners.owners, asked.access.learner_id or ""
    learners.store.bury(letters_of(form, listed, refused, time.time(), owners, sender))
    asked.metrics.count_events(form, refused=len(listed))


router = router_of(dependencies=[require("events:write", learner="body")], route_class=TakingEvents)


@router.post("/v1/events", tags=["events"], responses=ANSWERS, response_model_exclude_none=True)
async def take_events(events: OneOrMore, asked: Asked) -> ReceiptOut:
    """Store one event or several, all or none; the learner's next plan knows them."""
    check_size(events)
    asked.access.check_learners(each.learner_id for each in events)
    now, zone = time.time(), rules_of(asked).zone
    sent = []
    for n, each in enumerate(events):
        try:
            sent.append(sent_event(each, now, zone))
        except MalformedStatement as error:
            loc = ("body", n, error.field)
            raise RequestValidationError(
                [{"type": "value_error", "loc": loc, "msg": error.reason}]
            ) from None
    receipt = await _stored(asked, sent)
    videos, courses = _counted(asked, sent, receipt)
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
        alone = [replace(each, index=n) for n, each in enumerate(refused)]
        _bury(asked, "xapi", [body[each.index] for each in refused], alone)
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
    _counted(asked, sent, await _stored(asked, sent))


async def _store_each(asked: Asked, sent: Sequence[tuple[int, Sent]]) -> list[Refusal]:
    """Store statements each by itself; gives those that contradict what is stored."""
    events = [each for _, each in sent]
    with span("records.write"):
        receipt = await asyncio.wrap_future(
            asked.current_learners.store.submit_each(_by_sender(asked, events))
        )
    _counted(asked, events, receipt)
    conflicts = [(sent[at][0], events[at].event.event_id) for at in receipt.conflicts]
    return [
        Refusal(index, event_id, "id", str(EventConflict(event_id)))
        for index, event_id in conflicts
    ]


def _counted(asked: Asked, sent: Sequence[Sent], receipt: Receipt) -> tuple[list[str], list[str]]:
    """Count what became of events; gives the videos and courses that the data do not know."""
    learners, planner = asked.current_learners, asked.served.planner
    videos, courses = learners.unknown_in(planner, (each.event for each in sent))
    asked.metrics.count_events(
        sent[0].form if sent else "event",
        stored=len(receipt.stored),
        repeated=len(receipt.repeated),
        erased=len(receipt.erased),
        silent=receipt.silent,
        unknown_items=len(videos),
        unknown_courses=len(courses),
    )
    return videos, courses


async def _stored(asked: Asked, sent: Sequence[Sent]) -> Receipt:
    """Store events under ids that are the sender's own; errors as for `EventStore.submit`."""
    with span("records.write"):
        return await asyncio.wrap_future(
            asked.current_learners.store.submit(_by_sender(asked, sent))
        )


def _by_sender(asked: Asked, sent: Sequence[Sent]) -> Sequence[Sent]:
    """Events under ids that are their sender's own."""
    sender = asked.access.learner_id
    return sent if sender is None else [each._replace(sender=sender) for each in sent]
