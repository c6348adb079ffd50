"""Whatever is sent as an event is read or refused by name; what xAPI allows is read."""

import copy
import json
import math
from datetime import UTC, timedelta, timezone
from itertools import permutations

import pytest
from fastapi.testclient import TestClient
from fuzzing import FUZZ_CASES, anything, cases, texts
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import hand_case

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.api.xapi import (
    ANSWERING,
    LENGTH,
    PROGRESS,
    SEGMENTS,
    VIEWING,
    VOIDED,
    read_statement,
)
from kgplan.data.events import evidence_of
from kgplan.errors import MalformedStatement
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events

READ = max(200, FUZZ_CASES * 3 // 10)
SENT = max(60, FUZZ_CASES // 20)

words = st.text("abcXYZ019_.~-äλ数", min_size=1, max_size=12)
iris = words.map(lambda word: f"https://mooc.example/things/{word}")
shares = st.floats(0, 1)
seconds = st.floats(0, 1e6)
actors = st.one_of(
    st.builds(
        lambda a, b: {"mbox": f"mailto:{a}@{b}.example"},
        *[st.from_regex("[a-z]+", fullmatch=True)] * 2,
    ),
    st.from_regex("[0-9a-fA-F]{40}", fullmatch=True).map(lambda sha: {"mbox_sha1sum": sha}),
    iris.map(lambda iri: {"openid": iri}),
    st.builds(lambda name: {"account": {"homePage": "https://mooc.example", "name": name}}, words),
).flatmap(lambda one: st.sampled_from([one, one | {"objectType": "Agent"}, one | {"name": "Ada"}]))
spans = st.tuples(seconds, seconds).map(sorted).map(lambda span: f"{span[0]!r}[.]{span[1]!r}")
scores = st.one_of(
    st.floats(-1, 1).map(lambda scaled: {"scaled": scaled}),
    st.lists(st.integers(-1000, 1000), min_size=3, max_size=3, unique=True)
    .map(sorted)
    .map(lambda three: dict(zip(("min", "raw", "max"), three, strict=True))),
)
results = st.fixed_dictionaries(
    {},
    optional={
        "success": st.booleans(),
        "completion": st.booleans(),
        "response": st.text(),
        "duration": st.just("PT4M"),
        "score": scores,
        "extensions": st.fixed_dictionaries(
            {}, optional={PROGRESS: shares, SEGMENTS: st.lists(spans, max_size=4).map("[,]".join)}
        ),
    },
)
activities = iris.map(lambda iri: {"id": iri, "objectType": "Activity"})
contexts = st.fixed_dictionaries(
    {},
    optional={
        "registration": st.uuids().map(str),
        "language": st.just("zh-CN"),
        "extensions": st.fixed_dictionaries({}, optional={LENGTH: seconds}),
        "contextActivities": st.fixed_dictionaries(
            {}, optional={"parent": activities | st.lists(activities), "grouping": activities}
        ),
    },
)
moments = st.datetimes(
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
).map(lambda moment: moment.isoformat()) | st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.isoformat().replace("+00:00", "Z")
)
statements = st.fixed_dictionaries(
    {
        "id": st.uuids().map(str),
        "actor": actors,
        "verb": st.fixed_dictionaries(
            {"id": st.sampled_from(sorted({*VIEWING, *ANSWERING} - {VOIDED})) | iris},
            optional={"display": st.dictionaries(st.just("en"), st.text())},
        ),
        "object": st.fixed_dictionaries({"id": iris}, optional={"definition": st.just({})}),
    },
    optional={
        "result": results,
        "context": contexts,
        "timestamp": moments,
        "version": st.sampled_from(["1.0", "1.0.0", "1.0.3"]),
    },
)
"""What xAPI 1.0.3 allows, of the kinds of statements that learning platforms send."""


def places(value, before=()):
    """Where in a statement something can be put in place of what is there."""
    yield before
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(child, (*before, key))


@st.composite
def broken(draw):
    """A statement of which up to three places hold something else."""
    statement = draw(statements)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([at for at in places(statement) if at]))
        holder = statement
        for key in place[:-1]:
            holder = holder[key]
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[place[-1]]
            if draw(st.booleans()):
                holder[draw(texts)] = draw(anything)
        else:
            holder[place[-1]] = draw(anything)
    return statement


@cases(READ)
@given(statements)
def test_what_xapi_allows_is_read(statement):
    before = copy.deepcopy(statement)
    event = read_statement(statement, stored=0.0)
    assert statement == before
    assert event.event_id == statement["id"]
    assert event.share is None or 0 <= event.share <= 1
    assert event.score is None or 0 <= event.score <= 1
    assert math.isfinite(event.time)
    assert read_statement(json.loads(json.dumps(statement)), stored=0.0) == event


@cases(READ)
@given(broken() | anything)
def test_what_is_broken_is_read_or_refused_with_its_field(statement):
    try:
        event = read_statement(statement, stored=0.0)
    except MalformedStatement as error:
        refusal = error
    else:
        assert event.learner_id.isprintable()
        assert math.isfinite(event.time)
        return
    assert refusal.field
    assert refusal.reason


@cases(READ // 10)
@given(st.lists(statements, min_size=1, max_size=4, unique_by=lambda each: each["id"]))
def test_neither_order_nor_repeats_change_what_events_say(sent):
    events = [read_statement(each, stored=0.0) for each in sent]
    said = evidence_of(events)
    for other in permutations(events):
        assert evidence_of([*other, other[0]]) == said


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = open_events(f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'learners.db'}")
    planner = hand_case().planner()
    app = create_app(Keeper(lambda: planner, lambda: "same"), learners=CurrentLearners(store))
    yield TestClient(app, raise_server_exceptions=False)
    store.close()


def bodies(content):
    """Bytes that are JSON, nearly JSON, or anything."""
    told = content.map(lambda value: json.dumps(value).encode())
    cut = st.tuples(told, st.integers(0, 200)).map(lambda both: both[0][: both[1]])
    nested = st.integers(1, 5_000).map(lambda deep: b"[" * deep + b"]" * deep)
    odd = st.sampled_from(
        [b"NaN", b"-Infinity", b'"\\ud800"', b"1e999", b"9" * 5_000, b'{"a":1,"a":2}']
    )
    return told | cut | nested | odd | st.binary()


@cases(SENT)
@given(body=bodies(statements | broken() | st.lists(broken(), max_size=3) | anything))
def test_any_body_of_statements_is_answered(client, body):
    answer = client.post("/xapi/statements", content=body, headers={VERSION_HEADER: "1.0.3"})
    assert answer.status_code in (200, 400, 409, 413), answer.text
    assert answer.status_code == 200 or answer.json()["type"].startswith("urn:kgplan:problem:")


plain = st.fixed_dictionaries(
    {},
    optional={
        "event_id": words,
        "learner_id": st.just("learner") | words,
        "item_id": st.sampled_from(["v_a", "v_e"]) | words,
        "course_id": words,
        "time": moments | anything,
        "share": shares | anything,
        "segments": st.lists(st.tuples(seconds, seconds), max_size=3) | anything,
        "length": seconds | anything,
        "score": shares | anything,
    },
)


@cases(SENT)
@given(body=bodies(plain | st.lists(plain, max_size=3) | anything))
def test_any_body_of_plain_events_is_answered(client, body):
    answer = client.post("/v1/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 409, 413, 422), answer.text
    assert answer.status_code == 200 or answer.json()["type"].startswith("urn:kgplan:problem:")
