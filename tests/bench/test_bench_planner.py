"""How fast is a plan, against the walk that asks the graph database hop by hop?"""

import resource
import time

import numpy as np
import pytest
from oracles.cypher_walk import CypherWalk
from planning_cases import algorithm_1, large_case

from kgplan.graph.store import open_graph


def own_courses(planner):
    """Every learner with each course of the learner's that has concepts."""
    r = planner.records
    has = {str(c) for c in planner.graph.relations["course_has_concept"][0]}
    enrolled = r.enrolled.tocoo()
    return [
        (str(r.learner_ids[u]), str(r.course_ids[c]))
        for u, c in zip(enrolled.row, enrolled.col, strict=True)
        if str(r.course_ids[c]) in has
    ]


def timed(plan, pairs):
    """Milliseconds of each plan."""
    spent = []
    for learner, course in pairs:
        start = time.perf_counter()
        plan(learner, course)
        spent.append(1e3 * (time.perf_counter() - start))
    return np.array(spent)


def test_a_plan_against_the_walk_by_cypher(sample_planner, sample_home):
    pairs = own_courses(sample_planner)
    options = algorithm_1(length=4)

    def plan(learner, course):
        return sample_planner.plan(learner, course, options)

    plan(*pairs[0])  # compiles
    ours = timed(plan, pairs)
    some = [pairs[k] for k in np.random.default_rng(0).choice(len(pairs), 200, replace=False)]
    with open_graph(sample_home.graph_url, read_only=True) as store:
        walk = CypherWalk(
            store, sample_planner.records, sample_planner.diagnosis, sample_planner.similarity
        )
        theirs = timed(lambda u, c: walk.walk(u, c, options), some)
    same = timed(plan, some)
    print(
        f"\n{len(pairs):,} plans of {sample_planner.records.learner_ids.size:,} learners:"
        f" median {np.median(ours):.3f} ms, p99 {np.percentile(ours, 99):.3f} ms,"
        f" largest {ours.max():.2f} ms"
        f"\nhop by hop, 200 of them: median {np.median(theirs):.2f} ms;"
        f" ratio of medians {np.median(theirs) / np.median(same):.0f},"
        f" of sums {theirs.sum() / same.sum():.0f}"
    )


@pytest.mark.parametrize("n_concepts", [1_000, 4_000, 16_000])
def test_growth_with_the_number_of_concepts(n_concepts):
    """Beyond 4,096 concepts similarities are no longer held but made on demand."""
    case = large_case(n_concepts, n_courses=n_concepts // 8, n_learners=200)
    planner = case.planner()
    rng = np.random.default_rng(0)
    pairs = [
        (str(u), str(rng.choice(case.graph.course_ids)))
        for u in rng.choice(case.records.learner_ids, 500)
    ]
    planner.plan(*pairs[0])
    spent = timed(planner.plan, pairs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"\n{n_concepts:,} concepts: median {np.median(spent):.3f} ms,"
        f" p99 {np.percentile(spent, 99):.3f} ms, process peak {peak:.2f} GB"
    )
