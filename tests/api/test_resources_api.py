"""Ranked resources over HTTP, and what is said about one of them."""

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model
from scipy import sparse

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.model.current import CurrentLearners
from kgplan.resources.ranker import usual_ranker


@pytest.fixture(scope="module")
def planner():
    """The case worked on paper, each video on its own concept and the one behind it."""
    case = hand_model(6)
    viewed = sparse.csr_array(case.records.viewed)
    viewed.eliminate_zeros()
    order = np.arange(1, viewed.nnz + 1)
    records = replace(case.records, viewed=viewed, viewed_order=order)
    return replace(case, records=records).planner(ranker=usual_ranker(records))


@pytest.fixture
def client(planner, store):
    keeper = Keeper(lambda: planner, lambda: "always the same")
    app = create_app(keeper, learners=CurrentLearners(store))
    return TestClient(app, raise_server_exceptions=False)


def ranked(client, learner="learner", **asked):
    return client.get(f"/v1/learners/{learner}/resources", params=asked)


def named(answer):
    assert answer.status_code == 200, answer.text
    return [each["item_id"] for each in answer.json()["resources"]]


def test_a_concept_is_answered_as_the_planner_ranks_it(planner, client):
    told = ranked(client, concept_id="b", limit=50).json()
    expected = planner.resources("learner", "b", None, n=50)
    assert [each["item_id"] for each in told["resources"]] == [
        each.item_id for each in expected.resources
    ]
    assert [each["rank"]["because"] for each in told["resources"]] == [
        each.rank.because for each in expected.resources
    ]
    assert (told["served"], told["new"], told["stale"]) == ("simple methods", False, False)
    course = ranked(client, course_id="B", limit=2)
    assert named(course) == [
        each.item_id for each in planner.resources("learner", None, "B", n=2).resources
    ]
    assert ranked(client, "nobody", concept_id="b").json()["new"] is True


def test_what_happens_counts_at_once(client):
    before = named(ranked(client, concept_id="e", limit=50))
    seen = {"event_id": "e1", "learner_id": "learner", "item_id": before[0], "share": 1.0}
    client.post("/v1/events", json=seen).raise_for_status()
    after = ranked(client, concept_id="e", limit=50)
    assert named(after) == [each for each in named(after) if each != before[0]]
    assert before[0] not in named(after)


def test_not_for_me_on_a_resource_counts_at_once_and_can_be_taken_back(client):
    def path():
        answer = client.get("/v1/learners/learner/path", params={"course_id": "A"}).json()
        return [r["item_id"] for s in answer["steps"] for r in s["resources"] + s["runners_up"]]

    before, opened = named(ranked(client, concept_id="e", limit=50)), path()
    word = {"concept_id": "e", "item_id": before[0], "said": "not_for_me"}
    address = "/v1/learners/learner/feedback"
    told = client.post(address, json=word)
    assert told.json() == word | {"learner_id": "learner"}
    assert before[0] in opened
    assert before[0] not in path()
    assert named(ranked(client, concept_id="e", limit=50)) == before[1:]
    (said,) = client.get(address).json()["feedback"]
    assert {name: said[name] for name in word} == word
    exported = client.get("/v1/learners/learner/export").json()["feedback"]
    assert [each["item_id"] for each in exported] == [before[0]]
    # the item is the same on whichever concept it is taken back
    client.post(address, json=word | {"concept_id": "f", "said": "withdrawn"})
    assert client.get(address).json()["feedback"] == []
    assert named(ranked(client, concept_id="e", limit=50)) == before
    assert path() == opened


def test_a_word_on_an_item_leaves_the_one_on_the_concept(client):
    address = "/v1/learners/learner/feedback"
    client.post(address, json={"concept_id": "e", "said": "too_hard"}).raise_for_status()
    word = {"concept_id": "e", "item_id": "v_e", "said": "not_for_me"}
    client.post(address, json=word).raise_for_status()
    said = client.get(address).json()["feedback"]
    assert [(each["said"], each["item_id"]) for each in said] == [
        ("not_for_me", "v_e"),
        ("too_hard", None),
    ]


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [
        ({}, 422, "bad-parameters"),
        ({"concept_id": "e", "limit": 0}, 422, "bad-parameters"),
        ({"concept_id": "e", "language": "fr"}, 422, "bad-parameters"),
        ({"concept_id": "E"}, 404, "unknown-concept"),
        ({"course_id": "nothing"}, 404, "unknown-course"),
    ],
)
def test_what_cannot_be_answered_says_why(client, asked, status, kind):
    answer = ranked(client, **asked)
    assert answer.status_code == status
    assert answer.json()["type"].rpartition(":")[2] == kind


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ({"concept_id": "e", "item_id": "V_E", "said": "not_for_me"}, 404),
        ({"concept_id": "e", "item_id": "v_e", "said": "too_hard"}, 422),
    ],
)
def test_what_cannot_be_said_about_a_resource_is_refused(client, word, status):
    answer = client.post("/v1/learners/learner/feedback", json=word)
    assert answer.status_code == status
    assert client.get("/v1/learners/learner/feedback").json()["feedback"] == []
