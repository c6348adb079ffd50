"""Whose plans can be replayed, and with which events? From the tables in use, or a file's events.

A plan is here what a learner gets of whom nothing is known: a course in its own order, a step a
video or text, with the exercises behind it as what tells of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from kgplan.adjusting import Other, RunningPlan, RunningStep
from kgplan.data.events import Event
from kgplan.data.records import EXERCISE
from kgplan.errors import ArtifactMissing, InputError
from kgplan.evaluation.adjusting import Followed
from kgplan.store.artifacts import Artifact, ArtifactStore

WEEKLY = 60.0
"""Minutes a week, where nobody said what is wanted."""
USUAL_MINUTES = 8.0  # of an item, where no length is known at all


@dataclass(frozen=True)
class Courses:
    """What courses show.

    Attributes:
        items: course -> its items, in order.
        exercises: items that are answered.
        seconds: item -> how long it takes.
        concepts: item -> what it covers.
    """

    items: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exercises: frozenset[str] = frozenset()
    seconds: Mapping[str, float] = field(default_factory=dict)
    concepts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def plan(self, course_id: str, seen: Sequence[str], since: float, weekly: float) -> RunningPlan:
        """A course as a plan; where it is not known, what was seen, in that order.

        Args:
            course_id: of the course.
            seen: items that the learner met, in the order of the first time.
            since: when the learner began, in seconds since 1970.
            weekly: minutes a week that are wanted.
        """
        known = self.items.get(course_id, ())
        missing = [item for item in seen if item not in set(known)]
        minutes = [self.seconds[i] / 60 for i in known if i in self.seconds]
        usual = sum(minutes) / len(minutes) if minutes else USUAL_MINUTES
        steps: list[RunningStep] = []
        asks: list[list[str]] = []
        for item in [*known, *missing]:
            if item in self.exercises and steps:
                asks[-1].append(item)
            else:
                length = self.seconds.get(item, usual * 60) / 60
                steps.append(RunningStep(item, (item,), length, others=self._others(item)))
                asks.append([])
        found = tuple(
            RunningStep(s.step_id, s.items, s.minutes, asks=tuple(a), others=s.others)
            for s, a in zip(steps, asks, strict=True)
        )
        goal = frozenset([found[-1].step_id]) if found else frozenset[str]()
        return RunningPlan(found, goal, since, weekly)

    def _others(self, item: str) -> tuple[Other, ...]:
        """Other items that cover all that an item does."""
        own = self.concepts.get(item)
        if not own:
            return ()
        return tuple(
            Other(other, len(covers))
            for other, covers in self.concepts.items()
            if other != item and own <= covers and other not in self.exercises
        )


def tables_in_use(artifacts: ArtifactStore) -> Artifact:
    """The tables that the model in use was made from.

    Raises:
        InputError: the model came without tables.
    """
    try:
        return artifacts.current("tables")
    except ArtifactMissing:
        raise InputError(
            "the model in use came without tables, which alone have the times of views; run"
            " `kgplan etl run FILE`, or give a file of events"
        ) from None


def courses_of(tables: Artifact) -> Courses:
    """What courses show, by the tables."""
    items = defaultdict(list)
    for row in _rows(tables, "course_item", "course_id", "item_id", "position"):
        items[row[0]].append((row[2], row[1]))
    about = list(_rows(tables, "item", "item_id", "kind", "duration"))
    covers = defaultdict(set)
    for item, concept in _rows(tables, "item_concept", "item_id", "concept_id"):
        covers[item].add(concept)
    return Courses(
        {course: [item for _, item in sorted(of)] for course, of in sorted(items.items())},
        frozenset(item for item, kind, _ in about if kind == EXERCISE),
        {item: seconds for item, _, seconds in about if seconds},
        {item: frozenset(of) for item, of in sorted(covers.items())},
    )


def events_of(tables: Artifact) -> Iterator[Event]:
    """The timed views and answers of the tables.

    A view is told when it begins and when it ends: before its end nobody knows how much of it will
    be watched. How much was played is told as so many passes over the video.
    """
    names = (
        "learner_id", "course_id", "item_id", "video_duration", "video_progress_time",
        "started_at", "ended_at",
    )  # fmt: skip
    for learner, course, item, length, played, begin, end in _rows(tables, "watch", *names):
        if begin is None or end is None or length is None or played is None:
            continue
        first, last = _seconds(begin), _seconds(end)
        name = f"{learner} {course} {item} {first:.0f}"
        yield Event(f"{name} begin", learner, first, item, course, started_at=0.0, session=name)
        yield Event(
            f"{name} end", learner, last, item, course,
            segments=passes(played, length), length=length, session=name,
        )  # fmt: skip
    shown_in: dict[str, str] = {}
    for course, item in _rows(tables, "course_item", "course_id", "item_id"):
        shown_in.setdefault(item, course)
    answers = _rows(tables, "answer", "learner_id", "item_id", "position", "score", "answered_at")
    for learner, item, position, score, when in answers:
        if when is not None:
            name, course = f"{learner} answer {position}", shown_in.get(item, "")
            yield Event(name, learner, _seconds(when), item, course or None, score=score)


def passes(played: float, length: float) -> tuple[tuple[float, float], ...]:
    """So many seconds of a video, from its beginning, again and again.

    >>> passes(250.0, 100.0)
    ((0.0, 100.0), (0.0, 100.0), (0.0, 50.0))
    """
    whole, rest = divmod(played, length)
    found = ((0.0, float(length)),) * min(int(whole), 50)
    return (*found, (0.0, float(rest))) if rest > 0 else found


def histories(
    events: Iterable[Event], courses: Courses, weekly: float = WEEKLY, most: int | None = None
) -> list[Followed]:
    """Each learner's plan of each course, with the events that are of it.

    An event without course is of the first course that shows its item.

    Args:
        events: of any learners.
        courses: what they show.
        weekly: minutes a week that are wanted of everybody.
        most: learners, those with most events; all where None.
    """
    of: dict[str, str] = {}
    for course, items in courses.items.items():
        for item in items:
            of.setdefault(item, course)
    found: dict[str, dict[str, list[Event]]] = {}
    for event in events:
        if event.item_id is not None:
            course = event.course_id or of.get(event.item_id, "")
            found.setdefault(event.learner_id, {}).setdefault(course, []).append(event)
    learners = sorted(found, key=lambda name: (-sum(map(len, found[name].values())), name))
    done = []
    for learner in sorted(learners[:most]):
        for course, own in sorted(found[learner].items()):
            own.sort(key=lambda event: (event.time, event.event_id))
            seen = list(dict.fromkeys(str(event.item_id) for event in own))
            plan = courses.plan(course, seen, own[0].time, weekly)
            done.append(Followed(learner, plan, tuple(own)))
    return done


def _seconds(moment: Any) -> float:
    """A moment of the tables, whose zone is the source's, in seconds."""
    return float((moment - moment.__class__(1970, 1, 1)).total_seconds())


def _rows(tables: Artifact, name: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    table = pq.read_table(tables.path / f"{name}.parquet", columns=list(columns))
    yield from zip(*(table[column].to_pylist() for column in columns), strict=True)
