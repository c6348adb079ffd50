"""Which states can a learner be in, where some concepts cannot be held without others?

The attribute hierarchy of Leighton, Gierl & Hunka (J. Educ. Meas. 2004); with DINA: HDINA (Su et
al., CASMA report 35, 2013; Templin & Bradshaw, Psychometrika 2014). A state that holds a concept
without one of its prerequisites has probability 0; all others keep one of their own.
Sizes: K concepts, H pairs, S = 2^k states of the k covered concepts.
"""

from collections.abc import Hashable, Iterable
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

import numpy as np

from kgplan.arrays import Array, Ints
from kgplan.errors import InputError

T = TypeVar("T", bound=Hashable)


def prerequisites_of(pairs: Iterable[tuple[T, T]]) -> dict[T, set[T]]:
    """All prerequisites of every concept, direct or not.

    Args:
        pairs: (prerequisite, concept), in any order; repeats do no harm.

    Raises:
        InputError: a concept is, through others or by itself, its own prerequisite.

    >>> sorted(prerequisites_of([("count", "add"), ("add", "multiply")])["multiply"])
    ['add', 'count']
    >>> prerequisites_of([("a", "b"), ("b", "a")])
    Traceback (most recent call last):
    kgplan.errors.InputError: the hierarchy goes in a circle: a -> b -> a; leave one pair out
    """
    direct: dict[T, dict[T, None]] = {}  # in the order given, so that messages repeat
    for prerequisite, concept in pairs:
        direct.setdefault(concept, {})[prerequisite] = None
        direct.setdefault(prerequisite, {})
    try:
        order = list(TopologicalSorter(direct).static_order())
    except CycleError as error:
        names = [str(concept) for concept in error.args[1][:-1]]
        first = names.index(min(names))
        circle = " -> ".join([*names[first:], *names[: first + 1]])
        raise InputError(f"the hierarchy goes in a circle: {circle}; leave one pair out") from None
    every: dict[T, set[T]] = {}
    for concept in order:
        every[concept] = set(direct[concept]).union(*(every[p] for p in direct[concept]))
    return every


def possible_states(hierarchy: Ints, covered: Ints, n_concepts: int) -> Array:
    """The states that hold no concept without its prerequisites.

    Args:
        hierarchy: (H, 2) prerequisite and concept; chains through concepts that no video covers
            count as well.
        covered: (k,) concepts that some video covers, ascending: the bits of a state.
        n_concepts: K.

    Returns:
        (S,) True where the state is possible.

    Raises:
        InputError: a pair names no concept, or concepts go in a circle.

    >>> possible_states(np.array([[0, 1]]), np.array([0, 1]), 2)  # none, 0, 1 alone, both
    array([ True,  True, False,  True])
    """
    pairs = np.asarray(hierarchy, np.int64).reshape(-1, 2)
    for concept in pairs[(pairs < 0) | (pairs >= n_concepts)].tolist():
        raise InputError(
            f"the hierarchy names concept {concept}; give numbers from 0 to {n_concepts - 1}"
        )
    needed = prerequisites_of((int(p), int(k)) for p, k in pairs)
    bit = {int(concept): b for b, concept in enumerate(covered)}
    states = np.arange(1 << covered.size)
    possible = np.ones(states.size, bool)
    for concept, prerequisites in needed.items():
        if concept in bit:
            mask = sum(1 << bit[p] for p in prerequisites if p in bit)
            possible &= ((states >> bit[concept]) & 1 == 0) | (states & mask == mask)
    return possible
