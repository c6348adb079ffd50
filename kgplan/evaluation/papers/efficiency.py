"""What does a recommended path bring in the time that the original one took? Eqs. (14) to (16).

A learner's original path is the order in which the views of a course met its concepts. Its first k
percent are learned; the minutes that learning its rest takes go to the recommended path instead.
Compared is the mastery of the course's concepts, summed, under V-DINA at fixed slip and guess.
Sizes: N learners, V items, K concepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ints, stored_in
from kgplan.evaluation.papers.paths import Asked, path_of
from kgplan.evaluation.papers.study import Enrolment, Path, State, Study


@dataclass(frozen=True)
class Cut:
    """A learner whose original path is cut.

    Attributes:
        state: where the first part has led.
        rest: what the learner went on with.
        end: (V,) what is observed where that is learned too.
        minutes: that it takes.
    """

    state: State
    rest: Path
    end: Floats
    minutes: float


def original_path(study: Study, of: Enrolment) -> Path:
    """The course's concepts in the order in which the learner's views met them.

    Concepts of one video follow in the order of their ids.

    Raises:
        InputError: the records do not tell in which order learners watched.
    """
    viewed, order = study.records.viewed, study.records.places_of_views
    stored = slice(*viewed.indptr[of.learner : of.learner + 2].tolist())
    in_time = np.argsort(order[stored], kind="stable")
    items, shares = viewed.indices[stored][in_time], viewed.data[stored][in_time]
    items = items[(shares > 0) & np.isin(items, study.course_videos(of.course))]
    asked = study.asked(of.course)
    first: dict[int, int] = {}
    for item in items.tolist():
        for concept in np.sort(stored_in(study.ground.covers, item)).tolist():
            first.setdefault(concept, item)
    met = [concept for concept in first if concept in set(asked.tolist())]
    return Path(np.array(met, dtype=np.int64), [(first[concept],) for concept in met])


def cut(study: Study, of: Enrolment, k: float, own_videos: bool) -> Cut:
    """Learn the first k percent of the original path, and see what the rest takes.

    Args:
        study: what is known.
        of: who, in which course.
        k: percent; concepts are rounded down.
        own_videos: whether a concept of the original path is learned by the video that the learner
            met it in; else by the least watched one, as on any other path.
    """
    path = original_path(study, of)
    n = int(path.concepts.size * k // 100)
    videos = path.videos if own_videos else None
    head = Path(path.concepts[:n], None if videos is None else videos[:n])
    rest = Path(path.concepts[n:], None if videos is None else videos[n:])
    shares = study.shares_now(of.learner)
    shares[study.course_videos(of.course)] = 0.0
    seen_at = study.seen_now(of.learner)
    seen_at[study.course_videos(of.course)] = -np.inf
    begun = study.watch(shares, of.course, head)
    later = seen_at.max(initial=0, where=np.isfinite(seen_at)) + 1
    seen_at[np.array(begun.opened, dtype=np.int64)] = later + np.arange(len(begun.opened))
    gone_on = study.watch(begun.shares, of.course, rest)
    return Cut(study.state(of, begun.shares, seen_at), rest, gone_on.shares, gone_on.minutes)


def recommended(
    study: Study, cuts: Sequence[Cut], method: str, asked: Asked, timeless: bool = False
) -> dict[str, Floats]:
    """What a method's path brings each learner in the time of the original rest.

    Args:
        study: what is known.
        cuts: of each of N learners.
        method: name of it, of `paths.METHODS`.
        asked: what paths are asked for with, but for the minutes.
        timeless: whether a path is followed to its end, however long it takes.

    Returns:
        (N,) each: `recommended`, the summed mastery of the course's concepts; `recommended_touched`
        the same where a concept counts 0 that nothing covers which was opened; `used`, the share
        of the minutes; `without`, steps that no video teaches.
    """
    ends, used, without = [], [], []
    for each in cuts:
        of = each.state.of
        path = path_of(method, study, each.state, asked.for_minutes(each.minutes))
        budget = np.inf if timeless else each.minutes
        done = study.watch(each.state.shares, of.course, path, budget)
        ends.append(done.shares)
        used.append(done.minutes / each.minutes if each.minutes else 1.0)
        without.append(done.without)
    summed, touched = sums(study, [each.state.of.course for each in cuts], ends)
    return {
        "recommended": summed,
        "recommended_touched": touched,
        "used": np.array(used, dtype=float),
        "without": np.array(without, dtype=float),
    }


def before_and_original(study: Study, cuts: Sequence[Cut]) -> dict[str, Floats]:
    """The same sums at the cut (`state`) and along the original path (`original`), (N,) each."""
    courses, found = [each.state.of.course for each in cuts], {}
    for name, ends in (
        ("state", [each.state.shares for each in cuts]),
        ("original", [each.end for each in cuts]),
    ):
        found[name], found[f"{name}_touched"] = sums(study, courses, ends)
    return found | {"minutes": np.array([each.minutes for each in cuts], dtype=float)}


def sums(study: Study, courses: Sequence[int], ends: Sequence[Floats]) -> tuple[Floats, Floats]:
    """(N,) mastery summed over the concepts of a course, and over those that were touched."""
    mastery = study.masteries(ends)
    whole, touched = np.zeros((2, len(ends)))
    for n, (course, shares) in enumerate(zip(courses, ends, strict=True)):
        asked: Ints = study.asked(course)
        whole[n] = mastery[n, asked].sum()
        touched[n] = mastery[n, asked][study.touched(shares)[asked]].sum()
    return whole, touched
