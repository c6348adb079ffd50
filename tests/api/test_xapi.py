"""Statements of the Video Profile: well-formed ones are read, broken ones refused by field."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.api import xapi
from kgplan.errors import MalformedStatement
from kgplan.events import evidence_of, played_seconds

ID = "8f87ccde-bb56-4c2e-ab83-44982ef22df0"
PAUSED = "https://w3id.org/xapi/video/verbs/paused"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def statement(verb=PAUSED, **parts):
    return {
        "id": ID,
        "actor": {"account": {"homePage": "https://mooc.example", "name": "U_1"}},
        "verb": {"id": verb},
        "object": {"id": "https://mooc.example/videos/V_1"},
        **parts,
    }


def video(played, length=100, progress=None):
    extensions = {xapi.SEGMENTS: "[,]".join(f"{a}[.]{b}" for a, b in played)}
    if progress is not None:
        extensions[xapi.PROGRESS] = progress
    return {
        "result": {"extensions": extensions},
        "context": {"extensions": {xapi.LENGTH: length}},
    }


spans = st.tuples(st.integers(0, 80), st.integers(0, 20)).map(lambda x: (x[0], x[0] + x[1]))


@given(played=st.lists(spans, min_size=1, max_size=6), verb=st.sampled_from(sorted(xapi.VIEWING)))
def test_segments_that_were_written_come_back(played, verb):
    event = xapi.read_statement(statement(verb, **video(played, progress=0.01)), 0.0)
    assert event.segments == tuple(played)
    assert evidence_of([event]).shares == {"V_1": pytest.approx(played_seconds(played) / 100)}


@pytest.mark.parametrize(
    ("parts", "share", "score"),
    [
        ({"result": {"extensions": {xapi.PROGRESS: 0.4}}}, 0.4, None),
        ({"result": {"score": {"scaled": 0.7}}}, None, 0.7),
        ({"result": {"score": {"scaled": -0.5}}}, None, 0.0),
        ({"result": {"score": {"raw": 7, "min": 5, "max": 9}}}, None, 0.5),
        ({"result": {"score": {"raw": 7}}}, None, None),
        ({}, 1.0, None),
    ],
)
def test_a_completed_video_tells_progress_score_or_that_it_was_watched(parts, share, score):
    event = xapi.read_statement(statement(xapi.COMPLETED, **parts), 0.0)
    assert (event.share, event.score) == (share, score)


@pytest.mark.parametrize(("success", "score"), [(True, 1.0), (False, 0.0)])
def test_an_answer_without_a_score_counts_by_its_success(success, score):
    verb = "http://adlnet.gov/expapi/verbs/answered"
    event = xapi.read_statement(statement(verb, result={"success": success}), 0.0)
    assert (event.video_id, event.score, event.share) == ("V_1", score, None)


@pytest.mark.parametrize(
    ("actor", "learner"),
    [
        ({"mbox": "mailto:ada@example.org"}, "ada@example.org"),
        ({"mbox_sha1sum": "a" * 40}, "a" * 40),
        ({"openid": "https://ada.example/me"}, "https://ada.example/me"),
        ({"account": {"homePage": "https://m.example", "name": "U 1"}, "name": "Ada"}, "U 1"),
    ],
)
def test_every_way_to_name_an_agent_names_the_learner(actor, learner):
    assert xapi.read_statement(statement(actor=actor), 0.0).learner_id == learner


def test_the_course_is_the_activity_that_says_so_else_the_first_parent():
    chapter = {"id": "https://mooc.example/chapters/3"}
    course = {
        "id": "https://mooc.example/courses/C_course-v1:A%2B1",
        "definition": {"type": xapi.COURSE},
    }
    for activities, expected in (
        ({"parent": [chapter], "grouping": [course]}, "C_course-v1:A+1"),
        ({"parent": chapter}, "3"),
        ({}, None),
    ):
        context = {"contextActivities": activities}
        assert xapi.read_statement(statement(context=context), 0.0).course_id == expected


def test_registering_enrols_and_voiding_voids():
    course = {"id": "https://mooc.example/courses/C_1"}
    enrolled = xapi.read_statement(statement(xapi.REGISTERED, object=course), 0.0)
    assert (enrolled.enrols, enrolled.course_id, enrolled.tells) == (True, "C_1", True)
    target = {"objectType": "StatementRef", "id": ID.upper()}
    voiding = xapi.read_statement(statement(xapi.VOIDED, object=target), 0.0)
    assert (voiding.voids, voiding.video_id) == (ID, None)


@given(name=st.text("abcdefgh", min_size=1))
def test_an_unknown_verb_is_read_and_says_nothing(name):
    event = xapi.read_statement(statement(f"https://other.example/{name}", **video([(0, 9)])), 0.0)
    assert not event.tells
    assert event.learner_id == "U_1"


def test_the_time_is_the_timestamp_else_that_of_storing():
    when = {"timestamp": "1970-01-01T01:00:10.5+01:00"}
    assert xapi.read_statement(statement(**when), 7.0).time == 10.5
    assert xapi.read_statement(statement(), 7.0).time == 7.0


BROKEN = [
    ("id", {"id": "not-a-uuid"}),
    ("actor", {"actor": "U_1"}),
    ("actor", {"actor": {"name": "Ada"}}),
    ("actor", {"actor": {"mbox": "mailto:a@b.c", "openid": "https://a.b"}}),
    ("actor.mbox", {"actor": {"mbox": "ada@example.org"}}),
    ("actor.account.homePage", {"actor": {"account": {"name": "U_1"}}}),
    ("actor.objectType", {"actor": {"objectType": "Group", "mbox": "mailto:a@b.c"}}),
    ("verb.id", {"verb": {}}),
    ("verb.id", {"verb": {"id": "paused"}}),
    ("object.id", {"object": {"id": ""}}),
    ("object.objectType", {"object": {"objectType": "Thing", "id": "https://a.b/c"}}),
    ("result", {"result": []}),
    ("result.score.scaled", {"result": {"score": {"scaled": 1.5}}}),
    ("result.score.scaled", {"result": {"score": {"scaled": "1"}}}),
    ("result.score.max", {"result": {"score": {"raw": 1, "min": 3, "max": 2}}}),
    ("result.score.raw", {"result": {"score": {"raw": 9, "min": 3, "max": 5}}}),
    ("result.success", {"result": {"success": "yes"}}),
    ("timestamp", {"timestamp": "yesterday"}),
    ("timestamp", {"timestamp": "2026-03-01T10:15:00"}),
    ("version", {"version": "3.0.0"}),
    ("extra", {"extra": 1}),
]


def test_numbers_at_the_limits_of_a_double_give_a_share_or_are_refused():
    ends = {"min": -1.7e308, "max": 1.7e308}
    for raw, share in ((-1.7e308, 0.0), (0, 0.5), (1.7e308, 1.0)):
        sent = statement(xapi.COMPLETED, result={"score": {**ends, "raw": raw}})
        assert xapi.read_statement(sent, 0.0).score == share
    beyond = statement(xapi.COMPLETED, result={"score": {"scaled": 10**400}})
    with pytest.raises(MalformedStatement, match=r"score\.scaled"):
        xapi.read_statement(beyond, 0.0)


@pytest.mark.parametrize(("field", "parts"), BROKEN)
def test_a_malformed_statement_is_refused_by_its_field(field, parts):
    with pytest.raises(MalformedStatement) as refused:
        xapi.read_statement(statement(**parts), 0.0)
    assert refused.value.field == field
    assert str(refused.value).startswith(field)


@pytest.mark.parametrize("name", ["id", "actor", "verb", "object"])
def test_a_missing_part_is_refused_by_its_name(name):
    broken = statement()
    del broken[name]
    with pytest.raises(MalformedStatement, match=f"^{name} is missing"):
        xapi.read_statement(broken, 0.0)


@settings(max_examples=50)
@given(data=st.data(), value=json_values)
def test_whatever_stands_anywhere_is_read_or_refused_as_malformed(data, value):
    broken = statement(**copy.deepcopy(video([(0, 9)])), timestamp="2026-03-01T10:15:00Z")
    broken["result"]["score"] = {"scaled": 0.5}
    broken["context"]["contextActivities"] = {"parent": [{"id": "https://a.b/c"}]}
    place = broken
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        event = xapi.read_statement(broken, 0.0)
    except MalformedStatement as refused:
        event, field = None, refused.field
    assert field if event is None else event.learner_id


@given(value=json_values)
def test_what_is_no_statement_at_all_is_refused(value):
    with pytest.raises(MalformedStatement):
        xapi.read_statement(value, 0.0)
