"""What did a learner do with each item, by the records and since?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import WATCHED, LearnerRecords

EARLIER = 1e12  # seconds, that any place in an order lies before any event


@dataclass(frozen=True)
class Done:
    """What was watched, read and answered, on the V items of the records.

    Attributes:
        shares: (V,) the largest share watched or read; NaN where it was never opened.
        scores: (V,) best score of the answers to it; NaN where there are none.
        seen_at: (V,) when it was last seen or answered, in any unit; -inf for never.
        answered: (A,) the item of every answer, in the order of time,
        answers: (A,) and its score.
    """

    shares: Floats
    scores: Floats
    seen_at: Floats
    answered: Ints
    answers: Floats

    @property
    def opened(self) -> Array:
        """(V,) True for what was watched or read, however little, or answered, however badly."""
        opened: Array = ~(np.isnan(self.shares) & np.isnan(self.scores))
        return opened

    @property
    def in_time(self) -> Ints:
        """Positions of what was opened, what was seen first at the head."""
        return in_time(self.opened, self.seen_at)

    @property
    def through(self) -> Array:
        """(V,) True for what was watched, read or answered to `WATCHED`."""
        through: Array = (self.shares >= WATCHED) | (self.scores >= WATCHED)  # NaN is neither
        return through


def in_time(opened: Array, seen_at: Floats) -> Ints:
    """Positions of what was opened, what was seen first at the head.

    Args:
        opened: (V,) True for what was.
        seen_at: (V,) when, in any unit; those of one moment stand in their order.
    """
    at = np.flatnonzero(opened)
    return at[np.argsort(seen_at[at], kind="stable")]


class Told(Protocol):
    """What events say of items, by id: shares, best scores, and when each was last seen."""

    @property
    def shares(self) -> Mapping[str, float]:
        """Item -> share watched."""
        ...

    @property
    def scores(self) -> Mapping[str, float]:
        """Item -> best score."""
        ...

    @property
    def seen_at(self) -> Mapping[str, float]:
        """Item -> seconds since 1970."""
        ...

    @property
    def answers(self) -> tuple[tuple[str, float], ...]:
        """Item and score of every answer, in the order of time."""
        ...


def done_by(
    records: LearnerRecords, learner_id: str, told: Told | None, in_records: bool = True
) -> Done:
    """What a learner did.

    Args:
        records: before the fit.
        learner_id: whose; the records may not know them.
        told: since then; None where nothing is.
        in_records: whether the records' row of the learner counts.
    """
    n = records.item_ids.size
    row = records.learners.find(learner_id) if in_records else -1
    answered, answers = records.answers_of(row)
    if told is not None and told.answers:
        items = np.array([records.items.find(item) for item, _ in told.answers])
        scores = np.array([each for _, each in told.answers])
        answered = np.append(answered, items[items >= 0])
        answers = np.append(answers, scores[items >= 0])
    done = Done(np.full(n, np.nan), np.full(n, np.nan), np.full(n, -np.inf), answered, answers)
    if row >= 0:
        for matrix, order, values in (
            (records.viewed, records.viewed_order, done.shares),
            (records.answered, records.answered_order, done.scores),
        ):
            if matrix is None:
                continue
            stored = slice(*matrix.indptr[row : row + 2].tolist())
            seen = matrix.indices[stored]
            values[seen] = matrix.data[stored]
            if order is not None:  # before all events
                done.seen_at[seen] = np.maximum(done.seen_at[seen], order[stored] - EARLIER)
    if told is not None:
        for values, said in (
            (done.shares, told.shares),
            (done.scores, told.scores),
            (done.seen_at, told.seen_at),
        ):
            for item, value in said.items():
                at = records.items.find(item)
                if at >= 0:
                    values[at] = np.fmax(values[at], value)
    return done
