"""Algorithm 1's walk and eq. (12), held against loops over lists and sets."""

import numpy as np
from oracles.plain_walk import Problem, drawn

from kgplan.native.walk import Walked, preferences, walk

PROBLEMS = range(400)


def walked(problem: Problem) -> Walked:
    starts = np.array(problem.starts, dtype=np.int64)
    return walk(starts, problem.requires, problem.by, problem.limits)


def test_the_steps_are_those_of_plain_loops():
    for seed in PROBLEMS:
        problem = drawn(seed)
        walks = problem.steps()
        expected = [step for each in walks for step in reversed(each)]  # foundation first
        in_order = [step for each in walks for step in each]
        found = walked(problem)
        assert found.concept.tolist() == [step.concept for step in expected], seed
        assert found.start.tolist() == [step.start for step in expected]
        assert found.leads.tolist() == [step.leads for step in expected]
        assert found.similarity.tolist() == [step.similarity for step in expected]
        assert found.concept[np.argsort(found.chosen)].tolist() == [s.concept for s in in_order]


def test_every_rule_decides_some_of_these_walks():
    """Without any one of them the steps of some problem are others."""
    without = {
        "pinned": lambda p: p.by._replace(pinned=np.zeros_like(p.by.pinned)),
        "passed over": lambda p: p.by._replace(passed_over=np.zeros_like(p.by.pinned)),
        "too hard": lambda p: p.by._replace(too_hard=np.zeros_like(p.by.pinned)),
        "video": lambda p: p.by._replace(video=np.full_like(p.by.video, -1)),
        "minutes": lambda p: p.by._replace(minutes=np.empty(0), video=p.by.video[:0]),
    }
    problems = [drawn(seed) for seed in range(150)]
    for rule, change in without.items():
        changed = (walked(Problem(p.starts, p.requires, change(p), p.limits)) for p in problems)
        same = [
            found.concept.tolist() == walked(p).concept.tolist()
            for found, p in zip(changed, problems, strict=True)
        ]
        assert not all(same), rule


def test_preferences_are_those_of_plain_lists():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, width = int(rng.integers(2, 9)), int(rng.integers(1, 9))
        ids = rng.integers(0, n, (n, width))
        values = np.where(rng.random((n, width)) < 0.2, 0.0, rng.random((n, width)))
        own = rng.integers(0, n, 5)
        rows, among, learned = rng.integers(0, n, 5), rng.random(n) < 0.6, rng.random(n) < 0.5
        neighbours = int(rng.integers(1, 5))
        found, short = preferences(ids, values, rows, own, among, learned, neighbours)
        for k in range(5):
            listed = zip(ids[rows[k]].tolist(), values[rows[k]].tolist(), strict=True)
            near = [(j, s) for j, s in listed if among[j] and j != own[k]][:neighbours]
            whole = sum(s for _, s in near)
            liked = sum(s for j, s in near if learned[j])
            assert np.isclose(found[k], liked / whole if whole else 0.0, rtol=1e-12)
            assert short[k] == (len(near) < neighbours)
