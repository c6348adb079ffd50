"""Which learners are cut, what do they open behind the cut, and what else could it have been?

Sizes: n cases, V items, T targets.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.coldstart.features import Histories, Rows
from kgplan.data.records import LearnerRecords
from kgplan.errors import InputError

FEWEST = 15  # rows of a learner who is scored
TARGETS = slice(10, 20)
"""Rows that are to be named, the same after every cut, so that only evidence differs."""


@dataclass(frozen=True)
class Case:
    """A learner whose rows are cut.

    Attributes:
        learner: by position.
        targets: (T,) items that were opened in rows 11 to 20, ascending.
        others: items of all the learner's courses that were never opened, ascending.
        rows: all that the learner opened.
    """

    learner: int
    targets: Ints
    others: Ints
    rows: Ints

    @property
    def candidates(self) -> Ints:
        """Targets, then the others."""
        return np.concatenate([self.targets, self.others])

    @property
    def opened(self) -> Floats:
        """1.0 for targets, along `candidates`."""
        return np.repeat([1.0, 0.0], [self.targets.size, self.others.size])


def cases_of(histories: Histories, records: LearnerRecords, learners: Ints) -> list[Case]:
    """Those of the learners who have `FEWEST` rows or more, and a choice.

    Raises:
        InputError: nobody has.
    """
    shows = records.course_items
    found = []
    for u in learners[histories.sizes[learners] >= FEWEST].tolist():
        rows = histories.all_of(u)
        enrolled = records.enrolled.indices[slice(*records.enrolled.indptr[u : u + 2].tolist())]
        courses = np.union1d(enrolled, histories.courses_of(rows)).tolist()
        shown = [shows.indices[slice(*shows.indptr[c : c + 2].tolist())] for c in courses]
        others = np.setdiff1d(np.concatenate(shown), rows) if shown else rows[:0]
        if others.size:
            found.append(Case(u, np.sort(rows[TARGETS]), others.astype(np.int64), rows))
    if not found:
        raise InputError(
            f"none of {learners.size} learners has {FEWEST} rows and courses with something left;"
            " give records with more views"
        )
    return found


def seen_of(histories: Histories, cases: list[Case], n: int) -> list[Rows]:
    """What is known of the learner of each case after n rows."""
    return [histories.cut(case.learner, n) for case in cases]


def auc(scores: Floats, opened: Floats) -> float:
    """How often what was opened scores above what was not; half where they are alike.

    >>> auc(np.array([3.0, 1.0, 2.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    0.625
    """
    from scipy.stats import rankdata

    some = int(opened.sum())
    ranks = rankdata(scores)[opened > 0].sum()
    return float((ranks - some * (some + 1) / 2) / (some * (opened.size - some)))


def first_places(scores: Floats, opened: Floats) -> tuple[float, float, float]:
    """1 over the place of the first that was opened; NDCG and recall of the first ten.

    Places go by score, then in the order given.

    >>> [round(x, 3) for x in first_places(np.array([1.0, 3.0, 2.0]), np.array([1.0, 0.0, 1.0]))]
    [0.5, 0.693, 1.0]
    """
    hits = opened[np.argsort(-scores, kind="stable")]
    discount = 1 / np.log2(2 + np.arange(10))
    best = discount[: min(10, int(opened.sum()))].sum()
    gain = hits[:10] @ discount[: hits[:10].size]
    return (
        1 / (1 + float(np.argmax(hits))),
        float(gain / best),
        float(hits[:10].sum() / opened.sum()),
    )
