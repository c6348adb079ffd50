"""How often are two concepts learned by the same learners? Eq. (5), some rows at a time.

At full size the matrix of shared learners does not fit into memory, so rows of it are counted when
they are needed, between groups of concepts with the same learners. Each learner has one bit per
group; the row of a group is the sum of its learners' bits, 512 groups at once, by full adders that
keep the sum's binary digits as bits again. Groups that are alike stand near each other, so that the
bits of a learner who is in one row's sum are still in cache for the next.
Sizes: U learners, K concepts, G groups, B blocks of 512 groups.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from kgplan.arrays import Ints
from kgplan.native.adders import SIXTEEN, TOGETHER, Groups, arrange, count_rows, extremes
from kgplan.native.threads import in_threads
from kgplan.native.wide import BITS, lines
from kgplan.similarity.learners import LearnerSets, learner_sets

BATCH = 256  # rows of one task


@dataclass(frozen=True)
class CoLearning:
    """R of eq. (5) by groups of concepts, both ways round.

    Attributes:
        sets: each concept's group and each group's learners.
        groups: the same, with each group's concepts and learners, as counting reads them.
    """

    sets: LearnerSets
    groups: Groups


def co_learning(learned: sparse.csr_array) -> CoLearning:
    """Prepare R of eq. (5) for counting.

    Args:
        learned: (U, K) R; whatever is stored and not 0 counts as 1.

    >>> together = co_learning(sparse.csr_array([[1, 0, 1], [1, 1, 1]]))
    >>> together.sets.sizes[together.sets.group_of], cosine_bounds(together)
    (array([2, 1, 2]), (0.7071067811865475, 1.0))
    """
    sets = learner_sets(learned)
    sixteens_from = np.concatenate([[0], np.cumsum(-(-sets.sizes // SIXTEEN))])
    sixteens = np.full((sixteens_from[-1], SIXTEEN), sets.n_learners, dtype=np.uint32)
    bits = lines(-(-sets.sizes.size // BITS), sets.n_learners + 1)
    arrange(sets.learners_from, sets.learners, sixteens_from, sixteens.ravel(), bits)
    groups = Groups(
        group_of=sets.group_of,
        sizes=sets.sizes,
        members_from=np.concatenate([[0], np.cumsum(np.bincount(sets.group_of))]),
        members=np.argsort(sets.group_of, kind="stable"),
        sixteens_from=sixteens_from,
        sixteens=sixteens,
        bits=bits,
    )
    return CoLearning(sets, groups)


def cosine_bounds(together: CoLearning) -> tuple[float, float]:
    """Smallest and largest eq. (5) over all pairs i != j; (0, 0) where there is no pair.

    Two concepts with the same learners have 1 and two without a common one have 0, beyond which
    nothing goes: counting ends as soon as both were met.
    """
    sizes = together.sets.sizes
    if together.sets.group_of.size < 2:
        return 0.0, 0.0
    within = np.diff(together.groups.members_from) > 1
    of_twins = (sizes[within] > 0).astype(float)  # without learners they have 0
    smallest = min(of_twins, default=np.inf)
    largest = max(of_twins, default=-np.inf)
    found: list[tuple[float, float]] = []

    def look(first: int, last: int) -> None:
        for group in range(first, last, TOGETHER):
            end = min(group + TOGETHER, last)
            found.append(extremes(group, shared_between(together, group, end), sizes))

    size, start, batch = sizes.size, 0, BATCH // 2
    while start < size and not (smallest == 0 and largest == 1):
        in_threads(look, [(k, min(k + batch, size)) for k in (start, start + batch) if k < size])
        smallest = min([smallest, *(low for low, _ in found)])
        largest = max([largest, *(high for _, high in found)])
        start, batch = start + 2 * batch, min(2 * batch, 16 * BATCH)
    return float(smallest), float(largest)


def shared_between(together: CoLearning, first: int, last: int) -> Ints:
    """(last - first, G) learners that some groups share with every group."""
    counts = np.empty((last - first, len(together.groups.bits) * BITS), dtype=np.int32)
    count_rows(first, counts, together.groups)
    return counts[:, : together.sets.sizes.size]
