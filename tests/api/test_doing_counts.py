"""Does what a learner did count in the next plan? Statements in, plans out, as from a platform."""

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from learner_cases import diagnosed
from planning_cases import make_case
from scipy import sparse

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.model.current import CurrentLearners
from kgplan.planning.planners import planners

LMS = "https://lms.example"
NAMES = [f"V_{number}" for number in range(1, 13)]
COVERS = {video: "smg"[place % 3] for place, video in enumerate(NAMES)}


@pytest.fixture(scope="module")
def planner():
    """Sets before maps before graphs, four videos on each, in turn: V_1, V_4, V_7, V_10 on sets."""
    case = make_case(
        course_concepts={"C_1": "smg", "C_2": "xyz"},
        prerequisites=[("s", "m"), ("m", "g"), ("x", "y"), ("y", "z")],
        enrolled={"U_1": "C_1", "U_2": "C_1"},
        watched={},
        mastery={},
        vectors={name: [place] for place, name in enumerate("smgxyz")},
    )
    concepts, courses = case.records.concept_ids, case.records.course_ids
    videos = sorted(NAMES)
    covers = np.array([[COVERS[video] == concept for concept in concepts] for video in videos])
    places = [[NAMES.index(video) + 1 for video in videos], [0] * len(videos)]
    assert courses.tolist() == ["C_1", "C_2"]
    records = replace(
        case.records,
        item_ids=np.array(videos),
        viewed=sparse.csr_array(np.ones((2, 1)) * (np.arange(12) % 2)),
        course_items=sparse.csr_array(np.array(places)),
        q_matrix=sparse.csr_array(covers.astype(np.int8)),
    )
    return diagnosed(replace(case, records=records)).planner()


@pytest.fixture
def learner(planner, store):
    """A learner who registered for the course, and whose plans are asked for."""
    keeper = Keeper(lambda: planner, lambda: "always the same")
    client = TestClient(create_app(keeper, learners=CurrentLearners(store)))
    return Learner(client)


class Learner:
    """n1 at a platform that sends statements."""

    def __init__(self, client):
        self.client, self.sent = client, 0
        self.tell("registered", "course/C_1")

    def tell(self, verb, thing, **result):
        """Send that the learner did something."""
        self.sent += 1
        course = {"id": f"{LMS}/course/C_1"}
        course["definition"] = {"type": "http://adlnet.gov/expapi/activities/course"}
        statement = {
            "id": f"8f87ccde-bb56-4c2e-ab83-{self.sent:012}",
            "actor": {"account": {"homePage": LMS, "name": "n1"}},
            "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
            "object": {"id": f"{LMS}/{thing}"},
            "context": {"contextActivities": {"parent": [course]}},
            **({"result": result} if result else {}),
        }
        version = {VERSION_HEADER: "1.0.3"}
        answer = self.client.post("/xapi/statements", json=statement, headers=version)
        assert answer.status_code == 200, answer.text

    def complete(self, video):
        """Watch a video to its end."""
        self.tell("completed", f"video/{video}", completion=True)

    def plan(self, **options):
        """The next plan: (concept, because, videos to open) of its steps."""
        query = {"course_id": "C_1"} | options
        answer = self.client.get("/v1/learners/n1/path", params=query)
        assert answer.status_code == 200, answer.text
        return [
            (step["concept_id"], step["because"], [each["item_id"] for each in step["resources"]])
            for step in answer.json()["steps"]
        ]


def named(plan):
    """Every video that a plan names."""
    return [video for _, _, videos in plan for video in videos]


@pytest.mark.parametrize("name", planners())
def test_a_video_that_was_just_finished_is_not_named_again(learner, name):
    before = learner.plan(planner=name, length=3)
    assert "V_1" in named(before)
    learner.complete("V_1")
    after = learner.plan(planner=name, length=3)
    assert "V_1" not in named(after)
    if "s" in [concept for concept, _, _ in after]:  # with a video that was not watched yet
        assert set(named(after)) & {"V_4", "V_7", "V_10"}


def test_who_does_what_the_plan_says_first_comes_to_its_end_and_opens_nothing_twice(learner):
    done = []
    while plan := learner.plan(length=3):
        video = named(plan)[0]
        assert not set(named(plan)) & set(done)
        learner.complete(video)
        done.append(video)
    assert 0 < len(done) <= len(NAMES)
    begun = list(dict.fromkeys(COVERS[video] for video in done))
    assert begun == sorted(begun, key="smg".index)


@pytest.mark.parametrize("watched", [False, True])
def test_an_answer_that_is_not_right_yet_brings_another_video_before_the_same_one(learner, watched):
    if watched:
        learner.complete("V_1")
    learner.tell("answered", "video/V_1", score={"scaled": 0.2})
    (concept, because, videos), *_ = learner.plan(length=3)
    assert concept == "s"
    assert "Your answer on it was not right yet" in because
    assert set(videos) <= {"V_1", "V_4", "V_7", "V_10"}
    assert videos[0] != "V_1"
    assert "V_1" not in videos[:-1]
    learner.tell("answered", f"video/{videos[0]}", score={"scaled": 1.0})
    assert "Your answer on it was not right yet" not in str(learner.plan(length=3))
