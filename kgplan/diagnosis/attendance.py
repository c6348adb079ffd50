"""Did a learner meet an item at all? What attendance explains of opened and never opened.

V-DINA reads an item that was never opened as a failure to open it, though most learners just never
came that far. Here a learner *meets* an item with a probability that the course tells, and only
who meets it responds by what is known:

    P(opened | alpha) = meets P(r = 1 | alpha),  P(not opened | alpha) = 1 - meets P(r = 1 | alpha)

with P(r = 1 | alpha) of kg-plppm, eq. (9) and (10). Given what a learner responds on average, a
zero was met with probability w = meets (1 - P) / (1 - meets P), and its log-likelihood weighs w:
a mean-field step of EM, in which whether an item was met and what is known are independent. What
was opened was met, and weighs 1.
Whether an item was opened is described by its place among the views of the learner, leaving the
item itself out: `describe`. Sizes: U learners, V items, C courses, F features.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import expit, logit

from kgplan.arrays import Array, Floats, Ints, check_axis
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.entries import only, rows_of, stored_in
from kgplan.diagnosis.logistic import Logistic, fit_logistic
from kgplan.diagnosis.predicting import Pairs, predict_by
from kgplan.diagnosis.vdina import Diagnosis, fit
from kgplan.native.attending import describe_many, odds_many
from kgplan.progress import Progress, silent

FEATURES = (
    "the item's share among who began its course",
    "views",
    "views since the last one in the course",
    "places ahead of the last one",
    "places behind it",
    "next",
    "among the next five",
    "places past the furthest, by a quarter of the views",
    "in the course watched last",
    "share of the course",
    "before the furthest",
    "place in a course not begun",
    "share that begins the course",
    "opened among three before and three after",
    "opened just before",
    "opened just after",
    "both",
)
"""What `describe` tells of an item, in its order."""

RESPONSE_RATES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_HIDDEN = 0.15  # share of the observations that attendance is fitted to, and rates are judged on
_ROUGHLY = 1e-4  # tolerance of the fits that rates are judged by, mastery as propagated
_LEARNERS = 1_000  # whose rows a rate is judged on, at most
_SOME = 0.01  # zeros that weigh less say nothing when response rates are judged,
_LEAST = 0.1  # and what is served leaves out more: many, that together say little
_FEW = 20  # hidden observations of a kind that attendance is fitted to, at least
_UNTOLD = 0.5  # response rate where they are fewer
_PULL = 5.0  # learners at the overall share that a share starts from


class Syllabus(NamedTuple):
    """What a learner of a course is expected to open, in the course's order.

    Attributes:
        start: (C + 1,) where each course begins in `item`.
        item: the items of each course, in its order.
    """

    start: Ints
    item: Ints

    def of(self, course: int) -> Ints:
        """The items of a course."""
        return self.item[self.start[course] : self.start[course + 1]]


def syllabus(course_items: sparse.csr_array, expected: sparse.csr_array) -> Syllabus:
    """Put what is expected in the order of the courses.

    Args:
        course_items: (C, V) place of the item in the course, from 1.
        expected: (C, V) stored where an item counts as not opened.

    >>> syllabus(sparse.csr_array([[3, 1, 0, 2]]), sparse.csr_array([[1, 1, 0, 1]])).of(0)
    array([1, 3, 0])
    """
    check_axis("C", course_items=course_items.shape[0], expected=expected.shape[0])
    due = expected.astype(bool).multiply(course_items).tocoo()
    order = np.lexsort((due.col, due.data, due.row))
    start = np.searchsorted(due.row[order], np.arange(expected.shape[0] + 1))
    return Syllabus(start.astype(np.int64), due.col[order].astype(np.int64))


class Popularity(NamedTuple):
    """How often items are opened, and courses begun, in log odds pulled to the middle.

    Attributes:
        item: (V,) of the learners who began a course that has the item, how many opened it.
        course: (C,) of the active learners who are enrolled, how many began it.
    """

    item: Floats
    course: Floats


def popularity(
    opened: sparse.csr_array, enrolled: sparse.csr_array, courses: Syllabus
) -> Popularity:
    """Count who began courses, and who opened their items.

    Args:
        opened: (U, V) 1 where opened.
        enrolled: (U, C) not 0 where enrolled.
        courses: what they have.
    """
    check_axis("U", opened=opened.shape[0], enrolled=enrolled.shape[0])
    member = (enrolled != 0).astype(np.float64)
    of_course = np.repeat(np.arange(courses.start.size - 1), np.diff(courses.start))
    has = sparse.csr_array(
        (np.ones(courses.item.size), (of_course, courses.item)),
        shape=(courses.start.size - 1, opened.shape[1]),
    )
    active = np.diff(opened.indptr) > 0
    begun = ((opened @ has.T) > 0).astype(np.float64).multiply(member).tocsr()
    met = (begun @ has > 0).astype(np.float64)
    return Popularity(
        _odds(opened.multiply(met).sum(axis=0), met.sum(axis=0)),
        _odds(begun.sum(axis=0), member[active].sum(axis=0)),
    )


def _odds(some: Array, of: Array) -> Floats:
    return np.asarray(logit((np.asarray(some).ravel() + 1) / (np.asarray(of).ravel() + _PULL)))


def describe(
    opened: Ints, mine: Ints, asked: Ints, courses: Syllabus, popular: Popularity
) -> Floats:
    """What the learner's views say about whether items were, or will be, opened.

    An item that is asked for counts as not opened, so the answer is not in the description.
    Of several courses of the learner's with the item, the one with most views counts; of several
    with as many, the first of `mine`.

    Args:
        opened: (n,) what the learner opened, in the order of time.
        mine: (m,) courses of the learner's.
        asked: (a,) items of these courses, ascending, none twice; none of them in `opened`.
        courses, popular: of all.

    Returns:
        (a, F), `FEATURES`.
    """
    found = np.empty((asked.size, len(FEATURES)))
    describe_many(*_one(opened, mine, asked), *courses, *popular, found)
    return found


def describe_rows(
    opened: sparse.csr_array,
    order: sparse.csr_array,
    enrolled: sparse.csr_array,
    courses: Syllabus,
    popular: Popularity,
    pairs: Pairs,
) -> Floats:
    """`describe` for many learners.

    Args:
        opened: (U, V) stored where opened.
        order: (U, V) the place of all that was opened on the learner's time line.
        enrolled: (U, C) not 0 where enrolled.
        courses, popular: of all.
        pairs: what is asked for, by learner.

    Returns:
        (P, F), in the order of the pairs.
    """
    learner, item = pairs
    by_learner = np.argsort(learner, kind="stable")
    lines = _lines(opened, order, enrolled, (learner[by_learner], item[by_learner]))
    found = np.empty((learner.size, len(FEATURES)))
    describe_many(*lines, *courses, *popular, found)
    in_order = np.empty_like(found)
    in_order[by_learner] = found
    return in_order


class _Lines(NamedTuple):
    """Learner after learner: what each opened, in the order of time; courses; what is asked for."""

    opened: Ints
    opened_start: Ints
    mine: Ints
    mine_start: Ints
    asked: Ints
    asked_start: Ints


def _one(opened: Ints, mine: Ints, asked: Ints) -> _Lines:
    lines = (each.astype(np.int64, copy=False) for each in (opened, mine, asked))
    return _Lines(*(part for line in lines for part in (line, np.array([0, line.size]))))


def _lines(
    opened: sparse.csr_array, order: sparse.csr_array, enrolled: sparse.csr_array, pairs: Pairs
) -> _Lines:
    """Arguments as for `describe_rows`; the pairs by learner."""
    placed = only(order, stored_in(order, opened))
    in_time = placed.indices[np.lexsort((placed.data, rows_of(placed)))]
    starts = np.searchsorted(pairs[0], np.arange(opened.shape[0] + 1))
    arrays = in_time, placed.indptr, enrolled.indices, enrolled.indptr, pairs[1], starts
    return _Lines(*(each.astype(np.int64) for each in arrays))


@dataclass(frozen=True)
class Attendance:
    """What is fitted to tell whether a learner met an item.

    Attributes:
        courses: what is expected of whom.
        popular: how often items are opened, and courses begun.
        opening: from `describe` to P(opened), leaving the item itself out.
        response_rate: P(opened | met) on average over what was met; at most 1.
    """

    courses: Syllabus
    popular: Popularity
    opening: Logistic
    response_rate: float

    def weight(self, opens: Floats) -> Floats:
        """(n,) P(met | not opened), from the (n,) P(opened), the item itself left out."""
        met = np.minimum(opens / self.response_rate, 0.999)
        return met * (1 - self.response_rate) / (1 - met * self.response_rate)

    def weights(self, opened: Ints, mine: Ints, asked: Ints) -> Floats:
        """(a,) how much it says that one learner did not open items; 0 for what is left out.

        Args:
            opened, mine, asked: as for `describe`.
        """
        opens = _opens(_one(opened, mine, asked), self.courses, self.popular, self.opening)
        weight = self.weight(opens)
        return np.where(weight < _LEAST, 0, weight)


def _opens(lines: _Lines, courses: Syllabus, popular: Popularity, opening: Logistic) -> Floats:
    """(a,) P(opened) of what is asked for, learner after learner."""
    return np.asarray(expit(odds_many(*lines, *courses, *popular, *opening)))


class Observed(NamedTuple):
    """Observations, and how much each says.

    Attributes:
        watched: (U, V) as for `vdina.fit`.
        weights: (U, V) stored where `watched` is.
    """

    watched: sparse.csr_array
    weights: sparse.csr_array


def observe(
    attendance: Attendance,
    watched: sparse.csr_array,
    order: sparse.csr_array,
    enrolled: sparse.csr_array,
) -> Observed:
    """Weigh what was never opened by the probability that it was met.

    Args:
        attendance: what was fitted.
        watched: (U, V) as for `vdina.fit`; what has no place on the time line was never opened.
        order, enrolled: as for `describe_rows`.

    Returns:
        All that was opened, at weight 1, and what was not and weighs something.
    """
    unopened = ~stored_in(watched, order)
    opens = _opens_unopened(
        watched, unopened, order, enrolled,
        attendance.courses, attendance.popular, attendance.opening,
    )  # fmt: skip
    return _weigh(attendance, watched, unopened, opens)


def _opens_unopened(
    watched: sparse.csr_array,
    unopened: Array,
    order: sparse.csr_array,
    enrolled: sparse.csr_array,
    courses: Syllabus,
    popular: Popularity,
    opening: Logistic,
) -> Floats:
    """(n,) P(opened) of each stored entry that was never opened, by the views of the learner."""
    pairs = rows_of(watched)[unopened], watched.indices[unopened]
    lines = _lines(only(watched, ~unopened), order, enrolled, pairs)
    return _opens(lines, courses, popular, opening)


def _weigh(
    attendance: Attendance,
    watched: sparse.csr_array,
    unopened: Array,
    opens: Floats,
    least: float = _LEAST,
) -> Observed:
    """`observe`, told P(opened) of what never was; what weighs less than the least left out."""
    weight = np.ones(watched.nnz)
    weight[unopened] = attendance.weight(opens)
    says = weight >= least
    kept = only(watched, says)
    return Observed(
        kept, sparse.csr_array((weight[says], kept.indices, kept.indptr), shape=kept.shape)
    )


@dataclass(frozen=True)
class Attended:
    """V-DINA fitted to what learners met.

    Attributes:
        attendance: tells what they met.
        diagnosis: slip, guess, prior and mastery.
        observed: what it was fitted to.
        rates: response rate -> log-loss of what was hidden under it, in nats; empty where the
            rate was given.
    """

    attendance: Attendance
    diagnosis: Diagnosis
    observed: Observed
    rates: dict[float, float]


def fit_attended(
    watched: sparse.csr_array,
    q_matrix: sparse.csr_array,
    order: sparse.csr_array,
    enrolled: sparse.csr_array,
    courses: Syllabus,
    rng: np.random.Generator,
    config: DiagnosisConfig | None = None,
    progress: Progress = silent,
    response_rate: float | None = None,
) -> Attended:
    """Fit attendance, then V-DINA to what was met.

    A share of the observations, drawn at random, is hidden; attendance is fitted to tell from the
    others whether they were opened. How often what was met is opened, that alone cannot tell: a
    video passed by was not met, or was met and not opened. What is known can: of several response
    rates the one is taken whose P(r = 1 | mastery) says most about what was hidden, beside what
    attendance says of it (log-loss of a logistic regression on the two). Rates that are too high
    lose clearly, rates that are too low little: so it is the largest that is not a standard error
    worse than the best. With too few observations to tell attendance by, what was never opened says
    nothing.

    Args:
        watched, q_matrix: as for `vdina.fit`.
        order, enrolled: as for `describe_rows`.
        courses: what is expected of whom.
        rng: draws what is hidden, and the learners on whom rates are judged.
        config: of all fits of V-DINA.
        progress: told what is being fitted.
        response_rate: in (0, 1]; None: chosen among `RESPONSE_RATES`.
    """
    learner, opened = rows_of(watched), stored_in(watched, order)
    due = np.isin(watched.indices, courses.item)  # who leaves an exercise out says nothing
    hidden = (rng.random(watched.nnz) < _HIDDEN) & due
    left, unopened = only(watched, ~hidden), ~opened[~hidden]
    pairs, happened = (learner[hidden], watched.indices[hidden]), opened[hidden]
    views = only(left, ~unopened)
    popular = popularity(views, enrolled, courses)
    described = describe_rows(views, order, enrolled, courses, popular, pairs)
    if min(np.count_nonzero(happened), np.count_nonzero(~happened)) < _FEW:
        opening, response_rate = _nobody_came(), response_rate or _UNTOLD
    else:
        opening = fit_logistic(described, happened)
    losses: dict[float, Floats] = {}
    if response_rate is None:
        some = np.sort(rng.permutation(np.unique(learner[opened]))[:_LEARNERS])
        asked = np.isin(pairs[0], some)
        of_some = np.searchsorted(some, pairs[0][asked]), pairs[1][asked]
        opens = np.clip(opening(described[asked]), 1e-6, 1 - 1e-6)
        rows, unopened = left[some], unopened[np.isin(rows_of(left), some)]
        zeros = _opens_unopened(
            rows, unopened, order[some], enrolled[some], courses, popular, opening
        )
        config = config or DiagnosisConfig()
        roughly = replace(
            config, tolerance=max(config.tolerance, _ROUGHLY), region_limit=0, cutset_limit=0
        )
        found: Diagnosis | None = None  # each rate starts from where the one before ended
        for step, rate in enumerate(RESPONSE_RATES):
            progress(f"response rate {rate}", step, len(RESPONSE_RATES))
            told = Attendance(courses, popular, opening, rate)
            seen = _weigh(told, rows, unopened, zeros, _SOME)
            found = fit(
                seen.watched, q_matrix, roughly, weights=seen.weights,
                prior=None if found is None else found.prior,
                start=None if found is None else (found.slip, found.guess),
            )  # fmt: skip
            right = predict_by(found, q_matrix, of_some)
            said = logit(np.column_stack([opens, np.clip(right, 1e-6, 1 - 1e-6)]))
            losses[rate] = _log_losses(fit_logistic(said, happened[asked])(said), happened[asked])
        response_rate = _largest_good(losses, of_some[0])
    attendance = Attendance(
        courses, popularity(only(watched, opened), enrolled, courses), opening, response_rate
    )
    seen = observe(attendance, watched, order, enrolled)
    diagnosis = fit(seen.watched, q_matrix, config, progress, weights=seen.weights)
    return Attended(
        attendance, diagnosis, seen, {rate: float(each.mean()) for rate, each in losses.items()}
    )


def _nobody_came() -> Logistic:
    """What was never opened was not met, and says nothing."""
    n = len(FEATURES)
    return Logistic(np.zeros(n), np.ones(n), np.append(-30.0, np.zeros(n)))


def _largest_good(losses: dict[float, Floats], learner: Ints) -> float:
    """The largest rate that is not a standard error worse than the best, over learners."""
    best = min(losses, key=lambda rate: losses[rate].mean())

    def is_good(rate: float) -> bool:
        worse = np.bincount(learner, losses[rate] - losses[best])
        return float(worse.sum()) <= float(np.sqrt(np.sum(worse**2)))

    return max(filter(is_good, losses))


def _log_losses(p: Floats, happened: Array) -> Floats:
    """(n,) in nats."""
    return np.asarray(-np.log(np.clip(np.where(happened, p, 1 - p), 1e-6, 1)))
