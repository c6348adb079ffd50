"""Which observations does one mastery rest on? Each is left out, and the mastery inferred again.

Influence by deletion, as of cases on a regression (Cook & Weisberg 1982, Residuals and Influence in
Regression): what several observations say alike, none of them moves alone, so that influences do
not sum to anything. What says the same can be left out together. The others weigh as before.
Sizes: n observations of the learner, r of them looked at.
"""

from dataclasses import dataclass

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.live import LiveDiagnosis, Posterior

HALF = 0.5  # share from which an observation that is not looked at counts as one for a concept


@dataclass(frozen=True)
class Together:
    """Several observations that are left out at once.

    Attributes:
        observations: how many.
        moved: the mastery less what it is without all of them.
    """

    observations: int
    moved: float


@dataclass(frozen=True)
class Influences:
    """What moved one concept's mastery.

    Attributes:
        places: (r,) along the posterior's observations, what moved it most first.
        moved: (r,) the mastery less what it is without the observation.
        covers: (r,) True where the observed item covers the concept itself.
        raising, lowering: all on the concept that raised and that lowered it; one that was not
            looked at counts among the first where its share is half or more.
        left_out: observations that can move it too, and were not looked at.
    """

    places: Ints
    moved: Floats
    covers: Array
    raising: Together
    lowering: Together
    left_out: int


def influences(live: LiveDiagnosis, known: Posterior, concept: int, most: int) -> Influences:
    """Say what moved a concept's mastery, exactly: by inference without each observation.

    Args:
        live: the model.
        known: the learner under it.
        concept: place of the concept.
        most: observations that are looked at. Those on the concept come first, then what is joined
            to it over the fewest items; of these, the largest shares, then items of few concepts.

    >>> from scipy import sparse
    >>> one = sparse.csr_matrix(np.array([[1.0]]))
    >>> live = LiveDiagnosis(one, np.array([0.1]), np.array([0.2]), np.array([0.5]))
    >>> found = influences(live, live.infer(np.array([0]), np.array([1.0])), 0, most=8)
    >>> found.moved.round(3), found.raising.observations, found.lowering  # .818 from .5
    (array([0.318]), 1, Together(observations=0, moved=0.0))
    """
    far = live.distances(known, concept)
    (reaching,) = np.nonzero(far >= 0)
    breadth = np.diff(live.q_matrix.indptr)[known.videos]
    order = np.lexsort((breadth[reaching], -known.shares[reaching], far[reaching]))
    looked_at, others = np.split(reaching[order], [most])
    held = _mastery(live, known, concept)

    def without(places: Ints) -> Together:
        kept = np.ones(known.videos.size, bool)
        kept[places] = False
        rest = live.update(known, known.videos[kept], known.shares[kept], known.weights[kept])
        return Together(places.size, held - _mastery(live, rest, concept))

    moved = np.array([without(place).moved for place in looked_at[:, None]], np.float64)
    first = np.argsort(-np.abs(moved), kind="stable")
    places, moved = looked_at[first], moved[first]
    covers, others = far[places] == 0, others[far[others] == 0]
    much = known.shares[others] >= HALF
    return Influences(
        places,
        moved,
        covers,
        without(np.append(places[covers & (moved > 0)], others[much])),
        without(np.append(places[covers & (moved < 0)], others[~much])),
        reaching.size - places.size,
    )


def _mastery(live: LiveDiagnosis, known: Posterior, concept: int) -> float:
    at = int(np.searchsorted(known.concepts, concept))
    reached = at < known.concepts.size and known.concepts[at] == concept
    return float(known.mastery[at] if reached else live.prior[concept])
