"""How well does a model rank the true entity of a held-out fact? Filtered ranking, as PyKEEN's.

For each fact (h, r, t) all E entities are ranked as tail of (h, r, ?) and as head of (?, r, t);
entities that make another known fact, of any split, are left out. A tie counts as the mean of its
best and worst place (PyKEEN's "realistic" rank).

Sizes: F facts that are ranked, E entities.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Any

import numpy as np
import torch
from pykeen.models import Model
from pykeen.models.baseline import MarginalDistributionBaseline
from pykeen.triples import TriplesFactory

from kgplan.arrays import Array, Floats, Ints

SIDES = ("head", "tail")
HITS = (1, 3, 10)


def ranking_metrics(
    model: Model, facts: TriplesFactory, known: Sequence[TriplesFactory], batch_size: int
) -> dict[str, Any]:
    """Filtered MRR, Hits@1/3/10 and mean rank of one split, per side and per relation.

    Args:
        model: any PyKEEN model of these entities and relations.
        facts: the split that is ranked.
        known: every split, this one too; their facts are filtered.
        batch_size: facts ranked together.

    Returns:
        `both`, `head`, `tail`: the figures over all facts; `relations`: relation id -> the same
        three. `ranked` counts the rankings, `candidates` is their mean number of entities.
    """
    ranks = filtered_ranks(model, facts, known, batch_size)
    relation = facts.mapped_triples[:, 1].numpy()
    everything = np.ones(relation.size, dtype=bool)
    figures: dict[str, Any] = _sides(ranks, everything)
    figures["relations"] = {
        label: _sides(ranks, relation == number)
        for label, number in sorted(facts.relation_to_id.items())
        if (relation == number).any()
    }
    return figures


def relation_types(
    figures: Mapping[str, Any], training: TriplesFactory
) -> dict[str, dict[str, float]]:
    """MRR by the type of relation: 1-1, 1-N, N-1, N-N, N from 1.5 on [bordes2013].

    The first letter speaks of heads for a tail, the second of tails for a head.

    Args:
        figures: what `ranking_metrics` returned.
        training: the facts that tell a relation's type.

    Returns:
        Type -> `head` and `tail` MRR over its facts, `ranked` rankings, `relations` of the type.
    """
    heads, relations, tails = training.mapped_triples.numpy().T
    types: dict[str, dict[str, float]] = {}
    for label, number in training.relation_to_id.items():
        if label not in figures["relations"]:
            continue
        of_relation = relations == number
        n_facts = of_relation.sum()
        per_tail = n_facts / np.unique(tails[of_relation]).size
        per_head = n_facts / np.unique(heads[of_relation]).size
        name = f"{'N' if per_tail >= 1.5 else '1'}-{'N' if per_head >= 1.5 else '1'}"
        of_type = types.setdefault(name, {"head": 0, "tail": 0, "ranked": 0, "relations": 0})
        found = figures["relations"][label]
        for side in SIDES:
            of_type[side] += found[side]["mrr"] * found[side]["ranked"]
        of_type["ranked"] += found["both"]["ranked"]
        of_type["relations"] += 1
    for of_type in types.values():
        for side in SIDES:
            of_type[side] /= of_type["ranked"] / len(SIDES)
    return types


def mean_reciprocal_rank(
    model: Model, facts: TriplesFactory, known: Sequence[TriplesFactory], batch_size: int
) -> float:
    """Filtered MRR of one split, head and tail side pooled; arguments as `ranking_metrics`."""
    ranks = filtered_ranks(model, facts, known, batch_size)
    return _sides(ranks, np.ones(facts.num_triples, dtype=bool))["both"]["mrr"]


def filtered_ranks(
    model: Model, facts: TriplesFactory, known: Sequence[TriplesFactory], batch_size: int
) -> dict[str, tuple[Floats, Ints]]:
    """Rank the true entity of every fact on both sides; arguments as `ranking_metrics`.

    The ranks are those of PyKEEN's evaluator. That compares each ranked fact with every known
    one; here a fact looks up the answers of its own question, and facts with one question share
    its scores.

    Returns:
        Side -> (F,) rank of the true entity, 1 for the best, and (F,) how many were candidates.
    """
    n_entities = model.num_entities
    asked = facts.mapped_triples.numpy()
    every = np.concatenate([other.mapped_triples.numpy() for other in known])
    found = {}
    for side, given, wanted in (("head", 2, 0), ("tail", 0, 2)):
        question = asked[:, 1] * n_entities + asked[:, given]
        answered = every[:, 1] * n_entities + every[:, given]
        # each answer once, sorted by its question
        question_of, answer = np.divmod(
            np.unique(answered * n_entities + every[:, wanted]), n_entities
        )
        rank = np.empty(question.size)
        candidates = np.empty(question.size, dtype=np.int64)
        order = np.argsort(question, kind="stable")
        for at in np.split(order, range(batch_size, order.size, batch_size)):
            batch, place = np.unique(question[at], return_inverse=True)
            start = np.searchsorted(question_of, batch)
            n_answers = np.searchsorted(question_of, batch, side="right") - start
            row = np.repeat(np.arange(batch.size), n_answers)
            nth = np.arange(row.size) - np.repeat(np.cumsum(n_answers) - n_answers, n_answers)
            ranked = _places(
                _scores(model, side, *np.divmod(batch, n_entities)),
                (place, asked[at, wanted]),
                (row, answer[start[row] + nth]),
            )
            rank[at], candidates[at] = ranked, n_entities - n_answers[place] + 1
        found[side] = rank, candidates
    return found


def popularity_baseline(training: TriplesFactory) -> Model:
    """Rank entities by how often they are tail (or head) of the relation in training.

    >>> facts = np.array([["c1", "has", "k1"], ["c1", "has", "k2"], ["c2", "has", "k1"]])
    >>> model = popularity_baseline(TriplesFactory.from_labeled_triples(facts))
    >>> model.score_t(torch.tensor([[0, 0]])).numpy().round(3)  # entities c1, c2, k1, k2
    array([[0.   , 0.   , 0.667, 0.333]], dtype=float32)
    """
    # without inverse relations: the baseline ranks heads by heads' counts
    plain = training.clone_and_exchange_triples(
        training.mapped_triples, create_inverse_triples=False
    )
    with _generators_kept():
        model = MarginalDistributionBaseline(plain, entity_margin=False, relation_margin=True)
    # PyKEEN asks each model it evaluates for its device, and this one has no tensor to tell it by
    model.register_buffer("device_marker", torch.empty(0), persistent=False)
    return model


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Put the process's random generators back: PyKEEN's baselines seed them all with 0."""
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        yield
    random.setstate(python_state)
    np.random.set_state(numpy_state)  # noqa: NPY002


def _scores(model: Model, side: str, relation: Ints, given: Ints) -> torch.Tensor:
    """(B, E) scores of every entity as the answer of (?, r, t) or (h, r, ?)."""
    columns = (relation, given) if side == "head" else (given, relation)
    predict = model.predict_h if side == "head" else model.predict_t
    with torch.inference_mode():
        return predict(torch.from_numpy(np.stack(columns, axis=1)).to(model.device))


def _places(scores: torch.Tensor, true: tuple[Ints, Ints], known: tuple[Ints, Ints]) -> Floats:
    """(F,) ranks of the true places (rows, columns) among scores, the known ones left out."""
    row, column = (torch.from_numpy(places).to(scores.device) for places in true)
    with torch.inference_mode():
        score = scores[row, column][:, None]
        scores[tuple(torch.from_numpy(places).to(scores.device) for places in known)] = -torch.inf
        others = scores[row]
        # not "greater": a score that is no number must not look good
        not_better, equal = (
            compared(others, score).sum(dim=1, dtype=torch.int32).cpu().numpy()
            for compared in (torch.le, torch.eq)
        )
    return scores.shape[1] - not_better + 1 + equal / 2


def _sides(ranks: Mapping[str, tuple[Floats, Ints]], chosen: Array) -> dict[str, dict[str, float]]:
    """The figures of the chosen facts: both sides, head side, tail side."""
    of_side = {side: (rank[chosen], n[chosen]) for side, (rank, n) in ranks.items()}
    both = tuple(np.concatenate(column) for column in zip(*of_side.values(), strict=True))
    return {
        side: {
            "mrr": fmean((1 / rank).tolist()),  # to the last bit the same in any order of facts
            **{f"hits@{k}": float((rank <= k).mean()) for k in HITS},
            "mean_rank": float(rank.mean()),
            "ranked": rank.size,
            "candidates": float(n.mean()),
        }
        for side, (rank, n) in {"both": both, **of_side}.items()
    }
