"""Which question says most about a goal? What edges carry from an answer, and expected information.

Concepts are tied where one needs another, softly: a concept that is held without what it needs is
less likely, by `CARRIED` times the strength of the edge, than if the two had nothing to do with
each other. Every concept keeps its prior, so without evidence an edge says nothing; where the
priors contradict it (what needs is held more often than what is needed), it says less. Edges inside
a cycle contradict each other and say nothing. Of the rest the forest is kept that says most (the
best approximation by a tree, Chow & Liu, IEEE Trans. Inf. Theory 1968), on which sums are exact.
Arrays in, arrays out. Sizes: K concepts, E edges, Q questions, N entries (a question and a concept
that it is on), in order of questions.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.special import entr

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.gain import CERTAIN, Lines, log_odds
from kgplan.native.placing import expected_bits, ties_of

CARRIED = 0.5
"""How much an edge of strength 1 says; an assumption: 0 is nothing, 1 that nobody holds a concept
without what it needs."""
SAID_SLIP, SAID_GUESS = 0.1, 0.2
"""Of what people say of themselves; an assumption: who holds a concept says so but for one in ten,
and one in five says so without. Of single words fewer claim too much: 3 to 6 % of all answers
(Stubbe, Language Testing 2012); a concept is more than a word."""
LEAST_TIE = 0.01  # correlation under which concepts count as having nothing to do with each other:
# at it they tell less than 1e-4 bits of each other


class Tree(NamedTuple):
    """A forest of concepts, each with what it says of the one above it.

    Attributes:
        prior: (K,) probability that each is held where nothing is observed.
        above: (K,) the concept above each; -1 at a root.
        with_it, without: (K,) P(held) where the one above is held, and where it is not.
        order: (K,) concepts, each behind the one above it.
    """

    prior: Floats
    above: Ints
    with_it: Floats
    without: Floats
    order: Ints

    def among(self, concepts: Ints) -> "Tree":
        """The forest of some concepts alone; whose upper neighbour is not among them is a root."""
        place = np.full(self.prior.size + 1, -1, np.int64)  # the last is that above a root
        place[concepts] = np.arange(concepts.size)
        order = place[self.order]
        above = place[self.above[concepts]]
        chosen = (each[concepts] for each in (self.prior, self.with_it, self.without))
        prior, with_it, without = chosen
        return Tree(prior, above, with_it, without, order[order >= 0])


@dataclass(frozen=True)
class Belief:
    """What is believed of concepts together.

    Attributes:
        mastery: (K,) probability that each is held.
        tie: (K,) correlation of each concept with the one above it; 0 at a root.
        tree: on which.
    """

    mastery: Floats
    tie: Floats
    tree: Tree


def tied(prior: Floats, concept: Ints, needed: Ints, strength: Floats) -> Tree:
    """The forest that prerequisites tie concepts by.

    Args:
        prior: (K,) strictly between 0 and 1.
        concept, needed: (E,) edges: the first needs the second.
        strength: (E,) of each, in [0, 1].
    """
    size = prior.size
    edges = sparse.coo_array((np.ones(concept.size), (concept, needed)), shape=(size, size))
    _, cycle = connected_components(edges, directed=True, connection="strong")
    across = cycle[concept] != cycle[needed]
    concept, needed, strength = concept[across], needed[across], strength[across]
    both = _both_held(prior[concept], prior[needed], strength)
    said = _shared(prior[concept], prior[needed], both)
    good = said > 0
    concept, needed, both, said = concept[good], needed[good], both[good], said[good]
    cost = sparse.coo_array((1 + said.max(initial=0) - said, (concept, needed)), shape=(size, size))
    kept = minimum_spanning_tree(cost.tocsr()).tocoo()
    pair, order = concept * size + needed, np.argsort(concept * size + needed)
    edge = order[np.searchsorted(pair, kept.row.astype(np.int64) * size + kept.col, sorter=order)]
    return _rooted(prior, concept[edge], needed[edge], both[edge])


def _both_held(of_concept: Floats, of_needed: Floats, strength: Floats) -> Floats:
    """(E,) P(both held): without what it needs a concept is `1 - CARRIED strength` as likely."""
    alone = (1 - CARRIED * strength) * of_concept * (1 - of_needed)
    return of_concept - np.maximum(alone, of_concept - of_needed)


def _shared(one: Floats, other: Floats, both: Floats) -> Floats:
    """(E,) mutual information of two concepts, in bits."""
    cells = np.array([both, one - both, other - both, 1 - one - other + both])
    found = _entropy(one) + _entropy(other) - entr(np.clip(cells, 0, 1)).sum(axis=0) / np.log(2)
    return np.maximum(found, 0.0)


def _rooted(prior: Floats, one: Ints, other: Ints, both: Floats) -> Tree:
    """The forest of these edges, each component below its first concept."""
    size = prior.size
    near: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for a, b, p in zip(one.tolist(), other.tolist(), both.tolist(), strict=True):
        near[a].append((b, p))
        near[b].append((a, p))
    above, joint = np.full(size, -1, np.int64), prior * prior
    seen: list[bool] = [False] * size
    order: list[int] = []
    for root in range(size):
        if seen[root]:
            continue
        seen[root], begin = True, len(order)
        order.append(root)
        while begin < len(order):
            at = order[begin]
            begin += 1
            for below, p in sorted(near[at]):
                if not seen[below]:
                    seen[below], above[below], joint[below] = True, at, p
                    order.append(below)
    upper = prior[above]  # at a root of any: it is not read
    with_it = np.where(above >= 0, joint / upper, prior)
    without = np.where(above >= 0, (prior - joint) / (1 - upper), prior)
    return Tree(prior, above, with_it, without, np.array(order, np.int64))


def believe(tree: Tree, ratio: Floats) -> Belief:
    """What is believed where each concept was observed by itself; exact on the forest.

    Args:
        tree: of the concepts.
        ratio: (K,) P(what was observed of the concept | held) / P(the same | not held); 1 where
            nothing was.
    """
    below = ratio.astype(np.float64, copy=True)  # the same of all that is below, itself included
    up = np.ones(below.size)
    levels = _levels(tree)
    for level in reversed(levels[1:]):
        with_it, without = tree.with_it[level], tree.without[level]
        held = below[level]
        up[level] = (with_it * held + 1 - with_it) / (without * held + 1 - without)
        np.multiply.at(below, tree.above[level], up[level])
    mastery = _probability(tree.prior / (1 - tree.prior) * below)
    tie = np.zeros(below.size)
    for level in levels[1:]:
        upper = mastery[tree.above[level]]
        with_it, without, held = tree.with_it[level], tree.without[level], below[level]
        rest = _probability(upper / (1 - upper) / up[level])  # the upper one but for what is below
        expected = rest * with_it + (1 - rest) * without
        mastery[level] = _probability(expected / (1 - expected) * held)
        slope = with_it * held / (with_it * held + 1 - with_it)
        slope -= without * held / (without * held + 1 - without)
        spread = mastery[level] * (1 - mastery[level])
        tie[level] = slope * np.sqrt(upper * (1 - upper) / spread)
    return Belief(mastery, tie, tree)


def carried(tree: Tree, ratio: Floats) -> Floats:
    """(K,) what observations of other concepts multiply the odds of each concept by.

    Args: as for `believe`.
    """
    mastery = believe(tree, ratio).mastery
    own = tree.prior / (1 - tree.prior) * ratio
    return mastery / (1 - mastery) / own


def ratio_of(mastery: Floats, prior: Floats) -> Floats:
    """(K,) what was observed of each concept, as `believe` takes it."""
    return np.exp(log_odds(mastery) - log_odds(prior))


def said_ratio(value: Floats) -> Floats:
    """What a concept's being said to be held (1), not held (0) or in between says of it.

    >>> said_ratio(np.array([1.0, 0.0])).round(3)
    array([4.5  , 0.125])
    """
    yes = np.log((1 - SAID_SLIP) / SAID_GUESS)
    no = np.log(SAID_SLIP / (1 - SAID_GUESS))
    return np.exp(value * yes + (1 - value) * no)


class Questions(NamedTuple):
    """What may be asked.

    Attributes:
        start: (Q + 1,) where the entries of each question begin.
        concepts: (N,) positions of concepts.
        line: of the Q questions, how a right answer depends on how many of them are held.
    """

    start: Ints
    concepts: Ints
    line: Lines


def informations(belief: Belief, questions: Questions, weight: Floats) -> Floats:
    """(Q,) bits that the answer is expected to say of the goal's concepts, each by itself.

    That is the expected fall of the concepts' summed entropies, weighed: mutual information of
    answer and concept, summed over concepts. What a question says of concepts together counts once
    for each, as masteries are read one by one. Where a question is on several concepts, these are
    taken as independent given the concept that is looked at: exact for one, or for several
    without ties.

    Args:
        belief: of the K concepts.
        questions: on them.
        weight: (K,) at least 0, 0 for what is not the goal's.
    """
    tree, mastery = belief.tree, np.clip(belief.mastery, CERTAIN, 1 - CERTAIN)
    ties = ties_of(tree.order, tree.above, belief.tie)
    start, concepts, line = questions
    return expected_bits(
        start, concepts, line.guess, line.pull, mastery, ties, weight.astype(np.float64), LEAST_TIE
    )


def next_question(
    belief: Belief, questions: Questions, weight: Floats, open_: Array
) -> tuple[int, float]:
    """The open question that is expected to say most; -1 where none says anything.

    Args:
        belief, questions, weight: as for `informations`.
        open_: (Q,) True for what may be asked.

    Returns:
        Its place, the first of several that say as much, and its bits.
    """
    bits = np.where(open_, informations(belief, questions, weight), 0.0)
    best = int(bits.argmax()) if bits.size else -1
    return (best, float(bits[best])) if best >= 0 and bits[best] > 0 else (-1, 0.0)


def _levels(tree: Tree) -> list[Ints]:
    """Concepts by how many stand above them."""
    depth = [0] * tree.prior.size
    above = tree.above.tolist()
    for concept in tree.order.tolist():
        if above[concept] >= 0:
            depth[concept] = depth[above[concept]] + 1
    deep = np.array(depth, np.int64)
    order = np.argsort(deep, kind="stable")
    return np.split(order, np.cumsum(np.bincount(deep))[:-1]) if order.size else [order]


def _probability(odds: Floats) -> Floats:
    return np.clip(odds / (1 + odds), CERTAIN, 1 - CERTAIN)


def _entropy(probability: Floats) -> Floats:
    return (entr(probability) + entr(1 - probability)) / np.log(2)
