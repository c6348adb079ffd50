"""What did a learner do with each item, by the records and since?"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats
from kgplan.data.records import WATCHED, LearnerRecords
from kgplan.planning.learner import CurrentLearner

EARLIER = 1e12  # seconds, that any place in an order lies before any event


@dataclass(frozen=True)
class Done:
    """What was watched, read and answered, on the V items of the records.

    Attributes:
        shares: (V,) the largest share watched or read; NaN where it was never opened.
        scores: (V,) best score of the answers to it; NaN where there are none.
        seen_at: (V,) when it was last seen or answered, in any unit; -inf for never.
    """

    shares: Floats
    scores: Floats
    seen_at: Floats

    @property
    def opened(self) -> Array:
        """(V,) True for what was watched or read, however little, or answered, however badly."""
        opened: Array = ~(np.isnan(self.shares) & np.isnan(self.scores))
        return opened

    @property
    def through(self) -> Array:
        """(V,) True for what was watched, read or answered to `WATCHED`."""
        through: Array = (self.shares >= WATCHED) | (self.scores >= WATCHED)  # NaN is neither
        return through


def done_by(records: LearnerRecords, learner_id: str, current: CurrentLearner | None) -> Done:
    """What a learner did.

    Args:
        records: before the fit.
        learner_id: whose; the records may not know them.
        current: what is known since; it says whether the records' row counts.
    """
    n = records.item_ids.size
    done = Done(np.full(n, np.nan), np.full(n, np.nan), np.full(n, -np.inf))
    counts = current is None or current.in_records
    row = records.learners.find(learner_id) if counts else -1
    if row >= 0:
        for matrix, order, values in (
            (records.viewed, records.viewed_order, done.shares),
            (records.answered, records.answered_order, done.scores),
        ):
            if matrix is None:
                continue
            stored = slice(*matrix.indptr[row : row + 2].tolist())
            items = matrix.indices[stored]
            values[items] = matrix.data[stored]
            if order is not None:  # before all events
                done.seen_at[items] = order[stored] - EARLIER
    if current is not None:
        for values, told in (
            (done.shares, current.shares),
            (done.scores, current.scores),
            (done.seen_at, current.seen_at),
        ):
            for item, value in told.items():
                at = records.items.find(item)
                if at >= 0:
                    values[at] = np.fmax(values[at], value)
    return done
