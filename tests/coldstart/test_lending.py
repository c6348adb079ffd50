"""What is lent, by loops and laws; and a learner's own prior in V-DINA."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kgplan.coldstart.lending import (
    LendingConfig,
    lent_prior,
    lent_share,
    neighbours_mastery,
)
from kgplan.diagnosis.live import LiveDiagnosis
from kgplan.diagnosis.vdina import infer
from kgplan.errors import ConfigError, InputError

inside = st.floats(0.02, 0.98)


def test_neighbours_mastery_is_the_weighed_mean_by_loops():
    rng = np.random.default_rng(0)
    known = rng.random((5, 4)) * (rng.random((5, 4)) < 0.6)
    prior, at, w = rng.random(4), np.array([4, 0, 2]), np.array([0.5, 0.3, 0.2])
    found = neighbours_mastery(at, w, sparse.csr_array(known), prior, 0.1)
    for k in range(4):
        top, bottom = 0.1 * prior[k], 0.1
        for j, weight in zip(at, w, strict=True):
            if known[j, k] > 0:
                top, bottom = top + weight * known[j, k], bottom + weight
        assert found[k] == pytest.approx(top / bottom)


@given(inside, inside, st.floats(0, 1))
def test_what_is_lent_lies_between_the_prior_and_the_neighbours(prior, other, share):
    (found,) = lent_prior(np.array([prior]), np.array([other]), share)
    assert min(prior, other) - 1e-9 <= found <= max(prior, other) + 1e-9
    odds = (1 - share) * np.log(prior / (1 - prior)) + share * np.log(other / (1 - other))
    assert found == pytest.approx(1 / (1 + np.exp(-odds)))


def test_nothing_lent_is_the_prior_to_the_last_bit():
    prior = np.random.default_rng(1).random(50) * 1e-3  # beyond the bound of what is clipped
    assert lent_prior(prior, 1 - prior, 0.0) is prior


def test_what_is_lent_fades_as_own_rows_come():
    config = LendingConfig(most=0.8, fade=10.0)
    shares = [lent_share(config, 0.5, n) for n in (0, 1, 10, 1_000)]
    assert shares[0] == pytest.approx(0.4)
    assert shares[2] == pytest.approx(0.2)
    assert shares == sorted(shares, reverse=True)
    assert lent_share(LendingConfig(most=0.0), 1.0, 0) == 0


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="most is 2"):
        LendingConfig(most=2.0)
    with pytest.raises(ConfigError, match="pull is 0"):
        LendingConfig(pull=0.0)


@pytest.fixture
def world():
    rng = np.random.default_rng(2)
    q = sparse.csr_matrix((rng.random((12, 5)) < 0.4).astype(float))
    slip, guess = rng.uniform(0.05, 0.3, (2, 12))
    return q, slip, guess, rng.uniform(0.2, 0.8, 5), rng


def test_a_learner_with_another_prior_is_what_a_model_of_that_prior_infers(world):
    q, slip, guess, prior, rng = world
    other = rng.uniform(0.1, 0.9, 5)
    seen, shares = np.array([0, 3, 4, 9]), np.array([1.0, 0.0, 0.6, 0.0])
    live = LiveDiagnosis(q, slip, guess, prior)
    found = live.with_prior(other).infer(seen, shares)
    row = sparse.csr_matrix((shares, seen, [0, 4]), shape=(1, 12))
    expected = infer(row, q, slip, guess, other).mastery
    np.testing.assert_array_equal(found.concepts, expected.indices)
    np.testing.assert_array_equal(found.mastery, expected.data)
    usual = infer(row, q, slip, guess, prior).mastery  # the first model stays as it was
    np.testing.assert_array_equal(live.infer(seen, shares).mastery, usual.data)
    assert live.with_prior(live.prior) is live


def test_a_prior_that_is_none_is_refused(world):
    q, slip, guess, prior, _ = world
    with pytest.raises(InputError, match="concept 0 has prior 1"):
        LiveDiagnosis(q, slip, guess, prior).with_prior(np.ones(5))
