"""How long do a fit and a live update take? The work should grow with the observations."""

import time

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


@pytest.mark.parametrize("cpu", [False, True], ids=["wall", "cpu"])
def test_live_update(benchmark, cpu):
    """One view of a learner with 500 earlier ones over 500 concepts: p99 of 10 ms is wanted."""
    watched, q, *rest = cohort(200, 500, 500, per_learner=500, seed=1, courses=2)
    live, rng = LiveDiagnosis(q, *rest), np.random.default_rng(0)
    rows = [slice(*watched.indptr[u : u + 2]) for u in range(200)]
    learners = [live.infer(watched.indices[r], watched.data[r]) for r in rows]
    clock = time.process_time if cpu else time.perf_counter
    seconds = np.empty(1_000)

    def updates():
        for n in range(seconds.size):
            known, video = learners[n % 200], int(rng.integers(500))
            shares = dict(zip(known.videos.tolist(), known.shares.tolist(), strict=True))
            shares[video] = max(shares.get(video, 0.0), float(rng.choice([0.3, 0.7, 1])))
            seen = np.array(sorted(shares)), np.array([shares[v] for v in sorted(shares)])
            start = clock()
            learners[n % 200] = live.update(known, *seen)
            seconds[n] = clock() - start

    benchmark.pedantic(updates, rounds=1, warmup_rounds=0)
    benchmark.extra_info |= {
        "p50_ms": float(np.percentile(seconds, 50) * 1e3),
        "p99_ms": float(np.percentile(seconds, 99) * 1e3),
        "bytes_a_learner": sum(array.nbytes for array in vars(learners[0]).values()),
    }
    for learner in learners[:10]:
        again = live.infer(learner.videos, learner.shares)
        assert np.array_equal(learner.concepts, again.concepts)
        assert np.array_equal(learner.mastery, again.mastery)
