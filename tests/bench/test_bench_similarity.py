"""How fast are the most similar concepts found, how does it grow, and against scikit-learn?

Generated data: a course has about 213 concepts, a concept is in 1.3 courses on average, a learner
takes about 5.5 courses, the popular ones more often, and learns the first videos of each, four
concepts a video: 700 concepts a learner, as in MOOCCube. Vectors lie around 200 centres.
The growth comes first: its peaks of memory must not be the baseline's.
"""

import resource
import time

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from sklearn.neighbors import NearestNeighbors

from kgplan.similarity import fuse, top_similar

ALPHA, N, DIMENSION, LEARNERS = 0.7, 50, 50, 16_000


def case(n_concepts, n_learners=LEARNERS, seed=0):
    """Sorted ids, (K, d) float32 vectors, (U, K) learned concepts."""
    rng = np.random.default_rng(seed)
    n_courses = max(6, round(1.316 * n_concepts / 213))
    sizes = rng.lognormal(np.log(170), 0.7, n_courses).astype(int).clip(8, n_concepts)
    courses = [rng.choice(n_concepts, size, replace=False) for size in sizes]
    popular = np.arange(1, n_courses + 1) ** -0.7
    popular /= popular.sum()
    rows, columns = [], []
    for learner in range(n_learners):
        taken = min(n_courses, 1 + rng.poisson(4.5))
        for course in rng.choice(n_courses, taken, replace=False, p=popular):
            videos = int(np.ceil(rng.beta(2, 1.3) * len(courses[course]) / 4))
            columns.append(courses[course][: 4 * videos])
            rows.append(np.full(columns[-1].size, learner))
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    learned = sparse.csr_array(
        (np.ones(rows.size, dtype=np.int32), (rows, columns)), shape=(n_learners, n_concepts)
    ).astype(bool)
    centres = 0.6 * rng.normal(size=(200, DIMENSION))
    vectors = centres[rng.integers(0, 200, n_concepts)] + rng.normal(size=(n_concepts, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.array([f"K_{k:06}" for k in range(n_concepts)])
    return ids, vectors.astype(np.float32), learned


def timed(work):
    """What it gives, seconds of wall time, seconds of all cores."""
    wall, cores = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cores


@pytest.fixture(scope="module", autouse=True)
def compiled():
    ids, vectors, learned = case(400, 50)
    top_similar(ids, vectors, learned, ALPHA, N)


@pytest.mark.parametrize("n_concepts", [3_000, 12_923, 50_000, 114_563])
def test_growth_with_the_number_of_concepts(n_concepts):
    ids, vectors, learned = case(n_concepts)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    top, wall, cores = timed(lambda: top_similar(ids, vectors, learned, ALPHA, N))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    stored = sum(array.nbytes for array in top.together.sets.to_arrays().values()) / 1e6
    some = np.random.default_rng(1).choice(n_concepts, 20, replace=False)
    for i in some:  # the row by the formula, in float64
        np.testing.assert_allclose(top.values[i], row(i, vectors, learned, top.bounds), atol=1e-9)
    print(
        f"\n{n_concepts:,} concepts, {learned.nnz:,} learned: {wall:.1f} s wall,"
        f" {cores:.1f} s of all cores; process peak {peak:.2f} GB, {before:.2f} before;"
        f" learners stored in {stored:.0f} MB, counts of all pairs would take up to"
        f" {n_concepts**2 * 12 / 1e9:.1f} GB"
    )


def test_a_block_and_all_pairs_on_demand_against_a_stored_matrix():
    """What a plan asks beyond 4,096 concepts: a course's concepts with those of the learner's."""
    ids, vectors, learned = case(12_923)
    fused = fuse(ids, vectors, learned, ALPHA)
    shared = (learned.T.astype(np.int32) @ learned.astype(np.int32)).tocsr()
    sets, rng = fused.learners, np.random.default_rng(3)
    spent = np.zeros((20, 3))
    for row in spent:
        rows, columns = (np.sort(rng.choice(ids.size, n, replace=False)) for n in (200, 900))
        held, row[0], _ = timed(lambda r=rows, c=columns: shared[r][:, c].toarray())
        made, row[1], _ = timed(lambda r=rows, c=columns: sets.shared(r, c))
        _, row[2], _ = timed(lambda r=rows, c=columns: fused.block(r, c))
        np.testing.assert_array_equal(held, made)
    stored = shared.data.nbytes + shared.indices.nbytes
    median = 1e3 * np.median(spent, axis=0)
    print(
        f"\n200 by 900 of {ids.size:,} concepts, median: {median[1]:.1f} ms from the learners,"
        f" {median[0]:.1f} ms from a stored matrix of {stored / 1e9:.2f} GB;"
        f" eq. (8) {median[2]:.1f} ms"
    )


def row(i, vectors, learned, bounds):
    """The N largest values of eq. (8) in one row."""
    vectors = vectors.astype(float)
    semantic = 1 / (1 + np.linalg.norm(vectors - vectors[i], axis=1))
    sizes = np.asarray(learned.sum(axis=0)).ravel().astype(float)
    column = learned[:, [i]].toarray().astype(float).ravel()
    both = learned.T.astype(float) @ column
    norms = np.sqrt(sizes * sizes[i])
    cosine = np.divide(both, norms, out=np.zeros_like(both), where=norms > 0)
    b = bounds
    fused = ALPHA * (semantic - b.semantic_min) / (b.semantic_max - b.semantic_min) + (
        1 - ALPHA
    ) * (cosine - b.collaborative_min) / (b.collaborative_max - b.collaborative_min)
    return np.sort(np.delete(fused, i))[::-1][:N]


@pytest.mark.parametrize("n_concepts", [3_000, 12_923])
def test_all_lists_against_scikit_learn(n_concepts):
    """12,923 is the paper's size; four matrices of all pairs take 5.3 GB there."""
    ids, vectors, learned = case(n_concepts)
    top, wall, cores = timed(lambda: top_similar(ids, vectors, learned, ALPHA, N))
    (_, values), wall_theirs, cores_theirs = timed(lambda: with_scikit_learn(vectors, learned))
    np.testing.assert_allclose(top.values, values, atol=1e-6)
    print(
        f"\n{n_concepts:,} concepts, {learned.nnz:,} learned: {wall:.1f} s wall, {cores:.1f} s of"
        f" all cores; scikit-learn {wall_theirs:.1f} and {cores_theirs:.1f}: ratio"
        f" {wall_theirs / wall:.1f} and {cores_theirs / cores:.1f}"
    )


def with_scikit_learn(vectors, learned):
    """Ids and values of the N most similar, by its pairwise functions and neighbours."""
    semantic = euclidean_distances(vectors.astype(float))
    np.divide(1, 1 + semantic, out=semantic)
    collaborative = cosine_similarity(learned.T.tocsr().astype(float), dense_output=True)
    own = np.arange(len(vectors))
    for part in (semantic, collaborative):
        part[own, own] = np.nan
        part -= np.nanmin(part)
        part /= np.nanmax(part)
    semantic *= ALPHA
    collaborative *= 1 - ALPHA
    semantic += collaborative
    del collaborative
    distance = np.subtract(1, semantic, out=semantic)
    distance[own, own] = 0
    near = NearestNeighbors(n_neighbors=N + 1, metric="precomputed").fit(distance)
    distances, ids = near.kneighbors(distance)
    return ids[:, 1:], 1 - distances[:, 1:]
