"""Statements of the Video Profile: well-formed ones are read, broken ones refused by field."""

import copy
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.api import xapi
from kgplan.data.events import evidence_of, played_seconds
from kgplan.data.identity import MAILBOX
from kgplan.errors import MalformedStatement

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


EVALUATED = "https://w3id.org/xapi/acrossx/verbs/evaluated"
CARRIERS = [
    EVALUATED,
    *(xapi.ADL + verb for verb in ("attempted", "scored", "answered", "passed", "failed")),
    *(xapi.ADL + verb for verb in ("assessed", "experienced", "progressed", "mastered")),
    "https://w3id.org/xapi/tla/verbs/scored",
    "http://id.tincanapi.com/verb/earned",
    "https://nobody.example/knows",
]


@pytest.mark.parametrize("verb", CARRIERS)
@pytest.mark.parametrize(
    ("result", "score"),
    [
        ({"score": {"scaled": 0.7}, "success": False}, 0.7),
        ({"score": {"raw": 1.5, "max": 2}}, 0.75),  # no min: 0
        ({"score": {"raw": 3, "max": 2}}, 1.0),
        ({"score": {"raw": 7, "min": 5, "max": 9}}, 0.5),
        ({"score": {"scaled": 1.0000000000000002}}, 1.0),
        ({"success": True}, 1.0),
        ({"success": False}, 0.0),
        ({"score": {"raw": 0, "min": 0, "max": 0, "scaled": 0}, "success": True}, None),
        ({"score": {"raw": 0, "max": 0}}, None),
        ({"score": {"raw": 5, "min": 5, "max": 5}}, None),
        ({"score": {"raw": 5}}, None),
        ({"score": {"raw": 5}, "success": True}, 1.0),
        ({"response": "a piano", "duration": "PT4M"}, None),
    ],
)
def test_a_result_counts_whatever_verb_carries_it(verb, result, score):
    event = xapi.read_statement(statement(verb, result=result), 0.0)
    assert event.score == score
    assert score is None or (event.item_id, event.tells) == ("V_1", True)


@pytest.mark.parametrize("verb", sorted(xapi.PLAYING))
def test_the_success_of_a_player_is_that_of_no_answer(verb):
    sent = statement(verb, result={"success": False, "completion": False})
    assert xapi.read_statement(sent, 0.0).score is None
    watched = statement(xapi.COMPLETED, result={"success": True})
    watched["object"]["definition"] = {"type": xapi.VIDEO + "activity-type/video"}
    event = xapi.read_statement(watched, 0.0)
    assert (event.share, event.score) == (1.0, None)


@pytest.mark.parametrize("kind", [xapi.COURSE, "http://id.tincanapi.com/activitytype/lms/course"])
def test_the_grade_of_a_course_is_no_answer_to_a_video(kind):
    course = {"id": "https://mooc.example/courses/C_1", "definition": {"type": kind}}
    for thing, context in (
        (course, {}),
        ({"id": course["id"]}, {"contextActivities": {"parent": [course]}}),
    ):
        for verb in ("http://id.tincanapi.com/verb/earned", xapi.ADL + "passed"):
            result = {"score": {"scaled": 0.3}, "success": True}
            sent = statement(verb, object=thing, context=context, result=result)
            event = xapi.read_statement(sent, 0.0)
            assert (event.item_id, event.score, event.course_id) == (None, None, "C_1")


PERCENT = xapi.PERCENT


@pytest.mark.parametrize(
    ("verb", "result", "share"),
    [
        (xapi.ADL + "progressed", {"completion": True, "extensions": {PERCENT: 100.0}}, 1.0),
        (xapi.ADL + "progressed", {"extensions": {PERCENT: 40}}, 0.4),
        (xapi.ADL + "progressed", {"extensions": {PERCENT: "40"}}, 0.4),
        (xapi.ADL + "progressed", {"extensions": {PERCENT: None}}, None),
        (xapi.ADL + "progressed", {"completion": True}, 1.0),
        (xapi.ADL + "progressed", {}, None),
        (xapi.COMPLETED, {"completion": True}, 1.0),
        (xapi.COMPLETED, {"completion": False}, None),
        (xapi.COMPLETED, {"completion": False, "extensions": {xapi.PROGRESS: 0.3}}, 0.3),
        (xapi.ADL + "experienced", {}, None),
        (xapi.ADL + "experienced", {"completion": True}, 1.0),
        (xapi.ADL + "answered", {"completion": True, "success": True}, None),
    ],
)
def test_how_much_was_watched_is_read_from_the_result(verb, result, share):
    assert xapi.read_statement(statement(verb, result=result), 0.0).share == share


@pytest.mark.parametrize(
    ("segments", "read"),
    [
        ("0[.]42.6[,]43.2[.]124.7[,]176.4", ((0.0, 42.6), (43.2, 124.7))),
        ("0[.]16.9[,]16.9[.]16.2", ((0.0, 16.9),)),
        ("0[.]9[,]-1[.]5[,]nan[.]3[,]1[.]inf[,]x", ((0.0, 9.0),)),
        ("0-9", ()),
        ("", ()),
        (None, ()),
        ([[0, 9]], ()),
        (7, ()),
        ({"0": 9}, ()),
    ],
)
def test_of_segments_counts_what_can_be_read(segments, read):
    sent = statement(result={"extensions": {xapi.SEGMENTS: segments}})
    assert xapi.read_statement(sent, 0.0).segments == read


@pytest.mark.parametrize(
    ("told", "share", "length"),
    [
        ({xapi.PROGRESS: 1.0004}, 1.0, 20.0),
        ({xapi.PROGRESS: "0.9"}, 0.9, 20.0),
        ({xapi.PROGRESS: 40}, None, 20.0),
        ({xapi.PROGRESS: -0.1}, None, 20.0),
        ({xapi.PROGRESS: True}, None, 20.0),
        ({xapi.PROGRESS: 0.9, xapi.LENGTH: None}, 0.9, None),
        ({xapi.LENGTH: "30"}, None, 30.0),
        ({xapi.LENGTH: -3}, None, None),
        ({xapi.LENGTH: 0}, None, None),
        ({xapi.LENGTH: 10**400}, None, None),
        ({xapi.LENGTH: 1e300}, None, None),
        ({xapi.LENGTH: [20]}, None, None),
    ],
)
def test_no_value_of_an_extension_refuses_a_statement(told, share, length):
    context = {"extensions": {xapi.LENGTH: 20} | told}
    event = xapi.read_statement(statement(result={"extensions": told}, context=context), 0.0)
    assert (event.share, event.length) == (share, length)


KEYS = [
    *(xapi.SEGMENTS, xapi.PROGRESS, xapi.LENGTH, xapi.POSITION, xapi.FROM, xapi.TO),
    *(xapi.SESSION, xapi.LOGIN, PERCENT),
]


@given(
    told=st.dictionaries(st.sampled_from(KEYS), json_values),
    around=st.dictionaries(st.sampled_from(KEYS), json_values),
    verb=st.sampled_from(sorted(xapi.VIEWING)),
)
def test_whatever_stands_in_extensions_is_read(told, around, verb):
    sent = statement(verb, result={"extensions": told}, context={"extensions": around})
    event = xapi.read_statement(sent, 0.0)
    share = evidence_of([event], {"V_1": 50.0}).shares.get("V_1", 0.0)
    assert 0 <= share <= 1


@pytest.mark.parametrize("extensions", [None, [], "x", 7])
def test_extensions_that_are_no_map_say_nothing(extensions):
    sent = statement(result={"extensions": extensions}, context={"extensions": extensions})
    event = xapi.read_statement(sent, 0.0)
    assert (event.share, event.segments, event.length) == (None, (), None)


@pytest.mark.parametrize(
    ("verb", "told", "moved"),
    [
        (xapi.PLAYED, {xapi.POSITION: 3}, (None, 3.0)),
        (xapi.PAUSED, {xapi.POSITION: 9.5}, (9.5, None)),
        (xapi.ADL + "terminated", {xapi.POSITION: 9.5}, (9.5, None)),
        (xapi.COMPLETED, {xapi.POSITION: 9.5}, (9.5, 9.5)),
        (xapi.SEEKED, {xapi.FROM: 9.5, xapi.TO: 40}, (9.5, 40.0)),
        (xapi.SEEKED, {xapi.FROM: None, xapi.TO: -1}, (None, None)),
        (xapi.PLAYED, {}, (None, None)),
        (xapi.ADL + "interacted", {xapi.POSITION: 9.5}, (None, None)),
    ],
)
@pytest.mark.parametrize(
    "context",
    [
        {"extensions": {xapi.SESSION: "s"}, "registration": ID},
        {"extensions": {xapi.LOGIN: "s"}},
        {"registration": "s"},
    ],
)
def test_a_player_tells_where_it_is_and_in_which_session(verb, told, moved, context):
    event = xapi.read_statement(statement(verb, result={"extensions": told}, context=context), 0.0)
    assert (event.stopped_at, event.started_at) == moved
    assert event.session == "s"


def test_what_is_odd_in_parts_that_say_nothing_here_is_taken():
    group = {"objectType": "GroupActivity", "id": "https://lms.example/video/V_1"}
    result = {"score": {"min": 0, "max": 3, "raw": 2, "scaled": 0.667, "weight": "x"}}
    event = xapi.read_statement(statement(EVALUATED, object=group, result=result), 0.0)
    assert (event.item_id, event.score) == ("V_1", 0.667)
    for parents in ([{"id": "438AD672-DE2C-4F0B"}], [group, {}, 7, None], "x", None):
        for activities in ({"parent": parents}, {"grouping": parents}, parents):
            context = {"contextActivities": activities}
            assert xapi.read_statement(statement(context=context), 0.0).learner_id == "U_1"
    nothing = {"score": None, "success": None, "completion": None, "extensions": None}
    for result in (None, nothing, nothing | {"score": {"raw": None}}):
        null = statement(EVALUATED, result=result, context=None, timestamp=None, version=None)
        assert xapi.read_statement(null, 5.0).time == 5.0
        assert xapi.read_statement(null, 5.0).score is None
    assert xapi.read_statement(statement(xapi.COMPLETED, result=nothing), 0.0).share == 1.0
    bare = statement(EVALUATED, object={"id": "V_1"}, result={"success": True})
    assert xapi.read_statement(bare, 0.0).item_id == "V_1"
    assert xapi.read_statement(statement(object={"id": "https://a.b/" + "x" * 9999}), 0.0)


def test_the_course_is_found_beside_parents_of_other_kinds():
    course = {"id": "https://m.example/course/view.php?id=3"}
    course["definition"] = {"type": "http://id.tincanapi.com/activitytype/lms/course"}
    site = {
        "id": "https://m.example",
        "definition": {"type": "http://id.tincanapi.com/activitytype/lms"},
    }
    context = {"contextActivities": {"grouping": [site, course]}}
    event = xapi.read_statement(statement(context=context), 0.0)
    assert "3" in (event.course_id, *event.course_aliases)


def test_the_learner_is_named_with_the_home_page_that_does_not_own_the_ids():
    for owners, learner in (
        (None, "U_1"),
        ({"https://mooc.example"}, "U_1"),
        ({MAILBOX}, "https://mooc.example|U_1"),
    ):
        assert xapi.read_statement(statement(), 0.0, owners=owners).learner_id == learner
    home = {"account": {"homePage": "mailto:x", "name": "U_1"}}
    with pytest.raises(MalformedStatement, match=r"^actor\.account\.homePage"):
        xapi.read_statement(statement(actor=home), 0.0)


@pytest.mark.parametrize(("success", "score"), [(True, 1.0), (False, 0.0)])
def test_an_answer_without_a_score_counts_by_its_success(success, score):
    verb = "http://adlnet.gov/expapi/verbs/answered"
    event = xapi.read_statement(statement(verb, result={"success": success}), 0.0)
    assert (event.item_id, event.score, event.share) == ("V_1", score, None)


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
    assert (voiding.voids, voiding.item_id) == (ID, None)


@given(name=st.text("abcdefgh", min_size=1))
def test_an_unknown_verb_is_read_and_says_nothing(name):
    event = xapi.read_statement(statement(f"https://other.example/{name}", **video([(0, 9)])), 0.0)
    assert not event.tells
    assert event.learner_id == "U_1"


def test_the_time_is_the_timestamp_else_that_of_storing():
    when = {"timestamp": "1970-01-01T01:00:10.5+01:00"}
    assert xapi.read_statement(statement(**when), 7.0).time == 10.5
    assert xapi.read_statement(statement(), 7.0).time == 7.0


def test_a_time_without_a_zone_is_of_the_one_that_is_set():
    east = timezone(timedelta(hours=8))
    bare = statement(timestamp="1970-01-01T08:00:10")
    assert xapi.read_statement(bare, 7.0, zone=east).time == 10.0
    whole = statement(timestamp="1970-01-01T00:00:10Z")
    assert xapi.read_statement(whole, 7.0, zone=east).time == 10.0


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
    ("version", {"version": "3.0.0"}),
    ("object.objectType", {"object": {"objectType": 7, "id": "https://a.b/c"}}),
    ("extra", {"extra": 1}),
]


def test_numbers_at_the_limits_of_a_double_give_a_share_or_are_refused():
    ends = {"min": -1.7e308, "max": 1.7e308}
    for raw, share in ((-1.7e308, 0.0), (0, 0.5), (1.7e308, 1.0)):
        sent = statement(xapi.COMPLETED, result={"score": {**ends, "raw": raw}})
        assert xapi.read_statement(sent, 0.0).score == share
    least = statement(xapi.COMPLETED, result={"score": {"raw": 5e-324, "max": 5e-324}})
    assert xapi.read_statement(least, 0.0).score == 1.0
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


PROBLEM = "https://lms.example/xblock/block-v1:X+D+T+type@problem+block@7f"


@pytest.mark.parametrize(
    "thing",
    [
        {"id": PROBLEM},
        *(
            {"id": "https://lms.example/q/1", "definition": {"type": xapi.ADL + kind}}
            for kind in ("../activities/cmi.interaction", "../activities/assessment")
        ),
    ],
)
@pytest.mark.parametrize("verb", ["completed", "progressed"])
def test_that_a_question_was_completed_says_nothing_of_how_well(thing, verb):
    told = {"completion": True, "extensions": {xapi.PERCENT: 100.0}}
    said = statement(xapi.ADL + verb, object=thing, result=told)
    assert not xapi.read_statement(said, 0.0).tells
    scored = statement(xapi.ADL + verb, object=thing, result=told | {"score": {"scaled": 0.5}})
    assert xapi.read_statement(scored, 0.0).score == 0.5
