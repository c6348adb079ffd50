"""A service that runs an experiment: who is planned by what, what plans carry, what is kept."""

import pytest
from fastapi.testclient import TestClient
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.model.current import CurrentLearners
from kgplan.planning import PlanOptions
from kgplan.planning.experiment import Arm, Experiment

SEED = 6
ARMS = (Arm("usual", "popularity", options={"length": 2}), Arm("new", "gain"))
TRIAL = Experiment("spring", "0123456789abcdef", ARMS, "views", 28, 1.0)


@pytest.fixture(scope="module")
def case():
    return hand_model(SEED)


def client_of(case, store, experiment):
    planner = case.planner()
    keeper = Keeper(lambda: planner, lambda: "always the same")
    app = create_app(keeper, learners=CurrentLearners(store), experiment=experiment)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(case, store):
    return client_of(case, store, TRIAL)


def of_arm(arm):
    """A learner who has the arm, and whom the service comes to know."""
    return next(u for u in map("u{}".format, range(99)) if TRIAL.arm_of(u).name == arm)


def known(client, learner):
    event = {"event_id": learner, "learner_id": learner, "item_id": "v_e", "share": 0.5}
    assert client.post("/v1/events", json=event).status_code == 200


def path(client, learner, **options):
    answer = client.get(f"/v1/learners/{learner}/path", params={"course_id": "A"} | options)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_a_learner_is_planned_by_the_arm_and_the_plan_carries_it(case, client, arm):
    learner = of_arm(arm.name)
    made = path(client, learner)
    expected = case.planner().plan(learner, "A", PlanOptions(planner=arm.planner, **arm.options))
    assert made["experiment"] == {"name": "spring", "arm": arm.name}
    assert made["options"]["planner"] == arm.planner
    assert [s["concept_id"] for s in made["steps"]] == [s.concept_id for s in expected.steps]
    (batch,) = client.post(
        "/v1/paths", json={"items": [{"learner_id": learner, "course_id": "A"}]}
    ).json()["results"]
    assert batch["path"] == made
    assert client.get(f"/v1/learners/{learner}/path.svg?course_id=A").is_success


def test_another_planner_that_is_asked_for_plans_and_the_arm_stays(client):
    learner = of_arm("usual")
    made = path(client, learner, planner="gain")
    assert made["options"]["planner"] == "gain"
    assert made["options"]["length"] is None  # an arm's options go with its planner
    assert made["experiment"]["arm"] == "usual"
    assert path(client, learner, length=1)["options"]["length"] == 1
    assert path(client, learner)["options"]["length"] == 2


def test_the_history_keeps_the_arm(client):
    learner = of_arm("usual")
    known(client, learner)
    path(client, learner)
    (kept,) = client.get(f"/v1/learners/{learner}/plans").json()["plans"]
    assert kept["plan"]["experiment"] == {"name": "spring", "arm": "usual"}


def test_paths_towards_a_concept_are_outside_and_planned_as_ever(client):
    answer = client.get(f"/v1/learners/{of_arm('usual')}/path", params={"towards": "e"})
    assert answer.status_code == 200
    assert answer.json()["experiment"] is None
    assert answer.json()["options"]["planner"] == PlanOptions().planner


def test_without_an_experiment_a_plan_carries_none(case, store):
    made = path(client_of(case, store, None), "u1")
    assert (made["experiment"], made["options"]["planner"]) == (None, PlanOptions().planner)


def test_an_answer_of_another_experiment_is_not_taken_for_the_same(case, store):
    """A client's ETag of before a restart must not bring 304 where another arm plans now."""
    other = Experiment("spring", "x" * 16, ARMS[::-1], "views", 28, 1.0)
    moved = next(
        u
        for u in map("u{}".format, range(99))
        if (TRIAL.arm_of(u).name, other.arm_of(u).name) == ("usual", "new")
    )
    url = f"/v1/learners/{moved}/path?course_id=A"
    etag = client_of(case, store, TRIAL).get(url).headers["etag"]
    asked = {"If-None-Match": etag}
    assert client_of(case, store, TRIAL).get(url, headers=asked).status_code == 304
    again = client_of(case, store, other).get(url, headers=asked)
    assert (again.status_code, again.json()["experiment"]["arm"]) == (200, "new")
