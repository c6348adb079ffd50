"""Does one arm of an experiment do better than another, as far as the learner records show?

By intention to treat: a learner counts in the arm that was drawn, whoever planned in the end. A
learner takes part from the first plan that was given, which no arm can hasten, and counts once the
days of the experiment are over since: each outcome is then what it stays, and learners come in an
order that the arms do not choose.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from kgplan.arrays import Floats
from kgplan.data.events import Event, evidence_of, named_in
from kgplan.data.records import WATCHED, LearnerRecords
from kgplan.evaluation.anytime import Bound, effect, learners_needed, ratio_mismatch
from kgplan.planning.experiment import Experiment
from kgplan.store.events.plans import KeptPlan

ALPHA = 0.05
DAY = 86_400.0
RETURN_DAYS = 1.0, 7.0
"""When an event shows that a learner came back: from one day after the first plan on."""
MOST_VIEWS = 50
FEWEST = 10  # learners of an arm under whom nothing is said
MISMATCH = 0.01  # p-value under which shares are not those of the draw


@dataclass(frozen=True)
class Outcome:
    """What is measured of each learner, in the experiment's days from the first plan on.

    Attributes:
        name, title: of it.
        most: largest value; outcomes are divided by it where intervals are made.
        of_some: whether only some learners have it, so that arms may differ in who does.
    """

    name: str
    title: str
    most: float = 1.0
    of_some: bool = False


OUTCOMES = (
    Outcome("views", f"views completed, at most {MOST_VIEWS}", MOST_VIEWS),
    Outcome("finished", "share of the course's videos and texts completed"),
    Outcome("returned", "came back between one and seven days later"),
    Outcome("scored", "mean score, of those who answered", of_some=True),
)


@dataclass(frozen=True)
class Participant:
    """A learner who takes part; who, it does not say.

    Attributes:
        arm: that was drawn, as the first plan carries it.
        since: when that plan was made, in seconds since 1970.
        switched: whether another planner than the arm's was asked for at some time.
        moved: whether a later plan carries another arm.
        outcomes: name of the outcome -> value; NaN where the learner has none. So far, where the
            days are not over.
    """

    arm: str
    since: float
    switched: bool
    moved: bool
    outcomes: Mapping[str, float]


def participant(
    plans: Sequence[KeptPlan],
    events: Iterable[Event],
    experiment: Experiment,
    records: LearnerRecords,
) -> Participant:
    """What one learner did in an experiment.

    Args:
        plans: that carry it, the oldest first; at least one.
        events: of the learner.
        experiment: as its file says.
        records: know the course's items and their lengths.
    """
    first, arms = plans[0], {arm.name: arm for arm in experiment.arms}
    drawn = {each.body["experiment"]["arm"] for each in plans}
    arm = str(first.body["experiment"]["arm"])
    planner = arms[arm].planner if arm in arms else None
    return Participant(
        arm,
        first.made,
        any(each.body["options"]["planner"] != planner for each in plans),
        len(drawn) > 1,
        outcomes(events, first.made, experiment.days, first.body["course_id"], records),
    )


def outcomes(
    events: Iterable[Event], since: float, days: float, course_id: str, records: LearnerRecords
) -> dict[str, float]:
    """Every outcome of one learner, by name.

    Args:
        events: of the learner, in any order.
        since: when the first plan was made.
        days: that are counted from then on.
        course_id: that it was for.
        records: know the course's items and their lengths.
    """
    after = [event for event in events if 0 <= event.time - since < days * DAY]
    lengths: dict[str, float] = {}
    if records.item_seconds is not None:
        seconds = zip(records.item_ids.tolist(), records.item_seconds.tolist(), strict=True)
        lengths = {item: length for item, length in seconds if length > 0}
    said = evidence_of(named_in(after, records.items, records.courses), lengths)
    watched = {item for item, share in said.shares.items() if share >= WATCHED}
    done = watched - set(records.item_ids[records.exercises].tolist())
    at = records.courses.find(course_id)
    expected: set[str] = set()
    if at >= 0:
        begin, end = records.expected.indptr[at : at + 2]
        expected = set(records.item_ids[records.expected.indices[begin:end]].tolist())
    back, late = (day * DAY for day in RETURN_DAYS)
    return {
        "views": float(min(len(done), MOST_VIEWS)),
        "finished": len(done & expected) / len(expected) if expected else math.nan,
        "returned": float(any(back <= event.time - since < late for event in after)),
        "scored": float(np.mean(list(said.scores.values()))) if said.scores else math.nan,
    }


@dataclass(frozen=True)
class ArmSeen:
    """How many learners an arm has.

    Attributes:
        name, planner: of the arm.
        share: of the learners that it should get.
        learners: who take part.
        counted: those of them whose days are over.
        switched: those of all who asked for another planner; they count in their arm all the same.
    """

    name: str
    planner: str
    share: float
    learners: int
    counted: int
    switched: int


@dataclass(frozen=True)
class Contrast:
    """One outcome of an arm, against the first arm.

    Attributes:
        outcome, title: what is measured, in its own unit.
        decides: whether it is the one that was chosen before the trial.
        of_some: whether only some learners have it, so that the draw does not make arms alike.
        arm, against: names.
        learners: with the outcome, of the arm and of the other.
        means: of both; None where there are too few learners to say.
        difference: what the arm adds; None likewise.
        low, high: that hold it at all times together with 1 - alpha; None likewise.
        told: "more", "less", "not told apart", or "too few".
        needed: learners, of both arms, after which a difference of the experiment's
            `least_effect` would be told; of the outcome that decides, else None.
    """

    outcome: str
    title: str
    decides: bool
    of_some: bool
    arm: str
    against: str
    learners: tuple[int, int]
    means: tuple[float, float] | None
    difference: float | None
    low: float | None
    high: float | None
    told: str
    needed: int | None


@dataclass(frozen=True)
class Reading:
    """What an experiment shows so far.

    Attributes:
        experiment, primary, days, least_effect: as its file says.
        read: when, in ISO 8601.
        alpha: probability that any interval of the outcome that decides is wrong at any time.
        arms: the first is what others are compared with.
        mismatch: p-value, which holds at all times, of the arms' numbers of learners.
        erased: learners who were erased since the first plan; some may have taken part.
        contrasts: each other arm's, outcome by outcome.
        notes: plain sentences on what must be known to read them.
    """

    experiment: str
    primary: str
    days: float
    least_effect: float
    read: str
    alpha: float
    arms: tuple[ArmSeen, ...]
    mismatch: float
    erased: int
    contrasts: tuple[Contrast, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON values."""
        return asdict(self)


def read_trial(
    everyone: Sequence[Participant], experiment: Experiment, now: float, erased: int = 0
) -> Reading:
    """Compare the arms.

    Args:
        everyone: who takes part.
        experiment: as its file says.
        now: seconds since 1970.
        erased: learners who were erased since the first plan.
    """
    names = [arm.name for arm in experiment.arms]
    known = [each for each in everyone if each.arm in names]
    over = [each for each in known if each.since + experiment.days * DAY <= now]
    over.sort(key=lambda each: each.since)
    seen, counted = (Counter(each.arm for each in some) for some in (known, over))
    switched = Counter(each.arm for each in known if each.switched)
    shares = experiment.shares
    arms = tuple(
        ArmSeen(
            *(arm.name, arm.planner, shares[arm.name]),
            *(seen[arm.name], counted[arm.name], switched[arm.name]),
        )
        for arm in experiment.arms
    )
    mismatch = ratio_mismatch(
        np.array([arm.learners for arm in arms]), np.array([arm.share for arm in arms])
    )
    contrasts = tuple(
        _contrast(over, experiment, outcome, arm) for arm in names[1:] for outcome in OUTCOMES
    )
    return Reading(
        experiment.name,
        experiment.primary,
        experiment.days,
        experiment.least_effect,
        datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        ALPHA,
        arms,
        mismatch,
        erased,
        contrasts,
        tuple(_notes(everyone, known, over, experiment, mismatch, erased, contrasts)),
    )


def _contrast(
    over: Sequence[Participant], experiment: Experiment, outcome: Outcome, arm: str
) -> Contrast:
    against = experiment.arms[0].name
    decides = outcome.name == experiment.primary
    pair = [each for each in over if each.arm in (arm, against)]
    pair = [each for each in pair if not math.isnan(each.outcomes[outcome.name])]
    value: Floats = np.array([each.outcomes[outcome.name] for each in pair]) / outcome.most
    in_arm = np.array([each.arm == arm for each in pair], dtype=bool)
    share = experiment.shares[arm] / (experiment.shares[arm] + experiment.shares[against])
    bound = Bound(share, ALPHA / (len(experiment.arms) - 1))
    named = (outcome.name, outcome.title, decides, outcome.of_some, arm, against)
    learners = int(in_arm.sum()), int((~in_arm).sum())
    if min(learners) < FEWEST:
        return Contrast(*named, learners, None, None, None, None, "too few", None)
    found = effect(value, in_arm, bound)
    told = "more" if found.low > 0 else "less" if found.high < 0 else "not told apart"
    needed = None
    if decides:
        needed = learners_needed(value, in_arm, bound, experiment.least_effect / outcome.most)
    without, within = (mean * outcome.most for mean in found.means)
    return Contrast(
        *named,
        learners,
        (within, without),
        found.difference * outcome.most,
        found.low * outcome.most,
        found.high * outcome.most,
        told,
        needed,
    )


def _notes(
    everyone: Sequence[Participant],
    known: Sequence[Participant],
    over: Sequence[Participant],
    experiment: Experiment,
    mismatch: float,
    erased: int,
    contrasts: Sequence[Contrast],
) -> Iterable[str]:
    """What must be known to read the contrasts, the gravest first."""
    if mismatch < MISMATCH:
        yield (
            f"The arms do not hold the learners that they should (p = {mismatch:.2g}): some went"
            " missing in one arm more than in another, and no difference can be trusted until it"
            " is known why."
        )
    strange = len(everyone) - len(known)
    moved = sum(each.moved for each in known)
    if strange or moved:
        yield (
            f"{strange + moved} learners have plans of another arm than the file gives them: it was"
            " changed while the experiment ran, and intervals do not hold."
        )
    waiting = len(known) - len(over)
    if waiting:
        yield (
            f"{waiting} learners are not counted yet: their {experiment.days:g} days are not over."
        )
    for each in contrasts:
        if not each.decides:
            continue
        if each.told == "too few":
            yield (
                f"{each.arm} and {each.against} have {each.learners[0]} and {each.learners[1]}"
                f" learners to count; under {FEWEST} in each nothing is said."
            )
        elif each.told == "not told apart" and each.needed and each.needed > sum(each.learners):
            yield (
                f"n is too small: a difference of {experiment.least_effect:g} in {each.outcome}"
                f" between {each.arm} and {each.against} would be told after about"
                f" {each.needed:,} learners, and there are {sum(each.learners):,}."
            )
        elif each.told == "not told apart":
            yield (
                f"A difference of {experiment.least_effect:g} in {each.outcome} between {each.arm}"
                f" and {each.against} would have been told by now; the interval says how small"
                " it is."
            )
    if erased:
        yield (
            f"{erased} learners were erased since the experiment began; how many of them took part,"
            " and in which arm, nobody can know any more."
        )
    yield (
        f"{experiment.primary} decides, as was chosen before; other outcomes only suggest, as each"
        " is another chance to be wrong."
    )
