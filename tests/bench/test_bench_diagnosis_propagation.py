"""How near is propagated mastery to enumeration, and on real learners to long Gibbs runs?"""

import time

import numpy as np
import pytest
from diagnosis_cases import infer_one, random_case, varied_cases
from oracles.gibbs import gibbs_mastery
from scipy import sparse

from kgplan.data.records import observations
from kgplan.diagnosis import DiagnosisConfig, infer
from kgplan.diagnosis.vdina import PROPAGATED
from kgplan.model.opening import open_records
from kgplan.store.artifacts import ArtifactStore

WAYS = {  # region_limit, cutset_limit
    "propagation alone": (0, 0),
    "regions of 8": (8, 0),
    "regions of 12": (12, 0),
    "and conditioning": (12, 3),
}


def compare(cases, link, title):
    """Print mean and largest difference from enumeration, and CPU time a case; the last ones."""
    cases = list(cases)
    exact = DiagnosisConfig(link=link, enumeration_limit=20)
    expected = [infer_one(*case, exact)[0] for case in cases]
    print(f"\n{title}, {link}, {len(cases)} problems: mean, largest, ms CPU")
    for name, (regions, cutset) in WAYS.items():
        config = DiagnosisConfig(
            link=link, enumeration_limit=0, region_limit=regions, cutset_limit=cutset
        )
        infer_one(*cases[0], config)
        begun = time.process_time()
        found = [infer_one(*case, config)[0] for case in cases]
        cost = (time.process_time() - begun) / len(cases)
        errors = [np.abs(f - e) for f, e in zip(found, expected, strict=True)]
        mean, largest = np.mean([e.mean() for e in errors]), max(e.max() for e in errors)
        print(f"  {name:18} {mean:.4f}  {largest:.3f}  {1e3 * cost:5.1f}")
    return mean, largest


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_200_problems_of_all_densities(link):
    mean, largest = compare(varied_cases(200, link), link, "4 to 14 concepts")
    assert mean <= 0.005
    assert largest <= 0.03


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
@pytest.mark.parametrize(
    ("n_concepts", "n_videos", "n"),
    [(12, 25, 40), (12, 100, 40), (14, 60, 40), (14, 200, 40), (18, 36, 12), (18, 144, 12)],
)
def test_problems_of_one_size(link, n_concepts, n_videos, n):
    cases = (random_case(s, n_concepts, n_videos, link=link) for s in range(n))
    mean, _ = compare(cases, link, f"{n_concepts} concepts, {n_videos} videos")
    assert mean <= 0.005


def test_50_real_learners_against_long_gibbs_runs(sample_home):
    """At the fitted parameters; the two chains tell how far Gibbs itself is off."""
    artifacts = ArtifactStore(sample_home.artifacts)
    records, _ = open_records(artifacts)
    fitted = artifacts.current("diagnosis")
    slip, guess, prior = (np.asarray(fitted.array(name)) for name in ("slip", "guess", "prior"))
    watched = sparse.csr_matrix(observations(records))
    q = sparse.csr_matrix(records.q_matrix)
    loopy = infer(watched, q, slip, guess, prior, DiagnosisConfig(region_limit=0)).how == PROPAGATED
    chosen = np.random.default_rng(0).choice(np.flatnonzero(loopy), 50, replace=False)
    chains = []
    for learner in chosen:
        row = watched[[learner]]
        shares = np.full(watched.shape[1], np.nan)
        shares[row.indices] = row.data
        chains.append(
            [
                gibbs_mastery(shares, q, slip, guess, prior, sweeps=20_000, burn_in=1_000, seed=s)
                for s in (1, 2)
            ]
        )
    oracle = np.mean(chains, axis=1)
    reached = infer(watched[chosen], q, slip, guess, prior).mastery
    where = [reached[[u]].indices for u in range(50)]
    apart = [np.abs(chains[u][0] - chains[u][1])[k] for u, k in enumerate(where)]
    print(f"\nbetween chains: {np.mean([a.mean() for a in apart]):.5f}", end=" ")
    print(f"largest {max(a.max() for a in apart):.3f}")
    for name, (regions, cutset) in WAYS.items():
        config = DiagnosisConfig(region_limit=regions, cutset_limit=cutset)
        begun = time.process_time()
        found = infer(watched[chosen], q, slip, guess, prior, config).mastery.toarray()
        cost = (time.process_time() - begun) / 50
        errors = [np.abs(found[u] - oracle[u])[k] for u, k in enumerate(where)]
        means, largest = [e.mean() for e in errors], [e.max() for e in errors]
        print(
            f"  {name:18} mean {np.mean(means):.5f} (by learner at most {max(means):.4f}), "
            f"largest {max(largest):.3f} (median {np.median(largest):.4f}), {1e3 * cost:.1f} ms CPU"
        )
    assert np.mean(means) <= 0.01
