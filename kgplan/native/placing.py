"""How many bits is each question's answer expected to say? `diagnosis.placing`, compiled.

Sizes: K concepts, J of the goal, Q questions, N entries.
"""

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.native.compiled import njit

LN2 = float(np.log(2))


@njit(cache=True, nogil=True)
def ties_of(order: Ints, above: Ints, tie: Floats) -> Floats:
    """(K, K) correlation of every two concepts: along a forest those of its edges multiply.

    Args:
        order: (K,) concepts, component by component, each behind the one above it.
        above: (K,) that one; -1 at a root.
        tie: (K,) correlation with it.
    """
    size = order.size
    found = np.zeros((size, size))
    begin = 0
    for n in range(size):
        concept = order[n]
        upper = above[concept]
        if upper < 0:
            begin = n
        else:
            for before in order[begin:n]:
                value = tie[concept] * found[upper, before]
                found[concept, before] = value
                found[before, concept] = value
        found[concept, concept] = 1.0
    return found


@njit(cache=True, nogil=True)
def expected_bits(
    start: Ints,
    concepts: Ints,
    guess: Floats,
    pull: Floats,
    mastery: Floats,
    ties: Floats,
    weight: Floats,
    least: float,
) -> Floats:
    """(Q,) mutual information of each answer and each concept of the goal, summed and weighed.

    Args:
        start: (Q + 1,) where the entries of each question begin.
        concepts: (N,) what they are on.
        guess, pull: (Q,) log P(right) with none held, and what each that is held adds to it.
        mastery: (K,).
        ties: (K, K) correlations.
        weight: (K,) of the goal's concepts; 0 for others.
        least: correlation under which concepts count as having nothing to do with each other.
    """
    goal = np.flatnonzero(weight > 0)
    sd = np.sqrt(mastery * (1 - mastery))
    found = np.zeros(start.size - 1)
    for q in range(start.size - 1):
        factor = np.expm1(pull[q])
        chance = np.exp(guess[q])
        for at in goal:
            near = False
            for concept in concepts[start[q] : start[q + 1]]:
                near = near or abs(ties[concept, at]) >= least
            if not near:
                continue
            m, held, not_held = mastery[at], chance, chance
            for concept in concepts[start[q] : start[q + 1]]:
                slope = ties[concept, at] * sd[concept] / sd[at]
                base = mastery[concept] - slope * m
                held *= 1 + _within(base + slope) * factor
                not_held *= 1 + _within(base) * factor
            held, not_held = min(held, 1.0), min(not_held, 1.0)
            bits = _entropy(m * held + (1 - m) * not_held)
            bits -= m * _entropy(held) + (1 - m) * _entropy(not_held)
            found[q] += weight[at] * max(bits, 0.0)  # rounding may fall below 0
    return found


@njit(cache=True, nogil=True)
def _within(probability: float) -> float:
    return min(max(probability, 0.0), 1.0)


@njit(cache=True, nogil=True)
def _entropy(probability: float) -> float:
    if probability <= 0 or probability >= 1:
        return 0.0
    rest = 1 - probability
    return -(probability * np.log(probability) + rest * np.log(rest)) / LN2
