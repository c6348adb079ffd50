"""What the operations on plans that adjust themselves take and say: their typed bodies."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kgplan.adjusting import Change, Rules, Shown, shown_by
from kgplan.adjusting.deciding import Decided, Decision
from kgplan.adjusting.running import Kind, Limit
from kgplan.adjusting.states import CALM
from kgplan.api.ids import Id
from kgplan.api.learner_models import moment
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.running import Run, Told

LEAST = 5
"""Learners from which figures of a class are told: of fewer, a mean would be somebody's own."""
Reason = Annotated[str, Field(min_length=1, max_length=500, description="why; a learner may read")]
Weekly = Annotated[float, Field(ge=1, le=10_080, description="minutes a week that are wanted")]


class DatedIn(BaseModel):
    """What may say by when a plan is to be done."""

    date: AwareDatetime | None = Field(default=None, description="by which all is to be done")

    @property
    def seconds(self) -> float | None:
        """The date in seconds since 1970; None where there is none."""
        return None if self.date is None else self.date.timestamp()


class RunIn(DatedIn):
    """A plan to begin."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"weekly": 90, "length": 8}]}
    )

    weekly: Weekly | None = Field(default=None, description="without it nobody lags")
    length: int | None = Field(default=None, ge=1, le=100, description="steps; all if not given")


class DatesIn(DatedIn):
    """By when a plan and its steps are to be done; what is not named has no date any more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"date": "2026-06-30T16:00:00Z", "steps": {"K_栈": "2026-05-01T16:00:00Z"}}
            ]
        },
    )

    steps: dict[Id, AwareDatetime] = Field(
        default={}, max_length=500, description="step -> its date"
    )


class OffIn(BaseModel):
    """Whether rules leave a plan alone."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"off": True}]})

    off: bool


class OverrideIn(BaseModel):
    """What somebody decides about a learner's plan."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "insert",
                    "step_id": "K_栈",
                    "before": "K_队列",
                    "reason": "asked in class",
                }
            ]
        },
    )

    kind: Decided = Field(
        description="`pin`: wanted in any case; `remove`, `insert`, `reorder`: of steps; `freeze`:"
        " rules only suggest"
    )
    reason: Reason
    step_id: Id | None = Field(default=None, description="which step, or concept to put in")
    before: Id | None = Field(default=None, description="step that one is put in before; else last")
    order: list[Id] = Field(default=[], description="all steps, in their new order", max_length=500)


class AcceptIn(BaseModel):
    """Why a suggestion is followed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "asked in class"}]}
    )

    reason: Reason


class UndoIn(BaseModel):
    """Why a change is taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": ""}]})

    reason: str = Field(default="", max_length=500)


class RunningStepOut(BaseModel):
    """A step of a plan that a learner is at work on."""

    step_id: str = Field(description="the concept")
    name: str
    name_en: str
    items: list[str] = Field(description="to be worked through, in this order")
    asks: list[str] = Field(description="exercises that tell of the step")
    minutes: float
    done: bool = Field(description="at the last look")
    optional: bool = Field(description="may be left out")
    pinned: bool
    overridden: bool = Field(description="somebody decided about it: rules only suggest")
    is_goal: bool = Field(description="what the plan is for; no rule touches it")
    date: datetime | None = Field(description="by which it is to be done")


class ShownOut(BaseModel):
    """How a plan is to be shown now."""

    offers: int
    weakest_first: bool
    tasks: int = Field(description="at a time")
    hard: float = Field(description="share of offers that are hard")
    leads: str = Field(description="the state that has the first word; empty where none has")


class StatesOut(BaseModel):
    """In which states the learner is; empty where in none."""

    pace: str
    difficulty: str
    ahead: str


class MissOut(BaseModel):
    """A date that will be missed if all goes on as it is wanted."""

    step_id: str | None = Field(description="whose; null where it is that of the whole plan")
    date: datetime
    finish: datetime = Field(description="when it is done at this pace and these minutes")
    minutes: float = Field(description="that are too many up to the date")
    would_go: list[str] = Field(description="steps without which it would be kept")
    fits: bool = Field(description="whether it would; else all that may go does not do")


class RunOut(BaseModel):
    """A plan that a learner is at work on."""

    learner_id: str
    course_id: str
    version: int = Field(description="of the plan; what If-Match names holds it too")
    begun: datetime
    weekly: float | None = Field(description="minutes a week that are wanted")
    off: bool = Field(description="whether rules leave it alone, as the learner wants")
    frozen: bool = Field(description="whether rules only suggest, as somebody decided")
    steps: list[RunningStepOut]
    at: str | None = Field(description="the step that the learner is at")
    states: StatesOut
    shown: ShownOut
    lag: float | None = Field(description="1 - done / due over 14 days; null where unknown")
    finish: datetime | None = Field(description="when it is done at this pace and these minutes")
    date: datetime | None = Field(description="by which all is to be done")
    misses: list[MissOut] = Field(
        description="dates that will be missed; none are told without minutes a week"
    )
    looked: datetime | None = Field(description="the last look; null before the first")
    next_look: datetime | None = Field(description="null where only an event brings one")
    rules: str = Field(description="version of the rules")

    @classmethod
    def of(cls, run: Run, graph: GraphSnapshot, rules: Rules) -> "RunOut":
        """A plan with the names of its steps."""
        seen, done = run.seen, run.done
        lag = None if seen is None or seen.lag is None else seen.lag.value
        finish = None if seen is None or seen.finish_at is None else moment(seen.finish_at)
        shown: Shown = shown_by(run.state, rules)
        states = run.state.pace, run.state.difficulty, run.state.ahead
        return cls(
            learner_id=run.kept.learner_id,
            course_id=run.kept.course_id,
            version=run.kept.version,
            begun=moment(run.plan.since),
            weekly=run.plan.weekly,
            off=run.kept.is_off,
            frozen=run.plan.frozen,
            steps=[
                RunningStepOut(
                    **dict(zip(("name", "name_en"), name_of(graph, each.step_id), strict=True)),
                    step_id=each.step_id,
                    items=list(each.items),
                    asks=list(each.asks),
                    minutes=each.minutes,
                    done=each.step_id in done,
                    optional=each.optional,
                    pinned=each.pinned,
                    overridden=each.overridden,
                    is_goal=each.step_id in run.plan.goal,
                    date=None if each.date is None else moment(each.date),
                )
                for each in run.plan.steps
            ],
            at=None if seen is None or not seen.step_id else seen.step_id,
            states=StatesOut(
                **dict(
                    zip(
                        ("pace", "difficulty", "ahead"),
                        (each.state for each in states),
                        strict=True,
                    )
                )
            ),
            shown=ShownOut(**vars(shown)),
            lag=lag,
            finish=finish,
            date=None if run.plan.date is None else moment(run.plan.date),
            misses=[
                MissOut(
                    step_id=each.step_id or None,
                    date=moment(each.date),
                    finish=moment(each.finish),
                    minutes=each.minutes,
                    would_go=list(each.would_go),
                    fits=each.fits,
                )
                for each in run.misses
            ],
            looked=None if seen is None else moment(seen.at),
            next_look=moment(run.kept.due) if run.kept.due < 1e11 else None,
            rules=rules.version,
        )


class BrokenOut(BaseModel):
    """A step whose prerequisite is not learned before it any more."""

    step_id: str
    needs: str


class OverriddenOut(BaseModel):
    """A plan after a decision, and what the decision breaks."""

    plan: RunOut
    warnings: list[BrokenOut]


class ChangeOut(BaseModel):
    """What a rule made or suggests, or somebody decided."""

    n: int = Field(description="counts the changes of a plan")
    at: datetime
    version: int = Field(description="of the plan, after it")
    author: str = Field(description="who decided, or accepted a suggestion; empty for a rule")
    rule: str = Field(description="the state that acts; empty for a decision")
    kind: Kind | Decided
    step_id: str
    made: bool = Field(description="whether it is more than a suggestion")
    limit: Limit = Field(description="why it is a suggestion; empty where it is made")
    ends: bool = Field(description="whether it takes back what its rule did before")
    before: float | str | None
    after: float | str | None
    reason: str = Field(description="of a decision")
    until: datetime | None = Field(description="until when a decision lives")
    undone: datetime | None = Field(description="when it was taken back")
    values: dict[str, float] = Field(description="what the signal was computed from")
    event_ids: list[str] = Field(description="the events that it was computed from")
    rules: str = Field(description="version of the rules; empty for a decision")

    @classmethod
    def of(cls, told: Told) -> "ChangeOut":
        """A change as it is kept."""
        kept, what = told.kept, told.what
        of_both: dict[str, Any] = {
            "n": kept.n,
            "version": kept.version,
            "author": kept.author,
            "kind": kept.kind,
            "made": kept.is_made,
            "reason": kept.reason,
            "until": moment(kept.ends) if kept.ends else None,
            "undone": None if kept.undone is None else moment(kept.undone),
        }
        if isinstance(what, Decision):
            return cls(
                **of_both, at=moment(kept.at), rule="", step_id=what.step_id, limit="", ends=False,
                before=what.before or None, after=None, values={}, event_ids=[], rules="",
            )  # fmt: skip
        return cls.of_rule(what, **of_both)

    @classmethod
    def of_rule(cls, change: Change, **more: Any) -> "ChangeOut":
        """A rule's change; `more` of it as it is kept, where it is."""
        of_itself: dict[str, Any] = {
            "n": 0, "version": 0, "author": "", "kind": change.kind, "made": change.made,
            "reason": "", "until": None, "undone": None,
        }  # fmt: skip
        return cls(
            **of_itself | more, at=moment(change.at), rule=change.rule, step_id=change.step_id,
            limit=change.limit, ends=change.ends, before=change.before, after=change.after,
            values=dict(change.values), event_ids=list(change.event_ids), rules=change.rules,
        )  # fmt: skip


class ChangesOut(BaseModel):
    """Changes of a plan, the newest first."""

    learner_id: str
    course_id: str
    changes: list[ChangeOut]


class PreviewOut(BaseModel):
    """What rules would do now; nothing of it is kept."""

    looks: list[datetime] = Field(description="that are due")
    changes: list[ChangeOut]
    steps: list[str] = Field(description="of the plan that would follow")


class ClassLearnerOut(BaseModel):
    """A learner of a class."""

    learner_id: str
    done: float = Field(description="share of the plan's steps")
    lag: float | None
    states: StatesOut
    at: str | None = Field(description="the step that the learner is at")
    last_active: datetime | None = Field(description="at the last look")
    changes: int = Field(description="that were made in 7 days")
    off: bool
    version: int


class ClassFigures(BaseModel):
    """Figures of a class."""

    done: float = Field(description="mean share of steps done")
    lagging: int
    strained: int
    stuck: int
    silent: int = Field(description="without an event in 7 days")


class ClassOut(BaseModel):
    """The learners at work on a plan in a course."""

    course_id: str
    name: str
    learners: list[ClassLearnerOut]
    figures: ClassFigures | None = Field(description="null below 5 learners")


class StuckLearnerOut(BaseModel):
    """A learner who finds a step hard."""

    learner_id: str
    step_id: str
    name: str
    name_en: str
    state: Literal["strained", "stuck"]
    since: datetime
    hours: float


class StuckConceptOut(BaseModel):
    """A concept that several find hard."""

    step_id: str
    name: str
    name_en: str
    learners: int


class StuckOut(BaseModel):
    """Who finds what hard, the longest first; and what most do."""

    course_id: str
    learners: list[StuckLearnerOut]
    concepts: list[StuckConceptOut] = Field(description="empty below 5 learners at work")


def name_of(graph: GraphSnapshot, concept_id: str) -> tuple[str, str]:
    """The Chinese and the English name of a concept; its id and "" where the graph has none."""
    at = graph.concepts.find(concept_id)
    if at < 0:
        return concept_id, ""
    return str(graph.concept_names[at]), str(graph.concept_names_en[at])


def class_of(runs: list[tuple[Run, int]], course_id: str, name: str, now: float) -> ClassOut:
    """The learners of a class, and figures where there are enough of them."""
    rows = []
    for run, changes in runs:
        seen, state = run.seen, run.state
        last = None
        if seen is not None and seen.idle is not None:
            last = seen.at - seen.idle * 86_400
        steps = [each for each in run.plan.steps if not each.optional]
        done = sum(each.step_id in run.done for each in steps)
        rows.append(
            ClassLearnerOut(
                learner_id=run.kept.learner_id,
                done=done / len(steps) if steps else 1.0,
                lag=None if seen is None or seen.lag is None else seen.lag.value,
                states=StatesOut(
                    pace=state.pace.state,
                    difficulty=state.difficulty.state,
                    ahead=state.ahead.state,
                ),
                at=None if seen is None or not seen.step_id else seen.step_id,
                last_active=None if last is None else moment(last),
                changes=changes,
                off=run.kept.is_off,
                version=run.kept.version,
            )
        )
    figures = None
    if len(rows) >= LEAST:
        week = moment(now - 7 * 86_400)
        hard = [each.states.difficulty for each in rows]
        figures = ClassFigures(
            done=sum(each.done for each in rows) / len(rows),
            lagging=sum(each.states.pace != CALM for each in rows),
            strained=hard.count("strained"),
            stuck=hard.count("stuck"),
            silent=sum(each.last_active is None or each.last_active < week for each in rows),
        )
    return ClassOut(course_id=course_id, name=name, learners=rows, figures=figures)


def stuck_of(runs: list[Run], course_id: str, graph: GraphSnapshot, now: float) -> StuckOut:
    """Who finds a step hard, and since when."""
    found = []
    counts: dict[str, int] = {}
    for run in runs:
        region = run.state.difficulty
        if region.state == CALM:
            continue
        name, english = name_of(graph, region.step_id)
        counts[region.step_id] = counts.get(region.step_id, 0) + 1
        found.append(
            StuckLearnerOut(
                learner_id=run.kept.learner_id,
                step_id=region.step_id,
                name=name,
                name_en=english,
                state="stuck" if region.state == "stuck" else "strained",
                since=moment(region.since),
                hours=max(0.0, now - region.since) / 3600,
            )
        )
    found.sort(key=lambda each: (each.state != "stuck", each.since, each.learner_id))
    concepts = []
    if len(runs) >= LEAST:
        for concept, number in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
            name, english = name_of(graph, concept)
            concepts.append(
                StuckConceptOut(step_id=concept, name=name, name_en=english, learners=number)
            )
    return StuckOut(course_id=course_id, learners=found, concepts=concepts)
