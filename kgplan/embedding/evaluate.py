"""How well does a model rank the true entity of a held-out fact? Filtered ranking by PyKEEN.

For each fact (h, r, t) all E entities are ranked as tail of (h, r, ?) and as head of (?, r, t);
entities that make another known fact, of any split, are left out. A tie counts as the mean of its
best and worst place (PyKEEN's "realistic" rank).
"""

import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from pykeen.evaluation import RankBasedEvaluator, RankBasedMetricResults
from pykeen.evaluation.rank_based_evaluator import RankPack
from pykeen.models import Model
from pykeen.models.baseline import MarginalDistributionBaseline
from pykeen.triples import TriplesFactory

from kgplan.arrays import Array

# It warns at each evaluation that it cannot tune the batch size on a CPU; ours is given.
logging.getLogger("torch_max_mem").setLevel(logging.ERROR)

SIDES = ("head", "tail")
# our key -> PyKEEN's
METRICS = {
    "mrr": "inverse_harmonic_mean_rank",
    "hits@1": "hits_at_1",
    "hits@3": "hits_at_3",
    "hits@10": "hits_at_10",
    "mean_rank": "arithmetic_mean_rank",
}


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
    evaluator, _ = _rank(model, facts, known, batch_size)
    relation = facts.mapped_triples[:, 1].numpy()
    everything = np.ones(relation.size, dtype=bool)
    figures: dict[str, Any] = _sides(evaluator, everything)
    figures["relations"] = {
        label: _sides(evaluator, relation == number)
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
    _, results = _rank(model, facts, known, batch_size)
    return float(results.get_metric(f"both.realistic.{METRICS['mrr']}"))


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


def _rank(
    model: Model, facts: TriplesFactory, known: Sequence[TriplesFactory], batch_size: int
) -> tuple[RankBasedEvaluator, RankBasedMetricResults]:
    """Rank; the evaluator keeps each fact's rank, the results hold the figures."""
    evaluator = RankBasedEvaluator(
        filtered=True,
        metrics=["mrr", "hits@k", "hits@k", "hits@k", "mr"],
        metrics_kwargs=[None, {"k": 1}, {"k": 3}, {"k": 10}, None],
        add_defaults=False,
        clear_on_finalize=False,  # the ranks are read again, by relation
    )
    with torch.inference_mode():
        results = evaluator.evaluate(
            model,
            facts.mapped_triples,
            batch_size=batch_size,
            use_tqdm=False,
            additional_filter_triples=[other.mapped_triples for other in known],
        )
    return evaluator, results


def _sides(evaluator: RankBasedEvaluator, chosen: Array) -> dict[str, dict[str, float]]:
    """The figures of the chosen facts: both sides, head side, tail side."""
    ranks, candidates = {}, {}
    for side in SIDES:
        ranks[side] = np.concatenate(evaluator.ranks[side, "realistic"])[chosen]
        candidates[side] = np.concatenate(evaluator.num_candidates[side])[chosen]
    for pooled in (ranks, candidates):
        pooled["both"] = np.concatenate([pooled[side] for side in SIDES])
    packs = [RankPack(side, "realistic", ranks[side], candidates[side], None) for side in ranks]
    results = RankBasedMetricResults.from_ranks(evaluator.metrics, packs)
    return {
        side: {
            **{
                ours: float(results.get_metric(f"{side}.realistic.{theirs}"))
                for ours, theirs in METRICS.items()
            },
            "ranked": int(ranks[side].size),
            "candidates": float(candidates[side].mean()),
        }
        for side in ("both", *SIDES)
    }
