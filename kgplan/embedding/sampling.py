"""Which false facts teach most? Negatives that corrupt the head or the tail of a known fact.

    uniform    either side with chance 1/2, by any other entity
    bernoulli  the head with chance tph / (tph + hpt) [wang2014], by any other entity
    typed      the side as bernoulli; by another entity that is known on this side of the relation

where tph is a relation's mean number of tails per head, hpt of heads per tail.

Sizes: N facts, B facts of a batch, n negatives for each, E entities, R relations.
"""

from typing import Literal

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import InputError

SamplerName = Literal["uniform", "bernoulli", "typed"]
ROUNDS = 8  # redraws of known facts before the entities that are left are listed


class NegativeSampler:
    """Draws corrupted facts; holds what it needs to know of the training facts.

    Args:
        facts: (N, 3) training facts: numbers of head, relation, tail.
        n_entities, n_relations: E and R.
        name: how side and entity are drawn, see the head of this module.
        filtered: never draw a training fact. Where a typed side has no other entity left, any
            entity may come; where none is left at all, the other side is corrupted.

    Raises:
        InputError: filtered, and a fact has no negative on either side.
    """

    def __init__(
        self, facts: Array, n_entities: int, n_relations: int, name: SamplerName, filtered: bool
    ) -> None:
        self.n_entities, self.n_relations = n_entities, n_relations
        self.filtered, self.typed = filtered, name == "typed"
        self.head_chance = head_probability(facts, n_entities, n_relations)
        if name == "uniform":
            self.head_chance[:] = 0.5
        self.known: Array = np.unique(self._key(facts[:, 0], facts[:, 1], facts[:, 2]))
        # sorted relation * E + entity, of entities seen as head (row 0) and as tail (row 1)
        self.seen: list[Array] = [
            np.unique(facts[:, 1] * n_entities + facts[:, column]) for column in (0, 2)
        ]
        bounds = np.arange(n_relations + 1) * n_entities
        self.starts: list[Array] = [np.searchsorted(seen, bounds) for seen in self.seen]

    def corrupt(
        self, facts: Ints, n_negatives: int, generator: np.random.Generator
    ) -> tuple[Ints, Ints]:
        """Heads and tails of each fact and of its negatives; they share its relation.

        Args:
            facts: (B, 3) training facts.
            n_negatives: n.
            generator: of the draws.

        Returns:
            (B, 1 + n) heads and (B, 1 + n) tails; place 0 holds the fact itself.
        """
        heads = np.repeat(facts[:, :1], 1 + n_negatives, axis=1)
        tails = np.repeat(facts[:, 2:], 1 + n_negatives, axis=1)
        relations = np.repeat(facts[:, 1], n_negatives)
        head, tail = heads[:, 1:].reshape(-1), tails[:, 1:].reshape(-1)  # copies
        side: Array = (generator.random(relations.size) >= self.head_chance[relations]).astype(int)
        drawn: Array = self._draw(side, relations, np.where(side == 0, head, tail), generator)
        if self.filtered:
            side, drawn = self._unknown(side, drawn, head, relations, tail, generator)
        heads[:, 1:] = np.where(side == 0, drawn, head).reshape(-1, n_negatives)
        tails[:, 1:] = np.where(side == 0, tail, drawn).reshape(-1, n_negatives)
        return heads, tails

    def _key(self, head: Array, relation: Array, tail: Array) -> Array:
        return (head * self.n_relations + relation) * self.n_entities + tail

    def _is_known(self, keys: Array) -> Array:
        at = np.minimum(np.searchsorted(self.known, keys), self.known.size - 1)
        return self.known[at] == keys

    def _draw(
        self, side: Ints, relation: Ints, original: Ints, generator: np.random.Generator
    ) -> Ints:
        """An entity other than the original for each; typed where the type has another one."""
        if not self.typed:
            return _other(original, np.full(side.size, self.n_entities), generator)
        drawn = np.empty_like(original)
        for which in (0, 1):
            rows = np.flatnonzero(side == which)
            start = self.starts[which][relation[rows]]
            size = self.starts[which][relation[rows] + 1] - start
            alone = size == 1
            base = relation[rows] * self.n_entities
            place = np.searchsorted(self.seen[which], base + original[rows]) - start
            size, place = np.where(alone, 2, size), np.where(alone, 0, place)
            other = start + _other(place, size, generator)
            other = np.minimum(other, self.seen[which].size - 1)
            drawn[rows] = self.seen[which][other] - base
            lone = rows[alone]
            drawn[lone] = _other(original[lone], np.full(lone.size, self.n_entities), generator)
        return drawn

    def _unknown(
        self,
        side: Ints,
        drawn: Ints,
        head: Ints,
        relation: Ints,
        tail: Ints,
        generator: np.random.Generator,
    ) -> tuple[Ints, Ints]:
        """Draw again what is a training fact; after some rounds choose among what is left."""

        def known(rows: Array) -> Array:
            heads = np.where(side[rows] == 0, drawn[rows], head[rows])
            tails = np.where(side[rows] == 0, tail[rows], drawn[rows])
            return rows[self._is_known(self._key(heads, relation[rows], tails))]

        rows = known(np.arange(side.size))
        for _ in range(ROUNDS):
            if not rows.size:
                break
            original = np.where(side[rows] == 0, head[rows], tail[rows])
            drawn[rows] = self._draw(side[rows], relation[rows], original, generator)
            rows = known(rows)
        for row in rows.tolist():
            side[row], drawn[row] = self._listed(
                int(side[row]), int(head[row]), int(relation[row]), int(tail[row]), generator
            )
        return side, drawn

    def _listed(
        self, side: int, head: int, relation: int, tail: int, generator: np.random.Generator
    ) -> tuple[int, int]:
        """(side, entity) of a negative of one fact, drawn from the list of all there are."""
        fact = np.array([head, relation, tail])
        everyone = np.arange(self.n_entities)
        choices = [(side, everyone), (1 - side, everyone)]
        if self.typed:
            start, end = self.starts[side][relation : relation + 2]
            choices.insert(0, (side, self.seen[side][start:end] - relation * self.n_entities))
        for which, entities in choices:
            corrupted = np.tile(fact, (entities.size, 1))
            corrupted[:, 2 * which] = entities
            keys = self._key(*corrupted.T)
            left = entities[~self._is_known(keys)]
            if left.size:
                return which, int(generator.choice(left))
        raise InputError(
            f"the fact ({head}, {relation}, {tail}) has no negative: every entity in place of its"
            " head or tail makes a training fact; set negative.filtered = false"
        )


def head_probability(facts: Ints, n_entities: int, n_relations: int) -> Floats:
    """The chance to corrupt the head: tph / (tph + hpt) of each relation [wang2014].

    Args:
        facts: (N, 3) numbers of head, relation, tail.
        n_entities, n_relations: E and R.

    Returns:
        (R,); 1/2 for a relation without facts.

    >>> head_probability(np.array([[0, 0, 1], [0, 0, 2], [0, 0, 3]]), 4, 1)  # tph 3, hpt 1
    array([0.75])
    """
    different = np.unique(facts, axis=0)
    n_facts = np.bincount(different[:, 1], minlength=n_relations)
    n_heads, n_tails = (
        np.bincount(
            np.unique(different[:, 1] * n_entities + different[:, column]) // n_entities,
            minlength=n_relations,
        )
        for column in (0, 2)
    )
    # tph = facts / heads and hpt = facts / tails, so the facts cancel
    return np.where(n_facts > 0, n_tails / np.maximum(n_heads + n_tails, 1), 0.5)


def _other(original: Ints, size: Ints, generator: np.random.Generator) -> Ints:
    """A number below `size` other than the original, each with the same chance."""
    drawn = generator.integers(np.maximum(size - 1, 1))
    return drawn + (drawn >= original)
