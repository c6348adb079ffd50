"""Who predicts held-back views best: V-DINA, or methods that know no concepts?

Every method sees the same observations and is asked for the same pairs. What needs a validation
slice (logistic regression, recalibration) gets one from the observations themselves: they are
split once more in the same way, methods are fitted to what is left and asked for the slice.
Learners leave: whatever is fitted to one slice expects more views of the next than there are, from
slice to slice by about as much. How much, the slice before the validation slice tells: what is
fitted to it is asked for the validation slice, and a rising line in log odds (Platt 1999) from its
answers to what happened there corrects the answers for the held-back pairs.
Sizes: U learners, V videos, K concepts, C courses, P held-back pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.attendance import Syllabus, describe_rows, fit_attended, syllabus
from kgplan.diagnosis.attendance import popularity as popularity_of
from kgplan.diagnosis.config import LearnerModelConfig
from kgplan.diagnosis.logistic import fit_logistic
from kgplan.diagnosis.predicting import Pairs, predict_by
from kgplan.diagnosis.vdina import fit
from kgplan.evaluation.calibration import (
    HeldBack,
    hold_back,
    isotonic,
    log_odds,
    platt,
    rising,
)
from kgplan.evaluation.prediction import (
    item_cf,
    item_mean,
    learner_mean,
    place_features,
    place_in_course,
    popularity,
    simple_features,
)

BASELINE, VDINA, VARIANT = "baseline", "V-DINA", "variant of V-DINA"
ATTENDED = "attended V-DINA"
SERVED = "attended"
"""The method whose model gives the mastery that plans and answers read."""

_FEW = (
    20  # pairs of a kind in the slice before the validation slice, that it is fitted to, at least
)

Said = Callable[[str], None]


@dataclass(frozen=True)
class Method:
    """One way to predict, in words.

    Attributes:
        name: of its predictions.
        kind: BASELINE, VDINA, VARIANT or ATTENDED.
        says: what it does.
    """

    name: str
    kind: str
    says: str


METHODS = (
    Method("popularity", BASELINE, "share of the learners with a view who opened the video"),
    Method("item mean", BASELINE, "share of the video's observations that are views, pulled by 5"),
    Method("learner mean", BASELINE, "the same share of the learner's observations"),
    Method("item-based CF", BASELINE, "the learner's observations, weighted by cosine of videos"),
    Method("logistic regression", BASELINE, "both means, counts, and the share of the course"),
    Method("logistic regression, place", BASELINE, "and the place after the last one watched"),
    Method("V-DINA", VDINA, "as it was published, fitted to all learners"),
    Method("V-DINA, Platt", VARIANT, "recalibrated by a line in log odds"),
    Method("V-DINA, isotonic", VARIANT, "recalibrated by a rising step function"),
    Method("attendance alone", BASELINE, "what the learner's views and the course's order say"),
    Method("attended, mastery alone", ATTENDED, "V-DINA fitted to what learners met"),
    Method(
        "attended, not corrected", ATTENDED, "both: attendance, and the mastery of what was met"
    ),
    Method("attended", ATTENDED, "the same, corrected by how much it expected too much before"),
)
"""Every method, simplest first."""


def contest(
    records: LearnerRecords,
    order: sparse.csr_array,
    held: HeldBack,
    rng: np.random.Generator,
    config: LearnerModelConfig | None = None,
    said: Said = lambda what: None,
    share: float = 0.2,
    least_views: int = 5,
) -> dict[str, Floats]:
    """Let every method predict the held-back pairs.

    Args:
        records: who is enrolled where, courses' videos, Q-matrix.
        order: (U, V) places of views on the learners' time lines.
        held: the split.
        rng: draws the zeros of the validation slice.
        config: of every fit of V-DINA; None: the defaults.
        said: told what is being fitted.
        share, least_views: of the validation slice, as for `hold_back`.

    Returns:
        Name -> (P,) P(opened), in the order of METHODS.
    """
    config = config or LearnerModelConfig()
    inner = hold_back(held.watched, order, rng, share, least_views)
    then = _Sides(records, order, inner, config, said, "validation slice: ")
    now = _Sides(records, order, held, config, said, "")
    found = {
        "popularity": popularity(now.so_far, now.pairs),
        "item mean": item_mean(now.so_far, now.pairs),
        "learner mean": learner_mean(now.so_far, now.pairs),
        "item-based CF": item_cf(now.so_far, now.pairs),
    }
    y = inner.opened
    simple = np.hstack([now.simple, now.place])
    found["logistic regression"] = fit_logistic(then.simple, y)(now.simple)
    placed = fit_logistic(np.hstack([then.simple, then.place]), y)
    found["logistic regression, place"] = placed(simple)
    before, p = then.plain(), now.plain()
    found["V-DINA"] = p
    found["V-DINA, Platt"] = platt(before, y)(p)
    found["V-DINA, isotonic"] = isotonic(before, y)(p)
    found["attendance alone"] = fit_logistic(then.coming, y)(now.coming)
    before, p = then.met(rng), now.met(rng)
    found["attended, mastery alone"] = p
    both = fit_logistic(np.column_stack([then.coming, log_odds(before)]), y)
    found["attended, not corrected"] = both(np.column_stack([now.coming, log_odds(p)]))
    first = hold_back(inner.watched, order, rng, share, least_views)
    if min(np.count_nonzero(first.opened), np.count_nonzero(~first.opened)) < _FEW:
        found["attended"] = found["attended, not corrected"]
        return found
    ago = _Sides(records, order, first, config, said, "slice before it: ")
    earlier = fit_logistic(np.column_stack([ago.coming, log_odds(ago.met(rng))]), first.opened)
    expected = earlier(np.column_stack([then.coming, log_odds(before)]))
    found["attended"] = rising(expected, y)(found["attended, not corrected"])
    return found


class _Sides:
    """One split, the arrays that all methods need of it, and the fits of V-DINA to it."""

    def __init__(
        self,
        records: LearnerRecords,
        order: sparse.csr_array,
        held: HeldBack,
        config: LearnerModelConfig,
        said: Said,
        prefix: str,
    ) -> None:
        self.records, self.held, self.config = records, held, config
        self.said: Said = lambda what: said(prefix + what)
        self.pairs: Pairs = (held.learner, held.video)
        self.order = order
        self.so_far = held.so_far()
        course = place_in_course(
            self.so_far, order, records.enrolled, records.course_items, self.pairs
        )
        self.simple = simple_features(self.so_far, self.pairs, course)
        self.place = place_features(course)

    @cached_property
    def courses(self) -> Syllabus:
        return syllabus(self.records.course_items, self.records.expected)

    @cached_property
    def coming(self) -> Floats:
        """(P, F) what the views before say of the pairs."""
        views = self.held.watched > 0
        popular = popularity_of(views, self.records.enrolled, self.courses)
        return describe_rows(
            views, self.order, self.records.enrolled, self.courses, popular, self.pairs
        )

    def met(self, rng: np.random.Generator) -> Floats:
        self.said("V-DINA, what was met")
        found = fit_attended(
            self.held.watched, self.records.q_matrix, self.order, self.records.enrolled,
            self.courses, rng, self.config.attended(), response_rate=self.config.response_rate,
        ).diagnosis  # fmt: skip
        return predict_by(found, self.records.q_matrix, self.pairs)

    def plain(self) -> Floats:
        self.said("V-DINA")
        found = fit(self.held.watched, self.records.q_matrix, self.config)
        return predict_by(found, self.records.q_matrix, self.pairs)
