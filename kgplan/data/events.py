"""What do events say about a learner: how much of which video was watched, how well was answered?

The state is a function of the set of events: order and repeats leave no trace.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from unicodedata import category

Segments = tuple[tuple[float, float], ...]


class Event(NamedTuple):
    """One thing that a learner was seen to do.

    Attributes:
        event_id: names it; the same id is the same event.
        learner_id: who.
        time: when, in seconds since 1970.
        item_id: what was watched or answered; None where the event is on no video.
        course_id: the course that it happened in; None where that is not told.
        share: of the video that was watched, in [0, 1].
        segments: (from, to) positions played, in seconds, in any order, overlapping or not.
        length: of the video, in seconds.
        score: of an answer, in [0, 1].
        enrols: whether the learner enrolled in the course.
        voids: id of an event that never counted.
        stopped_at: position up to which the video had played, if it was playing, in seconds.
        started_at: position from which it plays on, in seconds.
        session: names the run of the player that both positions belong to; None where not told.
        aliases, course_aliases: what else the video or the course may be called; the first that
            the data know counts where they do not know `item_id` or `course_id` itself.
    """

    event_id: str
    learner_id: str
    time: float
    item_id: str | None = None
    course_id: str | None = None
    share: float | None = None
    segments: Segments = ()
    length: float | None = None
    score: float | None = None
    enrols: bool = False
    voids: str | None = None
    stopped_at: float | None = None
    started_at: float | None = None
    session: str | None = None
    aliases: tuple[str, ...] = ()
    course_aliases: tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether it tells where the player was."""
        return self.stopped_at is not None or self.started_at is not None

    @property
    def watches(self) -> bool:
        """Whether it can say, by itself or with others, how much was watched."""
        return self.share is not None or bool(self.segments) or self.moves

    @property
    def tells(self) -> bool:
        """Whether it can say anything about mastery, by itself or with others."""
        on_video = self.item_id is not None and (self.watches or self.score is not None)
        return on_video or self.voids is not None or (self.enrols and self.course_id is not None)


@dataclass(frozen=True)
class Evidence:
    """What a learner's events say together.

    Attributes:
        shares: video -> share watched, the largest that is told or that segments sum to.
        scores: video -> best score of the answers to it.
        courses: courses that an event happened in, or that the learner enrolled in.
        enrolled: those of them that the learner enrolled in.
        elsewhere: videos watched in no course that was told.
        seen_at: video -> when it was last watched or answered, in seconds since 1970.
        answers: item and score of every answer, in the order of time.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    courses: frozenset[str] = frozenset()
    enrolled: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    seen_at: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[tuple[str, float], ...] = ()


ID_LENGTH = 500
"""Most characters of an id: databases limit what an index holds."""
ID_RULE = f"give 1 to {ID_LENGTH} characters, no control character and no half of one"
_UNUSABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, half characters, ends of lines


def usable_id(text: str) -> bool:
    """Whether a database can keep this as an id: text, without control characters, not too long.

    The one rule for all ids, whoever sends them: databases refuse some of these characters, and
    NumPy takes an id with NULs behind it for the id without.

    >>> usable_id("V_1"), usable_id(""), usable_id("a\\0b"), usable_id("x" * 501)
    (True, False, False, False)
    >>> usable_id("\\u6808\\u3000\\u4e8c"), usable_id("a\\n"), usable_id("\\ud800")
    (True, False, False)
    """
    return text.strip() != "" and len(text) <= ID_LENGTH and has_usable_characters(text)


def has_usable_characters(text: str) -> bool:
    """Whether no character of a text is one that ids may not have."""
    return text.isprintable() or all(category(each) not in _UNUSABLE for each in text)


def played_seconds(segments: Iterable[tuple[float, float]]) -> float:
    """Seconds of a video that were played at least once: the length of the segments' union.

    >>> played_seconds([(20, 35), (0, 12.5), (10, 15)])
    30.0
    """
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(segments):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def played_between(events: Iterable[Event]) -> Segments:
    """The segments that one run of a player was seen to play, from where it started and stopped.

    A position counts up to the next one that is told: from where the video was played, or from
    where a seek led, up to where it was paused, left, ended or a seek began. What has no other
    end, or no beginning, says nothing.

    Args:
        events: of one video and one session, in any order.

    >>> played_between([Event("a", "u", 1.0, started_at=0.0), Event("b", "u", 9.0, stopped_at=8.0)])
    ((0.0, 8.0),)
    """
    found = []
    since: float | None = None

    def moment(event: Event) -> tuple[float, float, float, str]:
        first = event.started_at if event.stopped_at is None else event.stopped_at
        return event.time, first or 0.0, event.started_at or 0.0, event.event_id

    for event in sorted((e for e in events if e.moves), key=moment):
        stopped, started = event.stopped_at, event.started_at
        if since is not None and stopped is not None and stopped > since:
            found.append((since, stopped))
        passed_by = stopped is not None and stopped == started
        if not passed_by or since is not None:  # what is told in passing starts nothing
            since = started
    return tuple(found)


def known_name(name: str, others: Iterable[str], known: Container[str]) -> str:
    """The first of a thing's names that the data know; the first of all where they know none.

    >>> known_name("block-v1:X+type@video+block@7f", ["V_7f"], {"V_7f"})
    'V_7f'
    """
    return name if name in known else next((each for each in others if each in known), name)


def named_in(
    events: Iterable[Event], videos: Container[str] = (), courses: Container[str] = ()
) -> list[Event]:
    """Events by the names that the data have for their videos and courses.

    Args:
        events: as they were sent.
        videos, courses: ids that the data know.
    """
    found = []
    for event in events:
        video, course = event.item_id, event.course_id
        if video is not None and event.aliases:
            video = known_name(video, event.aliases, videos)
        if course is not None and event.course_aliases:
            course = known_name(course, event.course_aliases, courses)
        same = video == event.item_id and course == event.course_id
        found.append(event if same else event._replace(item_id=video, course_id=course))
    return found


def evidence_of(events: Iterable[Event], lengths: Mapping[str, float] | None = None) -> Evidence:
    """Sum up one learner's events (spec section 3: the union of watched segments over the length).

    Args:
        events: those that count, in any order; segments of one video are joined over all of them.
        lengths: video -> seconds, for videos whose events do not tell it. Of several lengths told
            the largest counts; segments of a video without any say nothing. Where a session tells
            no segments, they are those between its positions (`played_between`).

    >>> halves = [Event(x, "u", 0.0, "v", segments=((t, t + 50),), length=100)
    ...           for x, t in (("e1", 0.0), ("e2", 25.0))]
    >>> evidence_of(halves).shares
    {'v': 0.75}
    """
    shares: dict[str, float] = {}
    scores: dict[str, float] = {}
    segments: dict[str, set[tuple[float, float]]] = {}
    runs: dict[tuple[str, str | None], list[Event]] = {}
    told: dict[str, float] = {}
    seen_at: dict[str, float] = {}
    courses, enrolled, placed = set(), set(), set()
    answers: set[tuple[float, str, str, float]] = set()
    for event in events:
        if event.course_id is not None:
            courses.add(event.course_id)
            if event.enrols:
                enrolled.add(event.course_id)
        video = event.item_id
        if video is None:
            continue
        if event.length is not None:
            told[video] = max(event.length, told.get(video, 0.0))
        if event.watches or event.score is not None:
            seen_at[video] = max(event.time, seen_at.get(video, event.time))
        if event.score is not None:
            scores[video] = max(event.score, scores.get(video, 0.0))
            answers.add((event.time, event.event_id, video, event.score))
        if event.share is not None:
            shares[video] = max(event.share, shares.get(video, 0.0))
        if event.segments:
            segments.setdefault(video, set()).update(event.segments)
        if event.segments or event.moves:
            runs.setdefault((video, event.session), []).append(event)
        if event.course_id is not None and event.watches:
            placed.add(video)
    for (video, _), run in runs.items():
        length = told.get(video) or (lengths or {}).get(video)
        if length and not any(event.segments for event in run):
            paired = [(a, min(b, length)) for a, b in played_between(run) if a < length]
            segments.setdefault(video, set()).update(paired)
    for video, played in segments.items():
        length = told.get(video) or (lengths or {}).get(video)
        if length and played:
            share = min(1.0, played_seconds(played) / length)
            shares[video] = max(share, shares.get(video, 0.0))
    return Evidence(
        dict(sorted(shares.items())),
        dict(sorted(scores.items())),
        frozenset(courses),
        frozenset(enrolled),
        frozenset(shares.keys() - placed),
        dict(sorted(seen_at.items())),
        tuple((video, score) for _, _, video, score in sorted(answers)),
    )
