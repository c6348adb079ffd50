"""Small learning sites for tests of the gain planner: courses of videos that cover concepts."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from planning_cases import Case
from scipy import sparse

from kgplan.data.events import Event
from kgplan.data.records import LearnerRecords, learned_concepts, observations
from kgplan.data.wishes import Wishes
from kgplan.diagnosis import DiagnosisConfig, infer, not_told_apart
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import snapshot_of
from kgplan.planning import Plan, Planner, PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.mastery import ItemParameters, LearnerMastery
from kgplan.planning.options import MOST_STEPS
from kgplan.similarity import fuse

SLIP = GUESS = 0.1
PRIOR = 0.3


@dataclass(frozen=True)
class Site:
    """A planner's case, and what learners do there."""

    case: Case

    @cached_property
    def planner(self) -> Planner:
        return self.case.planner()

    @cached_property
    def live(self) -> LiveModel:
        return LiveModel(self.case.records, self.case.diagnosis)

    def current(self, *events: Event, wishes: Wishes | None = None):
        """What is known of "someone", of whom the records know nothing, after these events."""
        return self.live.current("someone", self.live.evidence(events), wishes or Wishes()).learner

    def plan(self, *events: Event, course: str = "A", wishes=None, **options) -> Plan:
        """The plan of as many steps as there are, where nothing else is asked for."""
        current = self.current(*events, wishes=wishes)
        options = PlanOptions(**{"length": MOST_STEPS, **options})
        return self.planner.plan("someone", course, options, current)

    def towards(self, concept: str, *events: Event, **options) -> Plan:
        current = self.current(*events)
        return self.planner.plan_towards("someone", concept, PlanOptions(**options), current)


def watched(video: str, share: float = 1.0, course: str = "A", time: float = 1.0) -> Event:
    return Event(f"w{video}{time}", "someone", time, video, course, share)


def answered(video: str, score: float, course: str = "A", time: float = 2.0) -> Event:
    return Event(f"a{video}{time}", "someone", time, video, course, score=score)


def ids(plan: Plan) -> list[str]:
    return [step.concept_id for step in plan.steps]


def videos(plan: Plan) -> list[str]:
    return [str(each.item_id) for step in plan.steps for each in step.resources]


def site(
    courses: dict[str, str],
    prerequisites: str = "",
    *,
    fields: dict[str, str] | None = None,
    names: dict[str, str] | None = None,
    untaught: dict[str, str] | None = None,
    predicted: str = "",
    minutes: dict[str, float] | None = None,
    prior: float = PRIOR,
    kinds: dict[str, str] | None = None,
) -> Site:
    """A site of letters.

    Args:
        courses: course -> its videos in order, each named by the concepts that it covers:
            {"A": "a bc"} has the videos "A1" on a and "A2" on b and c.
        prerequisites: "ab bc" for a before b before c, as they are stated.
        fields: field -> its concepts; the others are of "maths".
        names: concept -> name; itself where not given.
        untaught: course -> concepts that it lists beside those of its videos.
        predicted: prerequisites that only a prediction has.
        minutes: video -> length; 2 where not given.
        prior: of every concept.
        kinds: item -> kind; a video where not given. Of exercises and texts too the names begin
            with their course.
    """
    covers = {
        f"{course}{place}": on
        for course, listed in courses.items()
        for place, on in enumerate(listed.split(), start=1)
    }
    untaught = untaught or {}
    mentioned = "".join([*covers.values(), *untaught.values(), prerequisites, predicted])
    concepts, videos_ = sorted(set(mentioned) - {" "}), sorted(covers)
    of_field = {c: field for field, each in (fields or {}).items() for c in each}
    entities = {each.name: [] for each in graph_schema().classes}
    edges = {each.name: [] for each in graph_schema().relations}
    entities["concept"] = [
        {"id": c, "name": (names or {}).get(c, c), "name_en": None} for c in concepts
    ]
    entities["course"] = [{"id": c, "name": f"course {c}"} for c in sorted(courses)]
    entities["field"] = [{"id": f, "name": f} for f in sorted({"maths", *of_field.values()})]
    edges["field_has_concept"] = [{"head": of_field.get(c, "maths"), "tail": c} for c in concepts]
    has = {
        course: set("".join(on for video, on in covers.items() if video[0] == course))
        | set(untaught.get(course, ""))
        for course in sorted(courses)
    }
    edges["course_has_concept"] = [
        {"head": course, "tail": c} for course in has for c in sorted(has[course])
    ]
    edges["prerequisite_of"] = [
        {"head": pair[0], "tail": pair[1], "sources": [source]}
        for source, pairs in (("dependency", prerequisites), ("prediction", predicted))
        for pair in pairs.split()
    ]
    course_ids = sorted(courses)
    q = sparse.csr_array(np.array([[c in covers[v] for c in concepts] for v in videos_], np.int8))
    records = LearnerRecords(
        learner_ids=np.array(["known"]),
        item_ids=np.array(videos_),
        concept_ids=np.array(concepts),
        course_ids=np.array(course_ids),
        enrolled=sparse.csr_array((1, len(course_ids)), dtype=np.int8),
        viewed=sparse.csr_array((1, len(videos_))),
        course_concepts=sparse.csr_array(
            np.array([[c in has[k] for c in concepts] for k in course_ids], np.int8)
        ),
        course_items=sparse.csr_array(
            np.array([[int(v[1:]) * (v[0] == k) for v in videos_] for k in course_ids], np.int32)
        ),
        q_matrix=q,
        item_seconds=np.array([60 * (minutes or {}).get(v, 2.0) for v in videos_]),
        item_kinds=np.array([(kinds or {}).get(v, "video") for v in videos_]),
    )
    slip, guess = np.full((2, len(videos_)), SLIP)
    priors = np.full(len(concepts), prior)
    q_old = sparse.csr_matrix(q)
    found = infer(observations(records), q_old, slip, guess, priors, DiagnosisConfig())
    diagnosis = LearnerMastery(
        records.learner_ids,
        records.concept_ids,
        sparse.csr_array(found.mastery),
        priors,
        sparse.csr_array(not_told_apart(observations(records), q_old)),
        ItemParameters(records.item_ids, slip, guess, DiagnosisConfig()),
        of_records=True,
    )
    vectors = np.arange(len(concepts), dtype=float)[:, None]
    similarity = fuse(records.concept_ids, vectors, learned_concepts(records).matrix, 1.0)
    graph = snapshot_of(entities, edges)
    return Site(Case(entities, edges, graph, records, diagnosis, similarity))
