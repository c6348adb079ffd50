"""How fast and how good is the regime "negative" beside plain PyKEEN's TransR?

Speed at the paper's size (12,923 entities, 9 relations, 173,276 facts), growth from there, and
the ranking on UMLS and Kinships, which PyKEEN ships, over five seeds.
"""

import logging
import os
import resource
import time
from statistics import fmean, stdev

import numpy as np
import pytest
import torch
from embedding_bench import (
    AS_PYKEEN,
    config,
    dataset,
    fitted,
    one_thread,
    paper_graph,
    plain_pykeen,
)
from pykeen.triples import CoreTriplesFactory

from kgplan.embedding.evaluate import ranking_metrics, relation_types
from kgplan.embedding.negative import NegativeObjective
from kgplan.embedding.train import starting_model

SEEDS = range(int(os.environ.get("KGPLAN_BENCH_SEEDS", "5")))
EPOCHS = int(os.environ.get("KGPLAN_BENCH_EPOCHS", "40"))  # of UMLS and Kinships, plain and alike
TUNED_NEGATIVE = {
    "model__projection_start": "identity",
    "training__final_learning_rate": 0.0005,
    "training__epochs": 200,
}
TUNED_FURTHER = {"kinships": {"negative__negatives": 4, "training__epochs": 120}}
TUNED_SOFTMAX = {
    "training__epochs": 60,
    "training__projection_rate": 1.0,
    "training__score_scale": 15.0,
    "training__query_weight_power": 0.5,
}


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    one_thread()
    yield
    logging.disable(logging.NOTSET)


def factory_of(facts):
    return CoreTriplesFactory(
        torch.from_numpy(facts),
        num_entities=int(facts[:, [0, 2]].max()) + 1,
        num_relations=9,
    )


def timed_epoch(factory, d, k, batch_size):
    """(processor, wall) seconds of the second epoch: the first may compile."""
    settings = config(
        **AS_PYKEEN
        | {
            "model__dimension": d,
            "model__relation_dimension": k,
            "training__batch_size": batch_size,
            "negative__sampler": "bernoulli",
        }
    )
    model = starting_model(factory, settings.model)
    objective = NegativeObjective(model, factory, settings.training, settings.negative)
    objective.epoch(0.01)
    cpu, wall = time.process_time(), time.perf_counter()
    objective.epoch(0.01)
    return time.process_time() - cpu, time.perf_counter() - wall


@pytest.mark.parametrize("batch_size", [256, 4800])
@pytest.mark.parametrize(("d", "k"), [(50, 30), (100, 50)])
def test_an_epoch_beside_plain_pykeens(d, k, batch_size):
    factory = factory_of(paper_graph())
    cpu, wall = timed_epoch(factory, d, k, batch_size)
    _, plain_cpu, plain_wall = plain_pykeen(factory, d, k, 2, batch_size, 1, "bernoulli")
    print(
        f"\n{d}/{k}, batches of {batch_size}: plain {plain_cpu:.2f} s processor"
        f" ({plain_wall:.1f} wall), ours {cpu:.2f} ({wall:.2f}),"
        f" ratio {plain_cpu / cpu:.1f}; load {os.getloadavg()[0]:.1f}"
    )
    assert plain_cpu > cpu


def test_growth_in_facts_and_in_size():
    facts = paper_graph()
    print()
    for share in (0.25, 0.5, 1.0):
        factory = factory_of(facts[: int(share * len(facts))])
        cpu, _ = timed_epoch(factory, 50, 30, 256)
        print(f"{factory.num_triples} facts: {cpu:.2f} s an epoch")
    big = factory_of(paper_graph(10))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, wall = timed_epoch(big, 50, 30, 256)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{big.num_entities} entities, {big.num_triples} facts: {cpu:.2f} s an epoch"
        f" ({wall:.2f} wall), peak {peak / 2**20:.2f} GB ({before / 2**20:.2f} before)"
    )


@pytest.mark.parametrize("name", ["umls", "kinships"])
def test_ranking_beside_plain_pykeens(name):
    split, with_inverses = dataset(name, False), dataset(name, True)
    runs: dict[str, list[tuple[float, float, float]]] = {}
    by_type: dict[str, list[dict]] = {}

    def note(label, model, parts, cpu):
        figures = ranking_metrics(model, parts.test, parts.known, 512)
        both = figures["both"]
        runs.setdefault(label, []).append((both["mrr"], both["hits@10"], cpu))
        by_type.setdefault(label, []).append(relation_types(figures, parts.training))

    for seed in SEEDS:
        seeds = {"model__seed": seed, "training__seed": seed}
        model, cpu, _ = plain_pykeen(split.training, 50, 30, 2, 256, EPOCHS, seed=seed)
        note(f"plain PyKEEN, {EPOCHS} epochs", model, split, cpu)
        alike = config(**AS_PYKEEN | seeds | {"training__epochs": EPOCHS})
        model, cpu, _ = fitted(split, alike)
        note("the same settings, grouped", model, split, cpu)
        model, cpu, _ = fitted(
            split, config(**AS_PYKEEN | TUNED_NEGATIVE | TUNED_FURTHER.get(name, {}) | seeds)
        )
        note("negative, tuned", model, split, cpu)
        model, cpu, _ = fitted(with_inverses, config(**TUNED_SOFTMAX | seeds))
        note("softmax", model, with_inverses, cpu)

    print(f"\n{name}, test, {len(SEEDS)} seeds; load {os.getloadavg()[0]:.1f}")
    for label, values in runs.items():
        mrr, hits, cpu = (list(column) for column in zip(*values, strict=True))
        print(
            f"{label:32s} MRR {fmean(mrr):.3f} ± {stdev(mrr):.3f}"
            f"  Hits@10 {fmean(hits):.3f} ± {stdev(hits):.3f}  {fmean(cpu):.1f} s"
        )
        for kind in ("1-1", "1-N", "N-1", "N-N"):
            found = [run[kind] for run in by_type[label] if kind in run]
            if found:
                print(
                    f"    {kind} ({found[0]['ranked'] // 2} facts)"
                    f" head {fmean(f['head'] for f in found):.3f}"
                    f" tail {fmean(f['tail'] for f in found):.3f}"
                )
    plain, ours = (np.array([mrr for mrr, _, _ in values]) for values in list(runs.values())[:2])
    assert ours.mean() > plain.mean() - 2 * np.hypot(ours.std(ddof=1), plain.std(ddof=1))
