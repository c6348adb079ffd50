"""Who turned out to be like whom? Labels from what learners did behind the cut.

Sizes: B cut learners, U known learners, P pairs, V items.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ints

GAP = 40
"""Ranks behind the alike from which on learners count as not alike; those between say nothing."""


class Pairs(NamedTuple):
    """Learners to compare.

    Attributes:
        asked: (P,) position of the cut learner.
        known: (P,) position of the known one.
        alike: (P,) 1.0 where both are alike, else 0.0.
    """

    asked: Ints
    known: Ints
    alike: Floats


def likeness(later: sparse.csr_array, known: sparse.csr_array, own: Ints) -> Floats:
    """(B, U) t(u, w), the cosine of what one does after the cut and all that the other did.

    Args:
        later: (B, V) rows of length 1, see `features.weighed`.
        known: (U, V) such rows.
        own: (B,) where the cut learner stands among the known, who is not compared with itself and
            gets -1; -1 for one who is not among them.
    """
    found = np.asarray((later @ known.T).toarray())
    rows = np.flatnonzero(own >= 0)
    found[rows, own[rows]] = -1
    return found


def drawn(t: Floats, n_alike: int, rng: np.random.Generator) -> Pairs:
    """As many that are alike as are not.

    Alike are the largest t above 0. Of the others one half is drawn of the ranks from `GAP` + 1 to
    a third of all, the other half of those behind, as far as there are any.

    Args:
        t: (B, U) see `likeness`.
        n_alike: pairs of a learner's that are alike, at most.
        rng: draws.
    """
    asked, known, alike = [], [], []
    third = t.shape[1] // 3
    for row, values in enumerate(t):
        order = np.argsort(-values, kind="stable")
        order = order[values[order] >= 0]
        best = order[:n_alike][values[order[:n_alike]] > 0]
        near = rng.permutation(order[GAP:third])[: best.size // 2]
        behind = order[max(third, GAP) :]
        far = rng.permutation(behind)[: best.size - near.size]
        others = np.concatenate([near, far])
        asked.append(np.full(best.size + others.size, row))
        known.append(np.concatenate([best, others]))
        alike.append(np.repeat([1.0, 0.0], [best.size, others.size]))
    return Pairs(*(np.concatenate(each) for each in (asked, known, alike)))
