"""Has M2 its chi-square distribution under the model? A thousand samples of answers tell."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import binomtest, kstest

from kgplan.diagnosis import DiagnosisConfig, assess, fit

Q = np.array([[1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 1], [1, 0], [0, 1], [1, 0], [0, 1]])
HELD = (np.arange(4)[:, None] >> np.arange(2)) & 1
SHARE = np.array([0.3, 0.15, 0.1, 0.45])


def judge(rng, n_learners):
    """Ten items on two concepts, slip .15 and guess .2."""
    p = np.where(Q.sum(axis=1) == HELD @ Q.T, 0.85, 0.2)[rng.choice(4, n_learners, p=SHARE)]
    answers = (rng.random(p.shape) < p).astype(float)
    rows, columns = np.indices(answers.shape)
    stored = sparse.csr_matrix((answers.ravel(), (rows.ravel(), columns.ravel())), answers.shape)
    q = sparse.csr_matrix(Q)
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    return assess(stored, q, fit(stored, q, config, threads=1)).moments


@pytest.mark.parametrize("n_learners", [300, 1_000])
def test_a_thousand_samples(n_learners, capsys):
    found = [judge(np.random.default_rng((n_learners, seed)), n_learners) for seed in range(1_000)]
    m2, p = (np.array([getattr(fit, name) for fit in found]) for name in ("m2", "p"))
    small = int(np.sum(p < 0.05))
    with capsys.disabled():
        print(
            f"\n{n_learners} learners: M2 {m2.mean():.2f} on average, variance {m2.var():.1f}"
            f" (df 32: 32 and 64); {small} of 1,000 below .05, {np.sum(p < 0.01)} below .01"
        )
    assert {fit.df for fit in found} == {32}
    assert abs(m2.mean() - 32) < 4 * np.sqrt(2 * 32 / 1_000)
    assert binomtest(small, p.size, 0.05).pvalue > 1e-3
    assert kstest(p, "uniform").pvalue > 1e-3
