"""What the operations on events and learner records take and say: their typed bodies."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from kgplan.api.ids import Id
from kgplan.api.models import EXAMPLE_RESOURCE
from kgplan.data.events import Event
from kgplan.data.told import seconds_of
from kgplan.data.wishes import Said
from kgplan.model.engagement import Silence
from kgplan.planning import Basis, ConceptMastery, Doubt, Resource
from kgplan.planning.because import Did
from kgplan.planning.placing import MOST_QUESTIONS, Ended
from kgplan.planning.progress import Status
from kgplan.planning.taken import TakenCourse
from kgplan.planning.texts import Detail, Language

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class EventIn(BaseModel):
    """One thing that a learner was seen to do."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event_id": "player-7:000123",
                    "learner_id": "U_1000",
                    "time": "2026-03-01T10:15:00Z",
                    "item_id": "V_5f3a",
                    "segments": [[0, 95.5], [120, 300]],
                    "length": 351,
                }
            ]
        },
    )

    event_id: Id = Field(description="names the event: sent again, it is the same event")
    learner_id: Id
    time: datetime | None = Field(
        default=None,
        description="when; of the zone that the service is set to if it tells none; the time of"
        " arrival if missing",
    )
    item_id: Id | None = Field(
        default=None,
        validation_alias=AliasChoices("item_id", "video_id"),
        description="the video, exercise or text; `video_id` is taken too",
    )
    course_id: Id | None = Field(default=None, description="the course that it happened in")
    share: Share | None = Field(default=None, description="of the video that was watched")
    segments: list[tuple[Seconds, Seconds]] = Field(
        default_factory=list,  # a default would be copied deep for every event
        json_schema_extra={"default": []},
        description="(from, to) positions played, in seconds",
        max_length=10_000,
    )
    length: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="of the video, in seconds"
    )
    score: Share | None = Field(
        default=None, description="of an answer to the exercise, or to that of the video"
    )
    enrols: bool = Field(default=False, description="the learner enrolled in the course")
    voids: Id | None = Field(default=None, description="id of an event that never counted")

    @model_validator(mode="after")
    def _says_something(self) -> "EventIn":
        if any(end < begin for begin, end in self.segments):
            raise ValueError("a segment ends before it begins")
        watched = self.share is not None or self.segments or self.score is not None
        if watched and self.item_id is None:
            raise ValueError("a share, segments and a score need an item_id")
        if self.enrols and self.course_id is None:
            raise ValueError("enrols needs a course_id")
        if not (watched or self.enrols or self.voids):
            raise ValueError("give a share, segments, a score, enrols or voids")
        return self

    def event(self, now: float, zone: tzinfo) -> Event:
        """What it says; a time without a zone is of the one given."""
        return Event(
            self.event_id,
            self.learner_id,
            now if self.time is None else seconds_of(self.time, zone),
            self.item_id,
            self.course_id,
            self.share,
            tuple(self.segments),
            self.length,
            self.score,
            self.enrols,
            self.voids,
        )


class UnknownOut(BaseModel):
    """What the data in use do not know yet; it says nothing until they do."""

    items: int = Field(description="how many")
    courses: int
    item_ids: list[str]
    course_ids: list[str]


class ReceiptOut(BaseModel):
    """What became of the events; all are committed."""

    stored: list[str] = Field(description="ids that were new")
    repeated: list[str] = Field(description="ids that were stored before, with the same content")
    erased: list[str] = Field(
        description="ids not kept: they are from before their learner was erased"
    )
    silent: int = Field(description="how many of those stored say nothing about mastery")
    unknown: UnknownOut | None = Field(
        default=None, description="of the events sent; left out where all is known"
    )


class LearnersOut(BaseModel):
    """Learners whose id begins with a text, in the order of ids."""

    learners: list[str]


class LearnerCourseOut(BaseModel):
    """A course of a learner's."""

    course_id: str
    name: str
    planned: datetime | None = Field(description="when the last plan was made; null: none yet")


class LearnerCoursesOut(BaseModel):
    """A learner's courses: those with a plan first, the newest first; then the others by id."""

    learner_id: str
    courses: list[LearnerCourseOut]


class LearnerOut(BaseModel):
    """What is known of a learner; of the items those count that cover a concept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "in_model": True,
                    "views": 34,
                    "answers": 5,
                    "events": 2,
                    "first_event": "2026-03-01T10:15:00Z",
                    "last_event": "2026-03-01T10:40:00Z",
                    "courses": [
                        {
                            "course_id": "C_course-v1:TsinghuaX+30240184+sp",
                            "name": "数据结构(上)",
                            "items": 60,
                            "opened": 21,
                            "done": 19,
                        }
                    ],
                }
            ]
        }
    )

    learner_id: str
    graph_version: str
    model_version: str
    in_model: bool = Field(
        description="whether the model was made with records of the learner, and these still count"
    )
    views: int = Field(
        description="items that were opened, to watch or to read, in these records and by events"
    )
    answers: int = Field(description="items that were answered, likewise")
    events: int = Field(description="events that were not voided")
    first_event: datetime | None = Field(description="when it happened; null without any")
    last_event: datetime | None
    courses: list[TakenCourse] = Field(description="that the learner takes, by id")


class EventCounts(BaseModel):
    """The learner's events in the records."""

    counted: int = Field(description="events that were not voided")
    silent: int = Field(description="those of them that say nothing about mastery")
    unknown_items: list[str] = Field(description="items of events that the model does not know yet")


class MasteryOut(BaseModel):
    """What a learner holds now: the fit, and the events since."""

    learner_id: str
    course_id: str | None
    graph_version: str
    model_version: str
    events: EventCounts
    concepts: list[ConceptMastery]
    stale: bool


class ReasonOut(BaseModel):
    """One thing that was observed of the learner, and how much it moved the mastery."""

    item_id: str
    kind: str = Field(
        description="of the item: video, exercise or text; concept: what the learner answered of it"
    )
    title: str = Field(description="empty where unknown")
    did: Did = Field(
        description="what the learner did with it; watched, read and answered_right from 80 % on,"
        " answered_wrong under half; not_opened: it is due in a course of the learner's;"
        " said_known, said_unsure, said_unknown: what was answered of the concept itself"
    )
    share: float | None = Field(description="that was watched or read; null of an answer")
    score: float | None = Field(description="of the answer; null of anything else")
    time: datetime | None = Field(description="null where only the order of views is known")
    covers: bool = Field(
        description="whether the item is on the concept itself; else other items join it to that"
    )
    moved: float = Field(description="the mastery less what it is without this")


class TogetherOut(BaseModel):
    """Several things that are left out at once."""

    observations: int
    moved: float = Field(description="the mastery less what it is without all of them")


class MasteryReasonsOut(BaseModel):
    """A learner's mastery of a concept, and what it rests on: each thing left out in turn."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "concept_id": "K_栈_计算机科学技术",
                    "name": "栈",
                    "name_en": "stack",
                    "prior": 0.24,
                    "mastery": 0.81,
                    "sd": 0.39,
                    "basis": "own",
                    "evidence": 0.94,
                    "identified": True,
                    "doubt": None,
                    "because": "You probably hold stack. For it speaks that you watched “栈的定义”;"
                    " against it, that you have not opened “栈的应用”.",
                    "reasons": [
                        {
                            "item_id": "V_5f3a",
                            "kind": "video",
                            "title": "栈的定义",
                            "did": "watched",
                            "share": 1.0,
                            "score": None,
                            "time": "2026-03-01T10:15:00Z",
                            "covers": True,
                            "moved": 0.62,
                        },
                        {
                            "item_id": "V_5f3c",
                            "kind": "video",
                            "title": "栈的应用",
                            "did": "not_opened",
                            "share": 0.0,
                            "score": None,
                            "time": None,
                            "covers": True,
                            "moved": -0.07,
                        },
                    ],
                    "raising": {"observations": 1, "moved": 0.62},
                    "lowering": {"observations": 1, "moved": -0.07},
                    "left_out": 0,
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "stale": False,
                }
            ]
        }
    )

    learner_id: str
    concept_id: str
    name: str
    name_en: str = Field(description="empty where unknown")
    prior: float = Field(description="what is assumed of everyone of whom nothing is known")
    mastery: float | None = Field(
        description="probability that the learner holds the concept; null where there is too little"
        " evidence for a figure"
    )
    sd: float | None = Field(description="of the concept's state; null with the mastery")
    basis: Basis = Field(
        description="own: the learner's evidence reaches it; lent: of learners who are alike;"
        " prior: assumed of everyone"
    )
    evidence: float = Field(description="bits that views and answers said, beyond the prior")
    identified: bool
    doubt: Doubt | None
    because: str = Field(description="the whole in a sentence")
    reasons: list[ReasonOut] | None = Field(
        description="what moved it most first; they do not sum to anything, as what several say"
        " alike none of them moves alone; null where the model is not of the records in use"
    )
    raising: TogetherOut | None = Field(description="all on the concept that raised it")
    lowering: TogetherOut | None = Field(description="all on the concept that lowered it")
    left_out: int | None = Field(description="further observations, that were not looked at")
    graph_version: str
    model_version: str
    stale: bool


class ResourcesOut(BaseModel):
    """What a learner should open on a concept, or next in a course, best first."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "concept_id": "K_栈_计算机科学技术",
                    "course_id": None,
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "served": "simple methods",
                    "new": False,
                    "resources": [EXAMPLE_RESOURCE],
                    "note": "",
                    "stale": False,
                }
            ]
        },
    )

    learner_id: str
    concept_id: str | None
    course_id: str | None
    graph_version: str
    model_version: str
    served: str | None = Field(
        description="which method or blend ranks; null where nothing does, and the courses' order"
        " holds"
    )
    new: bool = Field(description="whether nothing is known of the learner")
    resources: list[Resource] = Field(
        description="the best first; those of the course asked for, then of the learner's courses,"
        " then of others; without what is finished, or was said to be not for the learner"
    )
    note: str = Field(description='a sentence where there are none, which names a course; else ""')
    stale: bool


class DueConceptOut(BaseModel):
    """A concept that a review brings back."""

    concept_id: str
    name: str
    name_en: str
    mastery: float
    last: datetime = Field(description="when it was last worked on")
    due: datetime = Field(description="since when it is due")
    recall: float = Field(description="chance of recalling it now")


class ReviewOut(BaseModel):
    """One thing to open again."""

    resource: Resource = Field(description="what to open")
    concepts: list[DueConceptOut] = Field(description="that it brings back, the most urgent first")
    because: str = Field(description="one plain sentence")


class ReviewsOut(BaseModel):
    """What a learner held and is about to forget, the most urgent first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "course_id": "C_course-v1:TsinghuaX+30240184+sp",
                    "graph_version": "5f0c2f3f6f0b7a11",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "minutes": 12.0,
                    "reviews": [
                        {
                            "resource": EXAMPLE_RESOURCE | {"again": True, "share": 1.0},
                            "concepts": [
                                {
                                    "concept_id": "K_栈_计算机科学技术",
                                    "name": "栈",
                                    "name_en": "stack",
                                    "mastery": 0.91,
                                    "last": "2026-03-01T10:15:00Z",
                                    "due": "2026-03-03T10:15:00Z",
                                    "recall": 0.82,
                                }
                            ],
                            "because": "You last worked on 栈 2 weeks ago; this brings it back.",
                        }
                    ],
                    "later": 3,
                    "next_due": "2026-03-19T08:00:00Z",
                    "note": "",
                    "stale": False,
                }
            ]
        },
    )

    learner_id: str
    course_id: str | None
    graph_version: str
    model_version: str
    minutes: float = Field(description="that reviews may take")
    reviews: list[ReviewOut] = Field(description="within that time")
    later: int = Field(
        description="concepts that are due, too, and found no room or nothing to open"
    )
    next_due: datetime | None = Field(
        description="when the next one comes due that is not yet; null where there is none"
    )
    note: str = Field(description="a sentence where there is no review; else empty")
    stale: bool


class EngagementOut(BaseModel):
    """How likely a learner is to complete the next view: completion, never a state of a person."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "learner_id": "U_1000",
                    "course_id": None,
                    "item_id": "V_5f3a",
                    "title": "栈的应用",
                    "chance": 0.84,
                    "reason": None,
                    "views": 41,
                    "finished": 7,
                    "alike": 2310,
                    "alike_completed": 0.86,
                    "because": "You will probably watch the next video to its end. What counts most"
                    " is how much of earlier videos you watched.",
                    "model_version": "0b5c7c1f7ad1c9e2",
                    "stale": False,
                }
            ]
        },
    )

    learner_id: str
    course_id: str | None = Field(
        description="in which the next view is; null: in that of the last view"
    )
    item_id: str | None = Field(
        description="the next video, as the course goes on; null where none is known"
    )
    title: str = Field(description="of it; empty where unknown")
    chance: float | None = Field(
        description="that 90 % or more of it is watched, if it is opened now; null with a reason"
    )
    reason: Silence | None = Field(
        description="no_model: nothing is fitted here; few_views: fewer than 8 tell how much was"
        " watched; null where there is a chance"
    )
    views: int = Field(description="views that tell how much was watched")
    finished: int | None = Field(description="of the last 8 views; null with the chance")
    alike: int = Field(
        description="how sure: views of held-back learners that were given a chance in the same"
        " tenth"
    )
    alike_completed: float | None = Field(description="share of them that was completed")
    because: str = Field(description="what it rests on, in plain words")
    model_version: str
    stale: bool


class KeptPlanOut(BaseModel):
    """A plan of the history."""

    made: datetime
    plan: dict[str, Any] = Field(description="as it was answered")


class PlansOut(BaseModel):
    """A learner's plans, the newest first; one that repeats the one before is not listed."""

    learner_id: str
    plans: list[KeptPlanOut]


class StepProgressOut(BaseModel):
    """Where the learner stands with a step."""

    concept_id: str
    status: Status = Field(
        description="done: said, or what it says to open watched, read or answered to 80 % since"
        " the plan, of a planner that gives several to choose from any one on it; left_out: not for"
        " me; overdue: its time is over; next: the first of the others; later"
    )
    due: datetime


class BehindOut(BaseModel):
    """A step of an earlier plan that is done."""

    concept_id: str
    name: str
    name_en: str = Field(description="empty where unknown")


class LikeOut(BaseModel):
    """A course that was taken, and how alike another is to it."""

    model_config = ConfigDict(from_attributes=True)

    course_id: str
    name: str
    alike: float = Field(description="0 to 1: the mean of the next two")
    semantic: float = Field(description="by what is said of both")
    collaborative: float = Field(description="by who takes both")


class RecommendedOut(BaseModel):
    """A course to take, and why."""

    model_config = ConfigDict(from_attributes=True)

    course_id: str
    name: str
    score: float = Field(description="which chose it; of popular courses, how many take it")
    like: list[LikeOut] = Field(description="courses taken that it is like, most alike first")
    shared: list[str] = Field(description="names of concepts that it shares with these")
    because: str


class RecommendationsOut(BaseModel):
    """Courses to take, the best first."""

    model_config = ConfigDict(from_attributes=True)

    learner_id: str
    basis: Literal["courses", "popular"] = Field(
        description="courses that the learner took; popular ones where nothing is known of these"
    )
    courses: list[RecommendedOut]
    told: str = Field(description="why there are none, few, or popular ones; empty: enough")


class ProgressOut(BaseModel):
    """How far a learner has come along the last plan."""

    learner_id: str
    course_id: str | None
    towards: str | None = Field(description="the concept to reach; null for a course")
    made: datetime
    done: int
    overdue: int
    next_concept_id: str | None = Field(description="first step that is neither done nor left out")
    steps: list[StepProgressOut]
    behind: list[BehindOut] = Field(
        description="steps of earlier plans to the same goal that are done, and that the last plan"
        " does not hold any more; in the order in which they were planned first"
    )


class FeedbackIn(BaseModel):
    """What a learner says about a step, or about one of its resources."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"concept_id": "K_栈_计算机科学技术", "said": "too_hard"}]},
    )

    concept_id: Id
    said: Said = Field(
        description="done, too_easy: counts as held; too_hard: its prerequisites come first;"
        " not_for_me: not planned; known, unsure, unknown: the answer to whether it is held, which"
        " counts as evidence; withdrawn: as if nothing had been said"
    )
    item_id: Id | None = Field(
        default=None,
        description="the resource on the concept that is meant; it takes not_for_me, which leaves"
        " it out of plans and rankings, and withdrawn",
    )

    @model_validator(mode="after")
    def _can_be_said(self) -> "FeedbackIn":
        if self.item_id is not None and self.said not in ("not_for_me", "withdrawn"):
            raise ValueError("about an item, say not_for_me or withdrawn")
        return self


class FeedbackOut(BaseModel):
    """What is kept of it: the last wish and answer on each concept, the last word on each item."""

    learner_id: str
    concept_id: str
    said: Said
    item_id: str | None = None


class AnswerIn(BaseModel):
    """An answer of a placement; neither said nor a score where it was passed over."""

    model_config = ConfigDict(extra="forbid")

    concept_id: Id | None = Field(default=None, description="that was asked about")
    said: Literal["known", "unsure", "unknown"] | None = Field(
        default=None, description="whether the concept is held"
    )
    item_id: Id | None = Field(default=None, description="that was to be answered")
    score: Share | None = Field(default=None, description="of the answer to the item")

    @model_validator(mode="after")
    def _is_one(self) -> "AnswerIn":
        if (self.concept_id is None) == (self.item_id is None):
            raise ValueError("give either a concept_id, with said, or an item_id, with a score")
        if (self.said is not None and self.item_id) or (self.score is not None and self.concept_id):
            raise ValueError("said goes with a concept_id, a score with an item_id")
        return self


class PlacementIn(BaseModel):
    """What a learner wants, and the answers up to now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "course_id": "C_course-v1:TsinghuaX+30240184+sp",
                    "answers": [{"concept_id": "K_栈_计算机科学技术", "said": "known"}],
                }
            ]
        },
    )

    course_id: Id | None = Field(default=None, description="the course that is to be learned")
    towards: Id | None = Field(default=None, description="or the concept to reach")
    words: str | None = Field(
        default=None, max_length=200, description="or either by name, as `GET /v1/courses` finds it"
    )
    answers: list[AnswerIn] = Field(
        default=[],
        max_length=200,
        description="all of this placement; what is new of them is stored",
    )
    most: int = Field(default=MOST_QUESTIONS, ge=0, le=200, description="questions at most")
    in_words: bool = Field(default=False, description="ask about concepts alone, not exercises")
    language: Language = Field(default="en", description="of the sentences")
    detail: Detail = Field(default="words", description="whether sentences hold figures")

    @model_validator(mode="after")
    def _has_goal(self) -> "PlacementIn":
        if sum(each is not None for each in (self.course_id, self.towards, self.words)) != 1:
            raise ValueError("give one of course_id, towards and words")
        return self


class PlacementQuestion(BaseModel):
    """What to ask: whether a concept is held, or an exercise."""

    concept_id: str | None = Field(description="null where an item is asked")
    item_id: str | None = Field(description="null where a concept is asked about")
    name: str = Field(description="of the concept, or the title of the item; may be empty")
    name_en: str = Field(description="empty where unknown")
    url: str | None = Field(description="where the item is opened")
    bits: float = Field(description="that the answer is expected to say of the goal's concepts")
    because: str


class BeginsOut(BaseModel):
    """A step of the plan as it is now."""

    concept_id: str
    name: str
    name_en: str = Field(description="empty where unknown")
    mastery: float
    sd: float
    basis: Basis


class PlacementOut(BaseModel):
    """The next question of a placement, or why there is none, and the plan up to now."""

    learner_id: str
    course_id: str | None
    towards: str | None
    goal: str = Field(description="its name")
    next: PlacementQuestion | None = Field(description="null where the placement is over")
    stop: bool
    reason: Ended | None = Field(
        description="settled: no answer would change how the plan begins; enough: as many were"
        " asked as may be; nothing_left: no question would say more; null where it goes on"
    )
    because: str = Field(description="the reason in a sentence; empty where it goes on")
    asked: int
    most: int
    steps: list[BeginsOut] = Field(description="of the plan, see `GET .../path` for all of it")
    graph_version: str
    model_version: str
    stale: bool


class SaidOut(BaseModel):
    """What a learner said about a concept, or about one item on it."""

    concept_id: str
    name: str
    name_en: str = Field(description="empty where unknown")
    item_id: str | None = Field(description="the item that was meant; null where the concept was")
    title: str = Field(description="of the item; empty where unknown")
    said: Said
    time: datetime


class SaidListOut(BaseModel):
    """The last wish and answer on each concept, the last word on each item; none withdrawn."""

    learner_id: str
    feedback: list[SaidOut]


class ErasureOut(BaseModel):
    """What was erased of a learner."""

    learner_id: str
    events: int
    plans: int
    feedback: int
    refused: int = Field(description="of what was sent as an event of theirs and not taken")
    known_to_model: bool = Field(
        description="the model was made from the learner's rows: they are not used any more here,"
        " and leave the model when they leave the archive and the stages run"
    )


def moment(seconds: float) -> datetime:
    """A time since 1970 as JSON shows it.

    >>> moment(0.0).isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC)
