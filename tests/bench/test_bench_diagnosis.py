"""How long do a fit and a live update take? The work should grow with the observations."""

import numpy as np
import pytest
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, fit


def cohort(n_learners, n_videos, n_concepts, per_learner, seed, courses=20):
    """Learners of two courses each who watch as V-DINA says, 3.6 concepts a video."""
    rng = np.random.default_rng(seed)
    block = n_concepts // courses
    rows, columns = [], []
    for video in range(n_videos):
        home = video * courses // n_videos * block
        n = min(1 + rng.poisson(2.6), block)
        rows += [video] * n
        columns += (home + rng.choice(block, n, replace=False)).tolist()
    q = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n_videos, n_concepts))
    slip, guess = rng.uniform(0.1, 0.4, n_videos), rng.uniform(0.01, 0.1, n_videos)
    prior = rng.uniform(0.1, 0.6, n_concepts)
    indptr, indices, data = [0], [], []
    for _ in range(n_learners):
        of = rng.choice(courses, 2, replace=False)
        pool = np.concatenate(
            [np.arange(-(-c * n_videos // courses), -(-(c + 1) * n_videos // courses)) for c in of]
        )
        seen = np.sort(rng.choice(pool, min(per_learner, pool.size), replace=False))
        held = rng.random(n_concepts) < prior
        eta = (q[seen] @ held) / np.diff(q.indptr)[seen]
        p = guess[seen] ** (1 - eta) * (1 - slip[seen]) ** eta
        watched = (rng.random(seen.size) < p) * np.minimum(1, rng.exponential(2, seen.size))
        indices.append(seen)
        data.append(watched)
        indptr.append(indptr[-1] + seen.size)
    watched = sparse.csr_matrix(
        (np.concatenate(data), np.concatenate(indices), indptr), shape=(n_learners, n_videos)
    )
    return watched, q, slip, guess, prior


@pytest.mark.parametrize("n_learners", [1_000, 4_000, 15_921])
def test_fit(benchmark, n_learners):
    """The paper's size at the top: 15,921 learners, 2.4 M observations, 3,000 concepts."""
    watched, q, *_ = cohort(n_learners, 6_000, 3_000, per_learner=150, seed=0)
    config = DiagnosisConfig(tolerance=1e-5)
    diagnosis = benchmark.pedantic(fit, args=(watched, q, config), rounds=1, warmup_rounds=0)
    benchmark.extra_info["iterations"] = diagnosis.objective.size - 1
    benchmark.extra_info["observations"] = int(watched.nnz)
    assert np.all(np.diff(diagnosis.objective) >= 0)


def test_live_update(benchmark):
    """One learner with 500 views over 500 concepts: 10 ms at the 99th percentile is wanted."""
    watched, q, *rest = cohort(200, 500, 500, per_learner=500, seed=1, courses=2)
    live = LiveDiagnosis(q, *rest)
    learner = iter(np.arange(10**6) % 200)

    def arguments():
        u = next(learner)
        row = slice(watched.indptr[u], watched.indptr[u + 1])
        return (watched.indices[row], watched.data[row]), {}

    live.infer(*arguments()[0])
    _, mastery = benchmark.pedantic(live.infer, setup=arguments, rounds=1_000)
    benchmark.extra_info["p99_ms"] = float(np.percentile(benchmark.stats.stats.data, 99) * 1e3)
    assert np.all((mastery > 0) & (mastery < 1))
