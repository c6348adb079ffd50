"""How near do pooled slip and guess of new videos come to what a later fit of all views finds?

A fifth of the real sample's videos is left out; the others are fitted without them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from kgplan.data.records import observations
from kgplan.diagnosis import fit, fit_new_videos, pooled_parameters, similar_videos
from kgplan.etl.stages import Extraction, run_extract
from kgplan.model.opening import open_records
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

VIEWS = (0, 5, 20, 100, 400)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Observed shares, Q-matrix, course of each video, and the fit of everything."""
    home = Settings(home=tmp_path_factory.mktemp("newvideos"))
    run_extract(home, Extraction(Path(__file__).parents[2] / "data" / "mooccube-cs.zip"))
    records, _ = open_records(ArtifactStore(home.artifacts))
    watched = sparse.csr_matrix(observations(records))
    q = sparse.csr_matrix(records.q_matrix)
    return watched, q, records.course_items, fit(watched, q)


def first_responses(watched, new, views, rng):
    """The observations without those of new videos beyond so many random ones each."""
    rows = np.repeat(np.arange(watched.shape[0]), np.diff(watched.indptr))
    order = np.lexsort((rng.random(watched.nnz), watched.indices))
    place = np.empty(watched.nnz, int)
    begin = np.searchsorted(watched.indices[order], np.arange(watched.shape[1]))
    place[order] = np.arange(watched.nnz) - begin[watched.indices[order]]
    kept = ~np.isin(watched.indices, new) | (place < views)
    return sparse.csr_matrix(
        (watched.data[kept], (rows[kept], watched.indices[kept])), shape=watched.shape
    )


def test_new_videos(benchmark, sample):
    watched, q, course_items, later = sample
    rng = np.random.default_rng(0)
    new = np.sort(rng.choice(q.shape[0], q.shape[0] // 5, replace=False))
    old = np.setdiff1d(np.arange(q.shape[0]), new)
    known = fit(watched[:, old], q[old])
    groups = similar_videos(q, course_items)
    pooled = pooled_parameters(known.slip, known.guess, groups[old], groups[new])
    ones = np.ones(new.size)
    default = replace(
        pooled,
        slip=ones / 6,
        guess=ones / 6,
        slip_beta=(2 * ones, 6 * ones),
        guess_beta=(2 * ones, 6 * ones),
    )
    slip, guess = np.empty((2, q.shape[0]))
    slip[old], guess[old] = known.slip, known.guess

    def error(views, prior):
        few = first_responses(watched, new, views, np.random.default_rng(views))
        found = fit_new_videos(few, q, slip, guess, known.prior, new, prior)
        return [
            float(np.abs(a - b[new]).mean())
            for a, b in ((found.slip, later.slip), (found.guess, later.guess))
        ]

    benchmark.pedantic(error, args=(20, pooled), rounds=1, warmup_rounds=0)
    print(f"\nweights in responses: slip {pooled.weight[0]:.1f}, guess {pooled.weight[1]:.1f}")
    found = {
        name: np.array([error(views, prior) for views in VIEWS])
        for name, prior in (("pooled", pooled), ("default", default))
    }
    for k, parameter in enumerate(("slip", "guess")):
        for name, errors in found.items():
            print(f"{parameter}, {name}, mean error after {VIEWS}: {errors[:, k].round(4)}")
    assert np.all(found["pooled"][:3] < found["default"][:3])
