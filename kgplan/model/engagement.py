"""How likely is a learner to complete the next view, and what does that rest on?

It is completion of a video: no emotion and no attention is inferred, from anything.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kgplan.data.records import LearnerRecords
from kgplan.engagement.completion import BEFORE
from kgplan.engagement.next_view import Completion, Foreseen
from kgplan.errors import UnknownCourse
from kgplan.planning import Planner
from kgplan.planning.texts import Manner, say

if TYPE_CHECKING:
    from kgplan.engagement.completion import Watched
    from kgplan.model.current import CurrentLearners

Silence = Literal["no_model", "few_views"]
LIKELY, UNLIKELY = 0.7, 0.3  # chances from and up to which it is said so


@dataclass(frozen=True)
class Engagement:
    """What is told.

    Attributes:
        learner_id, course_id: of whom, and in which course the next view is; None: in that of the
            last view.
        item_id, title: the next video as the course goes on; None and "" where none is known.
        chance: that it is completed if it is opened now: a share of `COMPLETED` or more; None where
            that is not told.
        reason: why it is not: nothing is fitted here, or fewer than `BEFORE` views are known.
        views: how many say how much was watched.
        finished: how many of the last `BEFORE` were completed; None without a chance.
        alike: views of held-back learners that were given a chance in the same tenth.
        alike_completed: share of them that was completed; None where there is none.
        because: one plain sentence or two.
        model_version: of the planner.
    """

    learner_id: str
    course_id: str | None
    item_id: str | None
    title: str
    chance: float | None
    reason: Silence | None
    views: int
    finished: int | None
    alike: int
    alike_completed: float | None
    because: str
    model_version: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(vars(self))


def engagement_of(
    learners: "CurrentLearners | None",
    planner: Planner,
    learner_id: str,
    course_id: str | None,
    manner: Manner,
    now: float,
) -> Engagement:
    """What is told of a learner's next view, what was recorded since the fit included.

    Args:
        learners: what was recorded; None where nothing was.
        planner: holds what was fitted.
        learner_id: of whom; who is not known has no views.
        course_id: in which course the next view is; that of the last view where None.
        manner: of the sentences.
        now: when it would be opened, in seconds since 1970.

    Raises:
        UnknownCourse: no such id.
        UnknownLearner, RecordsUnavailable: as for `CurrentLearners.standing`.
    """
    if course_id is not None:
        planner.graph.courses.place(course_id, UnknownCourse)
    standing = None if learners is None else learners.standing(planner, learner_id)
    model, views, item_id = planner.completion, 0, None
    found: Foreseen | None = None
    if model is not None:
        in_records = standing is None or standing.state.learner.in_records
        with_events = None if standing is None else learners
        seen = _seen(model, with_events, planner, learner_id, in_records)
        views = int(seen.item.size)
        if views >= BEFORE:
            item = model.next_item(seen, course_id)
            item_id = str(model.item_ids[item]) if item < model.item_ids.size else None
            found = model.foresee(seen, item, now)
    reason: Silence | None = None
    if found is None:
        reason = "no_model" if model is None else "few_views"
    return Engagement(
        learner_id,
        course_id,
        item_id,
        _title(planner.records, item_id),
        None if found is None else found.chance,
        reason,
        views,
        None if found is None else found.finished,
        0 if found is None else found.alike,
        None if found is None else found.alike_completed,
        _because(manner, found, views, reason),
        planner.model_version,
    )


def _seen(
    model: Completion,
    learners: "CurrentLearners | None",
    planner: Planner,
    learner_id: str,
    in_records: bool,
) -> "Watched":
    if learners is None:
        return model.seen(learner_id, in_records, {}, {})
    live = learners.model(planner)
    events = live.named(learners.store.events(learner_id))
    began: dict[str, float] = {}
    for event in events:
        if event.item_id is not None and event.watches:
            began[event.item_id] = min(event.time, began.get(event.item_id, event.time))
    return model.seen(learner_id, in_records, began, live.evidence(events).shares)


def _title(records: LearnerRecords, item_id: str | None) -> str:
    at = -1 if item_id is None else records.items.find(item_id)
    return str(records.titles[at]) if at >= 0 else ""


def _because(manner: Manner, found: Foreseen | None, views: int, reason: Silence | None) -> str:
    if found is None:
        return say(manner, f"engaged.{reason}", views=str(views), needed=str(BEFORE))
    likely, unlikely = found.chance >= LIKELY, found.chance <= UNLIKELY
    how = "likely" if likely else "unlikely" if unlikely else "open"
    told = say(manner, f"engaged.{how}", chance=found.chance)
    what = say(manner, f"engaged.{found.ground}")
    numbers = {"finished": str(found.finished), "of": str(BEFORE), "views": str(views)}
    rests = say(manner, "engaged.rests", what=what, **numbers)
    return told + (" " if manner.language == "en" else "") + rests
