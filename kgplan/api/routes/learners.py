"""The operations on learners: finding them, mastery, plans, progress, feedback, export, erasure."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Response
from pydantic import AwareDatetime, TypeAdapter
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from kgplan.api.audit import audited, hashed
from kgplan.api.ids import Begin, Id
from kgplan.api.learner_models import (
    BeginsOut,
    BehindOut,
    EngagementOut,
    ErasureOut,
    EventCounts,
    FeedbackIn,
    FeedbackOut,
    KeptPlanOut,
    LearnerCourseOut,
    LearnerCoursesOut,
    LearnerOut,
    LearnersOut,
    MasteryOut,
    MasteryReasonsOut,
    PlacementIn,
    PlacementOut,
    PlacementQuestion,
    PlansOut,
    ProgressOut,
    RecommendationsOut,
    ResourcesOut,
    ReviewsOut,
    SaidListOut,
    SaidOut,
    StepProgressOut,
    moment,
)
from kgplan.api.models import wrong_field
from kgplan.api.operation import PROBLEMS, Asked, in_thread, router_of
from kgplan.api.placements import Answered, goal_of, keep, known_of
from kgplan.api.security import require
from kgplan.arrays import positions
from kgplan.data.wishes import HOLDS
from kgplan.diagnosis.aging import HALF_LIFE
from kgplan.errors import NotFound, UnknownConcept, UnknownItem
from kgplan.graph.snapshot import GraphSnapshot, id_array
from kgplan.model.current import Standing
from kgplan.model.engagement import engagement_of
from kgplan.model.recorded import recorded_reasons
from kgplan.model.reviews import MINUTES, reviews_of
from kgplan.planning import ConceptMastery, Planner, PlanOptions
from kgplan.planning.because import MOST_REASONS
from kgplan.planning.placing import Placer
from kgplan.planning.ranked import SHOWN
from kgplan.planning.recommending import ALIKE, FEW
from kgplan.planning.texts import Detail, Language, say

router = router_of(prefix="/v1/learners", tags=["learners"], responses=PROBLEMS)
CONCEPTS = TypeAdapter(list[ConceptMastery])
ONE = "/{learner_id:path}"  # :path, as a learner's id of xAPI may hold a slash

READS, WRITES = [require("paths:read")], [require("events:write")]
LISTS = [require("paths:read", own="admin")]  # never with a learner's token
PLANS_LOOKED_AT = 50  # of the last ones, for what is done of them

Course = Annotated[Id | None, Query(description="only this course")]
AsOf = Annotated[
    AwareDatetime | None,
    Query(
        description="of which moment mastery is: later events do not count, and what was held at a"
        " concept's last event ages until then; left out: of the last event, and nothing ages"
    ),
]
HalfLife = Annotated[
    float,
    Query(
        gt=0,
        description="with as_of: days that take half of what a mastery says beyond its prior",
    ),
]
Towards = Annotated[Id | None, Query(description="only plans towards this concept")]


class NoPlanYet(NotFound):
    """The learner has asked for no plan yet."""

    kind = "plan of learner"


@router.get("", dependencies=LISTS)
@in_thread
def find_learners(
    asked: Asked,
    prefix: Annotated[Begin, Query(max_length=200, description="begin of an id")] = "",
    limit: Annotated[int, Query(ge=1, le=100, description="results at most")] = 20,
) -> LearnersOut:
    """Learners whose id begins so; a learner's own token may not ask."""
    return LearnersOut(learners=asked.current_learners.found(asked.served.planner, prefix, limit))


@router.get(ONE + "/courses", dependencies=READS)
@in_thread
def read_learner_courses(learner_id: Id, asked: Asked) -> LearnerCoursesOut:
    """The courses that the learner takes or was given plans for."""
    learners, planner = asked.current_learners, asked.served.planner
    return LearnerCoursesOut(
        learner_id=learner_id,
        courses=[
            LearnerCourseOut(
                course_id=course,
                name=planner.graph.course_name(course),
                planned=None if made is None else moment(made),
            )
            for course, made in learners.courses(planner, learner_id).items()
        ],
    )


@router.get(ONE + "/mastery", dependencies=READS, response_model=MasteryOut)
async def read_mastery(
    learner_id: Id,
    asked: Asked,
    course_id: Course = None,
    as_of: AsOf = None,
    half_life: HalfLife = HALF_LIFE,
) -> Response:
    """What the learner holds: every concept that evidence reaches, or all of a course."""
    learners, planner = asked.current_learners, asked.served.planner
    if as_of is not None:
        then = await run_in_threadpool(
            learners.standing_at, planner, learner_id, as_of.timestamp(), half_life
        )
        return mastery_of(asked, learner_id, course_id, then)
    found = learners.glance(planner, learner_id)
    if found is not None and found.is_whole:
        return mastery_of(asked, learner_id, course_id, found.standing)
    standing = await run_in_threadpool(learners.standing, planner, learner_id)
    return mastery_of(asked, learner_id, course_id, standing)


def mastery_of(
    asked: Asked, learner_id: str, course_id: str | None, standing: Standing | None
) -> Response:
    """The answer of `read_mastery`; errors as for `Planner.mastery`."""
    planner = asked.served.planner
    current = None if standing is None else standing.state.learner
    found = planner.mastery(learner_id, course_id, current)
    counts = EventCounts(counted=0, silent=0, unknown_items=[])
    if standing is not None:
        unknown = asked.current_learners.model(planner).unknown(standing.evidence)
        counts = EventCounts(
            counted=standing.n_events, silent=standing.n_silent, unknown_items=unknown
        )
    # MasteryOut as it is: validating hundreds of concepts takes longer than finding them
    head = {
        "learner_id": learner_id,
        "course_id": course_id,
        "graph_version": planner.graph.version,
        "model_version": planner.model_version,
        "stale": asked.served.stale,
        "events": counts,
    }
    concepts = CONCEPTS.dump_json(found)
    return Response(
        b'%b,"concepts":%b}' % (to_json(head)[:-1], concepts), media_type="application/json"
    )


@router.get(ONE + "/mastery/{concept_id:path}", dependencies=READS)
@in_thread
def read_mastery_reasons(
    learner_id: Id,
    concept_id: Id,
    asked: Asked,
    limit: Annotated[int, Query(ge=1, le=100, description="reasons at most")] = MOST_REASONS,
    language: Annotated[Language, Query(description="of the sentence")] = "en",
    detail: Annotated[Detail, Query(description="whether the sentence holds figures")] = "words",
) -> MasteryReasonsOut:
    """What the learner's mastery of one concept rests on: which views and answers moved it."""
    planner = asked.served.planner
    manner = PlanOptions(language=language, detail=detail)
    found = recorded_reasons(asked.current_learners, planner, learner_id, concept_id, manner, limit)
    reasons = found.reasons and [
        asdict(each) | {"time": None if each.time is None else moment(each.time)}
        for each in found.reasons
    ]
    told = found.to_dict() | {
        "reasons": reasons,
        "graph_version": planner.graph.version,
        "model_version": planner.model_version,
        "stale": asked.served.stale,
    }
    return MasteryReasonsOut.model_validate(told)


@router.get(ONE + "/resources", dependencies=READS)
@in_thread
def read_resources(
    learner_id: Id,
    asked: Asked,
    concept_id: Annotated[Id | None, Query(description="what to open on this concept")] = None,
    course_id: Annotated[
        Id | None, Query(description="its resources first; without a concept its resources alone")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=50, description="resources at most")] = SHOWN,
    language: Annotated[Language, Query(description="of the sentences")] = "en",
    detail: Annotated[Detail, Query(description="whether sentences hold figures")] = "words",
) -> ResourcesOut:
    """What the learner should open on a concept, or next in a course, best first, and why."""
    if concept_id is None and course_id is None:
        raise wrong_field("query", "concept_id", "give a concept_id, a course_id, or both")
    planner = asked.served.planner
    current = asked.current_learners.current(planner, learner_id)
    manner = PlanOptions(language=language, detail=detail)
    found = planner.resources(learner_id, concept_id, course_id, manner, limit, current)
    return ResourcesOut(**vars(found), stale=asked.served.stale)


@router.get(ONE + "/reviews", dependencies=READS)
@in_thread
def read_reviews(
    learner_id: Id,
    asked: Asked,
    course_id: Annotated[Id | None, Query(description="only this course's concepts")] = None,
    minutes: Annotated[
        float,
        Query(
            gt=0,
            le=100_000,
            description="that the learner has; reviews take a share (`KGPLAN_REVIEW_SHARE`)",
        ),
    ] = MINUTES,
    language: Annotated[Language, Query(description="of the sentences")] = "en",
    detail: Annotated[Detail, Query(description="whether sentences hold figures")] = "words",
) -> ReviewsOut:
    """What the learner held and is about to forget, and the least to open for it.

    When something was worked on is known by events alone.
    """
    manner = PlanOptions(language=language, detail=detail)
    found = reviews_of(
        *(asked.current_learners, asked.served.planner, learner_id, course_id),
        *(minutes, asked.review_rules, manner, time.time()),
    )
    return ReviewsOut.model_validate(found.to_dict() | {"stale": asked.served.stale})


@router.get(ONE + "/engagement", dependencies=READS)
@in_thread
def read_engagement(
    learner_id: Id,
    asked: Asked,
    course_id: Annotated[
        Id | None, Query(description="in which the next view is; that of the last view else")
    ] = None,
    language: Annotated[Language, Query(description="of the sentences")] = "en",
    detail: Annotated[Detail, Query(description="whether sentences hold figures")] = "words",
) -> EngagementOut:
    """How likely the learner is to complete the next view, and what that rests on.

    It is made of views alone and says nothing else: no emotion, no attention.
    """
    manner = PlanOptions(language=language, detail=detail)
    told = engagement_of(
        asked.current_learners, asked.served.planner, learner_id, course_id, manner, time.time()
    )
    return EngagementOut(**vars(told), stale=asked.served.stale)


@router.get(ONE + "/plans", dependencies=READS)
@in_thread
def read_plans(
    learner_id: Id,
    asked: Asked,
    course_id: Course = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
    towards: Towards = None,
) -> PlansOut:
    """The plans that the learner was given, the newest first."""
    check_goal(course_id, towards)
    kept = asked.current_learners.history(
        asked.served.planner, learner_id, course_id, limit, towards
    )
    plans = [KeptPlanOut(made=moment(each.made), plan=each.body) for each in kept]
    return PlansOut(learner_id=learner_id, plans=plans)


@router.get(ONE + "/recommendations", dependencies=READS)
@in_thread
def read_recommendations(
    learner_id: Id,
    asked: Asked,
    limit: Annotated[int, Query(ge=1, le=50, description="courses at most")] = FEW,
    alike: Annotated[
        float, Query(ge=0, le=1, description="how alike a course has to be to one taken")
    ] = ALIKE,
) -> RecommendationsOut:
    """Courses that the learner may take next, like those taken; runs of these are left out.

    Of whom nothing is known gets what most learners take, and is told so.
    """
    planner = asked.served.planner
    current = asked.learners.current(planner, learner_id)
    recommender = asked.recommenders.of(planner, asked.served.mark)
    return RecommendationsOut.model_validate(recommender.of(learner_id, current, limit, alike))


@router.get(ONE + "/progress", dependencies=READS)
@in_thread
def read_progress(
    learner_id: Id,
    asked: Asked,
    course_id: Course = None,
    days_per_step: Annotated[
        float, Query(gt=0, le=3650, description="the pace: step n is due after n times as long")
    ] = 7,
    towards: Towards = None,
) -> ProgressOut:
    """How far the learner has come along the last plan, and what is done of earlier ones."""
    check_goal(course_id, towards)
    learners, planner = asked.current_learners, asked.served.planner
    plans = learners.history(planner, learner_id, course_id, PLANS_LOOKED_AT, towards)
    if not plans:
        raise NoPlanYet(learner_id)
    kept = plans[0]
    steps = learners.progress(planner, learner_id, kept, time.time(), days_per_step)
    open_ = [step.concept_id for step in steps if step.status not in ("done", "left_out")]
    return ProgressOut(
        learner_id=learner_id,
        course_id=kept.body["course_id"],
        towards=kept.body["towards"],
        made=moment(kept.made),
        done=sum(step.status == "done" for step in steps),
        overdue=sum(step.status == "overdue" for step in steps),
        next_concept_id=open_[0] if open_ else None,
        steps=[
            StepProgressOut(concept_id=step.concept_id, status=step.status, due=moment(step.due))
            for step in steps
        ],
        behind=[
            BehindOut.model_validate(step) for step in learners.behind(planner, learner_id, plans)
        ],
    )


@router.get(ONE + "/feedback", dependencies=READS)
@in_thread
def read_feedback(learner_id: Id, asked: Asked) -> SaidListOut:
    """What the learner said about steps and resources: what the next plan keeps to."""
    learners, planner = asked.current_learners, asked.served.planner
    learners.check(planner, learner_id)
    words = learners.store.said(learner_id)
    names = names_of(planner.graph, [word.concept_id for word in words])
    return SaidListOut(
        learner_id=learner_id,
        feedback=[
            SaidOut.model_validate(
                {
                    "concept_id": word.concept_id,
                    "name": name,
                    "name_en": english,
                    "item_id": word.item_id,
                    "title": title_of(planner, word.item_id),
                    "said": word.said,
                    "time": moment(word.time),
                }
            )
            for word, (name, english) in zip(words, names, strict=True)
        ],
    )


@router.post(ONE + "/feedback", dependencies=WRITES)
@in_thread
def take_feedback(learner_id: Id, feedback: FeedbackIn, asked: Asked) -> FeedbackOut:
    """Say something about a step, or about one of its resources; the next plan keeps to it."""
    learners, planner = asked.current_learners, asked.served.planner
    version = learners.learner_version(planner, learner_id)
    learners.check(planner, learner_id)
    planner.graph.concepts.place(feedback.concept_id, UnknownConcept)
    if feedback.item_id is not None:
        planner.records.items.place(feedback.item_id, UnknownItem)
    learners.say(learner_id, feedback.concept_id, feedback.said, version, feedback.item_id)
    return FeedbackOut(learner_id=learner_id, **feedback.model_dump())


def title_of(planner: Planner, item_id: str | None) -> str:
    """What an item is called; "" where that, or the item, is unknown."""
    at = -1 if item_id is None else planner.records.items.find(item_id)
    return str(planner.derived.resources.titles[at]) if at >= 0 else ""


@router.post(ONE + "/placement", dependencies=READS)
@in_thread
def place(learner_id: Id, body: PlacementIn, asked: Asked) -> PlacementOut:
    """What to ask the learner next, of whom little is known, and the plan as it is now.

    Send all answers of the placement each time: what is new of them is stored as any other answer,
    and the next plan knows it. Answers need `events:write` too.
    """
    if body.answers:
        asked.access.check_scope("events:write")
    learners, planner = asked.current_learners, asked.served.planner
    goal = goal_of(planner, body.course_id, body.towards, body.words)
    answers = [
        Answered(each.concept_id, each.item_id, HOLDS[each.said] if each.said else each.score)
        for each in body.answers
    ]
    keep(learners, planner, learner_id, answers, asked.access.learner_id or "")
    manner = PlanOptions(language=body.language, detail=body.detail)
    found = Placer(planner, learners.model(planner)).next(
        learner_id,
        goal,
        known_of(learners, planner, learner_id),
        [each.named for each in answers],
        len(answers),
        body.most,
        manner,
        body.in_words,
    )
    name = planner.graph.goal_name(goal.course_id, goal.towards)
    return PlacementOut(
        learner_id=learner_id,
        course_id=goal.course_id,
        towards=goal.towards,
        goal=name,
        next=None if found.question is None else PlacementQuestion(**asdict(found.question)),
        stop=found.ended is not None,
        reason=found.ended,
        because="" if found.ended is None else say(manner, f"place.{found.ended}"),
        asked=found.asked,
        most=body.most,
        steps=[
            BeginsOut(
                concept_id=step.concept_id,
                name=step.name,
                name_en=step.name_en,
                mastery=step.terms.mastery,
                sd=step.sd,
                basis=step.basis,
            )
            for step in found.plan.steps
        ],
        graph_version=planner.graph.version,
        model_version=planner.model_version,
        stale=asked.served.stale,
    )


@router.get(ONE + "/export", dependencies=READS, response_model=dict[str, Any])
@in_thread
def export(learner_id: Id, asked: Asked) -> Response:
    """All that is stored about the learner: events as sent, plans, feedback, the model's rows."""
    with audited(asked, "export", hashed(learner_id)):
        return Response(_all_about(learner_id, asked), media_type="application/json")


def _all_about(learner_id: str, asked: Asked) -> bytes:
    learners, planner = asked.current_learners, asked.served.planner
    standing = learners.standing(planner, learner_id)
    learners.check(planner, learner_id)
    learners.store.flush()
    current = None if standing is None else standing.state.learner
    in_records = current is None or current.in_records
    stored = learners.store.export(learner_id)
    texts = {"events": "sent", "plans": "body"}  # JSON as it is stored, however deep
    parts = {
        name: b"[%b]" % b",".join(_with_text(row, texts.get(name)) for row in rows)
        for name, rows in stored.items()
    }
    rest = {
        "learner_id": learner_id,
        "records": _rows_of(planner, learner_id) if in_records else None,
        "mastery": planner.mastery(learner_id, None, current),
        "graph_version": planner.graph.version,
        "model_version": planner.model_version,
    }
    lists = b",".join(b'"%b":%b' % (name.encode(), part) for name, part in parts.items())
    return b"%b,%b}" % (to_json(rest)[:-1], lists)


def _with_text(row: dict[str, Any], name: str | None) -> bytes:
    """A row as JSON; of this name, if any, it holds what is JSON already."""
    if name is None:
        return to_json(row)
    rest = {key: value for key, value in row.items() if key != name}
    return b'%b,"%b":%b}' % (to_json(rest)[:-1], name.encode(), row[name].encode())


@router.get(ONE, dependencies=READS)
@in_thread
def read_learner(learner_id: Id, asked: Asked) -> LearnerOut:
    """What is known of the learner: courses and how far they came, views, answers, events."""
    planner = asked.served.planner
    found = asked.current_learners.about(planner, learner_id)
    first, last = found.first_event, found.last_event
    return LearnerOut(
        learner_id=learner_id,
        graph_version=planner.graph.version,
        model_version=planner.model_version,
        in_model=found.in_model,
        views=found.views,
        answers=found.answers,
        events=found.events,
        first_event=None if first is None else moment(first),
        last_event=None if last is None else moment(last),
        courses=list(found.courses),
    )


@router.delete(ONE, dependencies=[require("admin", own="events:write")])
@in_thread
def erase(learner_id: Id, asked: Asked) -> ErasureOut:
    """Erase all about the learner; what remains is a hash of the id, the time and the counts.

    Needs the scope `admin`, or a token of the learner's own with `events:write`.

    A second request finds nothing more, and is answered 200 with zeros while the hash is known.
    """
    learners, planner = asked.current_learners, asked.served.planner
    with audited(asked, "erase", hashed(learner_id)):
        store = learners.store
        if store.version(learner_id).erased is None:
            learners.check(planner, learner_id)
        erasure = store.erase(learner_id, time.time())
        learners.forget(learner_id)
        asked.answers.forget(learner_id)
    return ErasureOut(
        learner_id=learner_id,
        events=erasure.n_events,
        plans=erasure.n_plans,
        feedback=erasure.n_feedback,
        refused=erasure.n_refused,
        known_to_model=learners.model(planner).knows(learner_id),
    )


def check_goal(course_id: str | None, towards: str | None) -> None:
    """Refuse plans of a course and towards a concept at once: there are none.

    Raises:
        RequestValidationError: both are given.
    """
    if course_id is not None and towards is not None:
        raise wrong_field("query", "towards", "give either a course_id or towards, not both")


def names_of(graph: GraphSnapshot, concept_ids: Sequence[str]) -> list[tuple[str, str]]:
    """The Chinese and the English name of each concept; the id and "" where the graph has none."""
    at = positions(graph.concept_ids, id_array(concept_ids)).tolist()
    return [
        (str(graph.concept_names[k]), str(graph.concept_names_en[k])) if k >= 0 else (concept, "")
        for concept, k in zip(concept_ids, at, strict=True)
    ]


def _rows_of(planner: Planner, learner_id: str) -> dict[str, Any] | None:
    """The learner's rows in the records that the model was made from."""
    records = planner.records
    (at,) = np.nonzero(records.learner_ids == learner_id)
    if not at.size:
        return None
    row = [int(at[0])]
    listed = {"views": ("share", records.viewed), "answers": ("score", records.answered)}
    found: dict[str, Any] = {
        name: [
            {"item_id": item, value: told}
            for item, told in zip(
                records.item_ids[matrix[row].indices].tolist(),
                matrix[row].data.tolist(),
                strict=True,
            )
        ]
        for name, (value, matrix) in listed.items()
        if matrix is not None
    }
    return {"courses": records.course_ids[records.enrolled[row].indices].tolist(), **found}
