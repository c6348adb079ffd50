"""What does a method score where views are held back: everything ranked, nothing sampled?

Sizes: n cases, V resources, K concepts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.evaluation.resources.metrics import ndcg, precision, recall
from kgplan.evaluation.resources.splits import Split
from kgplan.resources.simple import best

FIRST = 5


@dataclass(frozen=True)
class Context:
    """What is known when something is to be named.

    Attributes:
        learner: whose, by position.
        history: that learner's views, oldest first.
    """

    learner: int
    history: Ints


Method = Callable[[Context, Ints], Floats]
"""Scores of the resources asked about."""


@dataclass(frozen=True)
class Figures:
    """What was found of each case.

    Attributes:
        precision, recall, ndcg: (n,) of the first five.
        shown: of each case, these.
    """

    precision: Floats
    recall: Floats
    ndcg: Floats
    shown: tuple[Ints, ...]


def unopened(history: Ints, n_items: int) -> Ints:
    """Positions of what is not in a history, ascending."""
    left = np.ones(n_items, dtype=bool)
    left[history] = False
    return np.flatnonzero(left)


def contexts(split: Split) -> Iterator[Context]:
    """Of each case of a split."""
    lines = split.known.lines
    return (Context(learner, lines[learner]) for learner in split.learner.tolist())


def first_of(method: Method, context: Context, asked: Ints) -> Ints:
    """The first five of some resources, ties by id.

    Args:
        method, context: score them.
        asked: ascending.
    """
    return asked[best(method(context, asked), np.arange(asked.size), FIRST)]


def measured(method: Method, split: Split) -> Figures:
    """Rank for each case everything that its learner had not opened."""
    n_items = split.known.records.item_ids.size
    shown = tuple(
        first_of(method, each, unopened(each.history, n_items)) for each in contexts(split)
    )
    in_first, of_opened, gain = (
        np.array([of(s, opened, FIRST) for s, opened in zip(shown, split.coming, strict=True)])
        for of in (precision, recall, ndcg)
    )
    return Figures(in_first, of_opened, gain, shown)


@dataclass(frozen=True)
class OneConcept:
    """A view that is to be found among the unopened resources on one of its concepts.

    Attributes:
        context: before it.
        candidates: these resources, ascending, two or more.
        opened: the one that was opened.
        weight: 1 over the concepts of it.
    """

    context: Context
    candidates: Ints
    opened: int
    weight: float


def of_concepts(split: Split) -> list[OneConcept]:
    """The cases of each held-back view, one for each concept that leaves a choice."""
    q = split.known.records.q_matrix
    of_concept = q.tocsc()
    found = []
    for context, coming in zip(contexts(split), split.coming, strict=True):
        for k, opened in enumerate(coming.tolist()):
            history = np.concatenate([context.history, coming[:k]])
            now = Context(context.learner, history)
            concepts = q.indices[q.indptr[opened] : q.indptr[opened + 1]].tolist()
            for concept in concepts:
                on_it = of_concept.indices[slice(*of_concept.indptr[concept : concept + 2])]
                candidates = np.setdiff1d(on_it, history)
                if candidates.size >= 2:
                    found.append(OneConcept(now, candidates, opened, 1 / len(concepts)))
    return found


@dataclass(frozen=True)
class ConceptFigures:
    """Of each case of `of_concepts`: whether the first is the one, and its discounted gain."""

    hit: Floats
    ndcg: Floats
    weight: Floats
    learner: Ints


def measured_by_concept(method: Method, cases: list[OneConcept]) -> ConceptFigures:
    """Rank the candidates of each case; a context's scores serve all its concepts."""
    hit, gain = [], []
    for _, same in groupby(cases, key=lambda case: id(case.context)):
        of_context = list(same)
        asked = np.unique(np.concatenate([case.candidates for case in of_context]))
        scores = method(of_context[0].context, asked)
        for case in of_context:
            at = best(scores, np.searchsorted(asked, case.candidates), FIRST)
            opened = np.array([case.opened])
            hit.append(precision(asked[at], opened, 1))
            gain.append(ndcg(asked[at], opened, FIRST))
    weight = np.array([case.weight for case in cases])
    learner = np.array([case.context.learner for case in cases])
    return ConceptFigures(np.array(hit), np.array(gain), weight, learner)
