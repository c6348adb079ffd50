"""In which order does a learner want the resources on a concept, and what says so?

Simple methods, how far a resource was watched, and Pre (eq. 7 and 8) give every resource a figure
each. A fitted blend (`blend`) scores it by many more signals, each of which belongs to one of the
methods; without one the weighted figures are summed. A method that says nothing adds nothing, so
that resources that nothing tells apart keep the order in which they are given.
Sizes: V resources, n candidates, T views of one learner, M methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import Stored, arrays_below, named_below
from kgplan.native.signals import values_at
from kgplan.resources.blend.fitting import Blend
from kgplan.resources.blend.signals import Known, signals
from kgplan.resources.foundations import Foundations
from kgplan.resources.simple import (
    HALF_LIFE,
    METHODS,
    Counts,
    Method,
    counts_of,
    next_in_course,
    popular,
)

USUAL = (1.0, 1.0, 0.1, 0.02, 0.0, 0.0)
"""Weights of `METHODS` that nothing was fitted to: what others opened next and what the course
shows next decide, item-CF and popularity where these are silent."""
SIMPLE, BLEND = "simple methods", "blend"
"""What may rank."""
FINISHED = 0.9  # share from which a resource leaves the ranking
LATEST = 100  # views that count
COUNTED = 0.05  # share of a score from which an earlier view is told
MOST_VIEWS = 3  # earlier views that are told


@dataclass(frozen=True)
class View:
    """An earlier view that counted: of which resource, and its share of the score."""

    item: int
    share: float


@dataclass(frozen=True)
class Ranked:
    """A resource in its place.

    Attributes:
        item: its position.
        place: among all candidates, from 1.
        score: the sum of the weighted figures; the larger comes first.
        parts: (M,) what each of `METHODS` adds: its weighted figure, or by how much its signals
            moved the blend's score from the mean.
        figures: (M,) what each says alone, not weighed.
        views: earlier views that the score rests on, those of the largest share first.
        steps: how often the learner's last view was followed by this one, and by any.
        opened: learners who opened it.
        progress: watched share.
        pre: Pre of eq. (8).
    """

    item: int
    place: int
    score: float
    parts: Floats
    figures: Floats
    views: tuple[View, ...]
    steps: tuple[int, int]
    opened: int
    progress: float
    pre: float

    @property
    def leading(self) -> Method | None:
        """The method that adds most of those that say something for it; None where none does."""
        adds = np.where(self.figures > 0, self.parts, 0)
        at = int(adds.argmax())
        return METHODS[at] if adds[at] > 0 else None

    @property
    def shares(self) -> dict[Method, float]:
        """The share of each method in the score, of those that add to it or take from it."""
        whole = float(np.abs(self.parts).sum())
        stated = zip(METHODS, self.parts.tolist(), strict=True)
        return {name: part / whole for name, part in stated if part}


class Candidates(NamedTuple):
    """Resources to rank.

    Attributes:
        items: positions, in the order that they keep where nothing tells them apart.
        tiers: of each; a lower one comes first, whatever the score.
        also: those that are told in any case, wherever they stand.
    """

    items: Ints
    tiers: Ints
    also: Sequence[int] = ()


@dataclass(frozen=True)
class Standing:
    """Where one learner stands.

    Attributes:
        history: (T,) the latest views, oldest first.
        weight: (T,) what each counts in item-CF, before it is divided by the resource's viewers.
        coming: (V,) what the course shows next.
        led: how often the last view was followed by anything.
        shares: (V,) watched of each; at most 0, or NaN, where it was never opened.
        mastery: (K,) of the graph's concepts.
    """

    history: Ints
    weight: Floats
    coming: Floats
    led: int
    shares: Floats
    mastery: Floats


@dataclass(frozen=True)
class ResourceRanker(Stored):
    """What is counted, and how it is weighed.

    Attributes:
        counts: of all learners' views.
        weights: (M,) of `METHODS`.
        chosen: names the method or blend that ranks.
        blend: scores whoever opened anything; where None, and for a new learner, `weights` do.
    """

    counts: Counts
    weights: Floats
    chosen: str
    blend: Blend | None = None

    def to_arrays(self) -> dict[str, Array]:
        """As of any `Stored`; counts that the blend shares are stored once."""
        arrays = super().to_arrays()
        again = named_below("blend.known.counts", self.counts.to_arrays())
        return {name: array for name, array in arrays.items() if name not in again}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], **given: Any) -> "ResourceRanker":
        """Rebuild from what `to_arrays` gave; what was stored before there was a blend has none."""
        counts, of_blend = Counts.from_arrays(arrays_below("counts", arrays)), None
        below = arrays_below("blend", arrays)
        if below:
            known = Known.from_arrays(arrays_below("known", below), counts=counts)
            of_blend = Blend.from_arrays(below, known=known)
        return super().from_arrays(arrays, counts=counts, blend=of_blend, **given)

    def on(self, records: LearnerRecords) -> "ResourceRanker":
        """The same on other records' resources, in their courses; what is new has no views yet."""
        if np.array_equal(self.counts.item_ids, records.item_ids):
            return self
        if self.blend is None:
            return replace(self, counts=self.counts.on(records))
        blend = replace(self.blend, known=self.blend.known.on(records))
        return replace(self, counts=blend.known.counts, blend=blend)

    def standing(self, history: Ints, shares: Floats, mastery: Floats) -> Standing:
        """Where a learner stands; `rank` asks it of any candidates.

        Args:
            history: the learner's views by position, oldest first.
            shares: (V,) watched of each; at most 0, or NaN, where it was never opened.
            mastery: (K,).
        """
        history = history[-LATEST:].astype(np.int64)
        weight = 0.5 ** (np.arange(history.size)[::-1] / HALF_LIFE) / self._root[history]
        coming, led = next_in_course(self.counts, history), 0
        if history.size:
            steps = self.counts.followed
            part = slice(*steps.indptr[history[-1] : history[-1] + 2].tolist())
            led = int(steps.data[part].sum())
        return Standing(history, weight, coming, led, shares, mastery)

    def simply(self, history: Ints, asked: Ints) -> Floats:
        """(n,) the weighted sum of what views alone say of some resources, without a blend.

        Args:
            history: the learner's views by position, oldest first.
            asked: (n,) positions.
        """
        nothing = np.zeros(self.counts.item_ids.size)
        said = self._said(self.standing(history, nothing, nothing), asked)
        return self.weights[: len(said)] @ said

    def _said(self, standing: Standing, items: Ints) -> Floats:
        """(4, n) the figures of the first four of `METHODS`."""
        followed = values_at(self.counts.opened_next, standing.history[-1:], items)
        return np.stack(
            [
                followed.sum(axis=0) / max(standing.led, 1),
                standing.coming[items],
                self._adds(standing, items).sum(axis=0),
                self._popular[items],
            ]
        )

    def _adds(self, standing: Standing, items: Ints) -> Floats:
        """(T, n) what each view adds to item-CF of each of some resources."""
        both: Floats = values_at(self.counts.opened_together, standing.history, items)
        return standing.weight[:, None] * both / self._root[items]

    @cached_property
    def _popular(self) -> Floats:
        """(V,) the same for every learner."""
        return popular(self.counts, np.empty(0, dtype=np.int64))

    @cached_property
    def _root(self) -> Floats:
        """(V,) square root of each resource's viewers, 1 at least."""
        root: Floats = np.sqrt(np.maximum(self.counts.viewers, 1))
        return root

    def score(self, standing: Standing, candidates: Ints, foundations: Foundations) -> Floats:
        """(n,) of each candidate; the larger comes first.

        Args:
            standing: of the learner.
            candidates: (n,) positions.
            foundations: of the graph.
        """
        return self._scored(standing, candidates, foundations)[0]

    def _scored(
        self, standing: Standing, candidates: Ints, foundations: Foundations
    ) -> tuple[Floats, Floats | None]:
        """(n,) scores, and what the blend made its of; arguments as for `score`."""
        if self.blend is None or not standing.history.size:
            figures = self.figures(standing, candidates, foundations)
            # in one order, whichever are asked together
            return (self.weights[:, None] * figures).sum(axis=0), None
        rows = signals(self.blend.known, standing.history, candidates)
        return self.blend.trees.scores(rows), rows

    def figures(self, standing: Standing, candidates: Ints, foundations: Foundations) -> Floats:
        """(M, n) what each method says alone; arguments as for `score`."""
        progress = np.fmax(standing.shares[candidates], 0)
        pre = foundations.pre(candidates, standing.mastery)
        return np.stack([*self._said(standing, candidates), progress, pre])

    def rank(
        self, standing: Standing, groups: Sequence[Candidates], foundations: Foundations, n: int
    ) -> list[list[Ranked]]:
        """The n best of each group; those that are finished are not among them.

        Args:
            standing: of the learner.
            groups: ranked one apart from the other; asked together they cost less.
            foundations: of the graph.
            n: how many of each at most.
        """
        left = [~(standing.shares[each.items] >= FINISHED) for each in groups]  # NaN is neither
        candidates = _joined([each.items[kept] for each, kept in zip(groups, left, strict=True)])
        score, rows = self._scored(standing, candidates, foundations)
        chosen, places, end = [], [], 0
        for each, kept in zip(groups, left, strict=True):
            begin, end = end, end + int(kept.sum())
            order = np.lexsort((-score[begin:end], each.tiers[kept]))  # stable
            told = np.arange(order.size) < n
            if each.also:
                told |= np.isin(candidates[begin:end][order], each.also)
            places.append(np.flatnonzero(told))
            chosen.append(begin + order[places[-1]])
        best = _joined(chosen)
        figures = self.figures(standing, candidates[best], foundations)
        parts: Floats
        if self.blend is None or rows is None:
            parts = self.weights[:, None] * figures
        else:
            parts = self.blend.parts(rows[best]).T
        views = self._views(standing, candidates[best], parts)
        ranked = iter(
            Ranked(
                int(candidates[k]),
                place + 1,
                float(score[k]),
                parts[:, column],
                figures[:, column],
                rests_on,
                (round(figures[0, column] * standing.led), standing.led),
                int(self.counts.viewers[candidates[k]]),
                float(figures[4, column]),
                float(figures[5, column]),
            )
            for column, (place, k, rests_on) in enumerate(
                zip(_joined(places).tolist(), best.tolist(), views, strict=True)
            )
        )
        return [list(islice(ranked, each.size)) for each in places]

    def _views(self, standing: Standing, items: Ints, parts: Floats) -> list[tuple[View, ...]]:
        """Of each item the earlier views that its score rests on.

        What others opened next, and what the course shows next, rest on the last view.
        """
        history = standing.history
        if not history.size:
            return [()] * items.size
        by_view = self._adds(standing, items)
        for_it = np.maximum(parts[:3], 0)
        by_view *= for_it[2] / np.maximum(by_view.sum(axis=0), 1e-12)
        by_view[-1] += for_it[0] + for_it[1]
        share = by_view / np.maximum(np.abs(parts).sum(axis=0), 1e-12)
        found = []
        for each in share.T:
            most = np.argsort(-each, kind="stable")[:MOST_VIEWS].tolist()
            told = [k for k in most if each[k] >= COUNTED]
            found.append(tuple(View(int(history[k]), float(each[k])) for k in told))
        return found


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def usual_ranker(records: LearnerRecords) -> ResourceRanker:
    """The simple methods at weights that nothing was fitted to.

    Where the records do not tell in which order learners watched, no step is counted.
    """
    kept = records
    if records.viewed_order is None:
        anyhow = np.arange(1, records.viewed.nnz + 1)
        kept = replace(records, viewed_order=anyhow)
    counts = counts_of(kept)
    if kept is not records:
        nothing = sparse.csr_array(counts.followed.shape, dtype=counts.followed.dtype)
        counts = replace(counts, followed=nothing)
    return ResourceRanker(counts, np.array(USUAL), SIMPLE)
