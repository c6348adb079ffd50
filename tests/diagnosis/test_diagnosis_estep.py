"""Mastery at fixed parameters, held against eq. (10) and (11) written as loops over 2^K."""

import itertools
import math

import numpy as np
import pytest
from diagnosis_cases import infer_one, random_case, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.gibbs import gibbs_mastery
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, infer
from kgplan.errors import AxisMismatch, ConfigError, InputError

ENUMERATE = DiagnosisConfig(enumeration_limit=14)
PROPAGATE = DiagnosisConfig(enumeration_limit=0, sweep_tolerance=1e-7, sweep_limit=2000)


def likelihood(r, p):
    return p**r * (1 - p) ** (1 - r)


def mastery_by_loops(shares, q, slip, guess, prior, link="compensatory", weights=None):
    """One learner: shares (V,) with NaN unobserved -> (K,) mastery, log P(observations)."""
    n_videos, n_concepts = q.shape
    held, total = np.zeros(n_concepts), 0.0
    for alpha in itertools.product((0, 1), repeat=n_concepts):
        joint = 1.0
        for k in range(n_concepts):
            joint *= prior[k] if alpha[k] else 1 - prior[k]
        for v in range(n_videos):
            if not math.isnan(shares[v]):
                eta = sum(a * b for a, b in zip(alpha, q[v], strict=True)) / sum(q[v])
                if link == "conjunctive":
                    eta = math.floor(eta)
                p = guess[v] ** (1 - eta) * (1 - slip[v]) ** eta
                joint *= likelihood(shares[v], p) ** (1 if weights is None else weights[v])
        total += joint
        held += joint * np.array(alpha)
    return held / total, math.log(total)


def problem(seed, n_concepts=None, n_videos=None, largest=4):
    """A random case, of a random size where none is given."""
    rng = np.random.default_rng(seed)
    n_concepts = n_concepts or int(rng.integers(2, 9))
    return random_case(seed, n_concepts, n_videos or int(rng.integers(1, 12)), largest)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_enumeration_equals_bayes_rule_written_as_loops(seed):
    shares, *rest = problem(seed)
    shares[np.random.default_rng(seed).random(shares.size) < 0.2] = np.nan
    expected = mastery_by_loops(shares, *rest)
    mastery, log_evidence = infer_one(shares, *rest, ENUMERATE)
    np.testing.assert_allclose(mastery, expected[0], atol=1e-10)
    np.testing.assert_allclose(log_evidence, expected[1], rtol=1e-10, atol=1e-12)


def test_enumeration_of_twelve_concepts_equals_the_loops():
    case = problem(seed=7, n_concepts=12, n_videos=15, largest=6)
    expected = mastery_by_loops(*case)
    mastery, log_evidence = infer_one(*case, ENUMERATE)
    np.testing.assert_allclose(mastery, expected[0], atol=1e-10)
    np.testing.assert_allclose(log_evidence, expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_conjunctive_link_equals_the_loops_too(seed):
    case = problem(seed)
    expected = mastery_by_loops(*case, link="conjunctive")
    config = DiagnosisConfig(link="conjunctive", enumeration_limit=14)
    mastery, log_evidence = infer_one(*case, config)
    np.testing.assert_allclose(mastery, expected[0], atol=1e-10)
    np.testing.assert_allclose(log_evidence, expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_a_weight_is_a_power_of_the_likelihood(seed):
    shares, q, *rest = problem(seed)
    weights = np.random.default_rng(seed).uniform(0, 3, shares.size)
    expected = mastery_by_loops(shares, q, *rest, weights=weights)
    found = infer(stored(shares), sparse.csr_matrix(q), *rest, ENUMERATE, weights=stored(weights))
    reached = found.mastery.indices
    np.testing.assert_allclose(found.mastery.data, expected[0][reached], atol=1e-10)
    np.testing.assert_allclose(found.log_evidence[0], expected[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_full_watches_alone_are_exact_terms_per_concept(seed):
    """r = 1 only: log P is linear in alpha, so each concept's odds are a product."""
    _, q, slip, guess, prior = problem(seed, n_concepts=9, n_videos=20)
    contrast = np.log((1 - slip) / guess)
    odds = prior / (1 - prior) * np.exp((contrast / q.sum(axis=1)) @ q)
    mastery, _ = infer_one(np.ones(20), q, slip, guess, prior, PROPAGATE)
    np.testing.assert_allclose(mastery, odds / (1 + odds), rtol=1e-12)
    expected = mastery_by_loops(np.ones(20), q, slip, guess, prior)
    np.testing.assert_allclose(mastery, expected[0], atol=1e-10)


def test_propagation_is_exact_on_trees():
    """A chain of videos with one concept in common each, and one wide video by itself."""
    q = np.zeros((5, 11))
    q[0, [0, 1, 2]] = q[1, [2, 3]] = q[2, [3, 4, 5]] = q[3, [5, 6]] = q[4, 7:] = 1
    _, _, slip, guess, prior = problem(seed=3, n_concepts=11, n_videos=5)
    shares = np.array([0.0, 0.3, 0.0, 0.0, 0.6])
    expected = mastery_by_loops(shares, q, slip, guess, prior)
    found = infer(stored(shares), sparse.csr_matrix(q), slip, guess, prior, PROPAGATE)
    np.testing.assert_allclose(found.mastery.toarray()[0], expected[0], atol=1e-10)
    np.testing.assert_allclose(found.log_evidence[0], expected[1], rtol=1e-10, atol=1e-12)
    assert found.how[0] == 1  # EXACT, though nothing was enumerated


def test_videos_with_the_same_concepts_count_as_one_exact_factor():
    q = np.tile([1.0, 1, 1, 0], (6, 1))
    shares = np.array([0.0, 0, 0.5, 0, 1, 0.2])
    _, _, slip, guess, prior = problem(seed=5, n_concepts=4, n_videos=6)
    expected = mastery_by_loops(shares, q, slip, guess, prior)
    mastery, log_evidence = infer_one(shares, q, slip, guess, prior, PROPAGATE)
    np.testing.assert_allclose(mastery, expected[0], atol=1e-10)
    np.testing.assert_allclose(log_evidence, expected[1], rtol=1e-10, atol=1e-12)


def test_propagation_settles_on_dense_problems():
    for seed in range(20):
        shares, q, *rest = problem(seed, n_concepts=10, n_videos=100, largest=8)
        found = infer(stored(shares), sparse.csr_matrix(q), *rest, PROPAGATE)
        assert found.residual[0] <= PROPAGATE.sweep_tolerance


@pytest.mark.parametrize("link", ["compensatory", "conjunctive"])
def test_gibbs_agrees_with_the_loops(link):
    case = problem(seed=11, n_concepts=7, n_videos=14)
    expected, _ = mastery_by_loops(*case, link=link)
    shares, q, *rest = case
    runs = [
        gibbs_mastery(
            shares, sparse.csr_matrix(q), *rest, sweeps=5000, burn_in=200, seed=s, link=link
        )
        for s in range(8)
    ]
    error = np.std(runs, axis=0, ddof=1) / np.sqrt(len(runs))
    assert np.all(np.abs(np.mean(runs, axis=0) - expected) <= 6 * error + 1e-6)


def test_permuting_learners_videos_and_concepts_permutes_the_mastery():
    rng = np.random.default_rng(0)
    _, q, slip, guess, prior = problem(seed=1, n_concepts=16, n_videos=30)
    shares = rng.integers(0, 3, (7, 30)) / 2
    shares[rng.random((7, 30)) < 0.4] = np.nan
    before = infer(stored(shares), sparse.csr_matrix(q), slip, guess, prior, PROPAGATE)
    u, v, k = rng.permutation(7), rng.permutation(30), rng.permutation(16)
    after = infer(
        stored(shares[u][:, v]),
        sparse.csr_matrix(q[v][:, k]),
        slip[v],
        guess[v],
        prior[k],
        PROPAGATE,
    )
    expected = before.mastery.toarray()[u][:, k]
    np.testing.assert_allclose(after.mastery.toarray(), expected, atol=1e-5)


def test_the_same_row_gets_the_same_mastery_and_any_number_of_threads_the_same_bits():
    rng = np.random.default_rng(0)
    _, q, *rest = problem(seed=1, n_concepts=30, n_videos=40)
    shares = np.where(rng.random((60, 40)) < 0.5, np.nan, rng.integers(0, 2, (60, 40)))
    watched = stored(np.vstack([shares, shares]))
    one = infer(watched, sparse.csr_matrix(q), *rest, threads=1)
    many = infer(watched, sparse.csr_matrix(q), *rest, threads=5)
    assert np.array_equal(one.mastery.data, many.mastery.data)
    dense = one.mastery.toarray()
    assert np.array_equal(dense[:60], dense[60:])


def test_a_live_update_equals_the_inference_of_the_whole_row():
    shares, q, *rest = problem(seed=1, n_concepts=30, n_videos=40)
    shares[::3] = np.nan
    whole = infer(stored(shares), sparse.csr_matrix(q), *rest)
    observed = np.flatnonzero(~np.isnan(shares))[::-1]
    live = LiveDiagnosis(sparse.csr_matrix(q), *rest).infer(observed, shares[observed])
    assert np.array_equal(live.concepts, whole.mastery.indices)
    assert np.array_equal(live.mastery, whole.mastery.data)


def test_mastery_is_stored_exactly_where_an_observed_video_covers_the_concept():
    q = sparse.csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 1, 0]]))
    shares = np.array([[0.0, np.nan], [np.nan, np.nan], [1.0, 0.5]])
    found = infer(stored(shares), q, np.full(2, 0.1), np.full(2, 0.2), np.full(4, 0.5))
    assert [found.mastery[[u]].indices.tolist() for u in range(3)] == [[0, 1], [], [0, 1, 2]]
    assert found.how.tolist() == [1, 0, 1]
    assert found.log_evidence[1] == 0


def test_a_video_without_concepts_says_nothing_and_is_counted():
    q = sparse.csr_matrix(np.array([[1, 0], [0, 0]]))
    half = np.full(2, 0.5)
    with_it = infer(stored([[1.0, 0.0]]), q, half / 5, half / 5, half)
    without = infer(stored([[1.0, np.nan]]), q, half / 5, half / 5, half)
    assert with_it.skipped == 1
    assert np.array_equal(with_it.mastery.toarray(), without.mastery.toarray())


def test_extreme_evidence_stays_finite():
    """300 unopened videos with slip near 0, and 300 full watches, of the same concepts."""
    q = sparse.csr_matrix(np.vstack([np.tile([1, 1, 0], (300, 1)), np.tile([0, 1, 1], (300, 1))]))
    for link in ("compensatory", "conjunctive"):
        for limit in (0, 12):
            found = infer(
                stored(np.repeat([0.0, 1.0], 300)),
                q,
                np.full(600, 1e-9),
                np.full(600, 1e-9),
                np.full(3, 0.5),
                DiagnosisConfig(link=link, enumeration_limit=limit),
            )
            assert np.isfinite(found.log_evidence).all()
            assert np.isfinite(found.mastery.data).all()
            assert found.mastery[0, 2] > 0.99


def arguments(**changed):
    base = {
        "watched": stored([[1.0, 0.0]]),
        "q_matrix": sparse.csr_matrix(np.eye(2)),
        "slip": np.full(2, 0.1),
        "guess": np.full(2, 0.2),
        "prior": np.full(2, 0.5),
    }
    return base | changed


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"watched": stored([[1.0, 1.5]])}, InputError, "learner 0 watched 1.5 of video 1"),
        (
            {"watched": sparse.csr_matrix((np.array([np.nan]), ([0], [1])), shape=(1, 2))},
            InputError,
            "nan of video 1",
        ),
        ({"watched": stored([[1.0]])}, AxisMismatch, "axis V: watched has 1, q_matrix has 2"),
        ({"slip": np.full(3, 0.1)}, AxisMismatch, "slip has 3"),
        ({"prior": np.full(3, 0.1)}, AxisMismatch, "prior has 3"),
        ({"prior": np.array([0.5, 1.0])}, InputError, "concept 1 has prior 1.0"),
        ({"guess": np.array([0.2, 0.95])}, InputError, "video 1 has guess 0.95 and slip 0.1"),
        (
            {"watched": sparse.csr_matrix((np.ones(2), [1, 1], [0, 2]), shape=(1, 2))},
            InputError,
            "learner 0, video 1 twice",
        ),
        ({"weights": stored([[1.0, np.nan]])}, InputError, "store different entries"),
        ({"weights": stored([[1.0, -1.0]])}, InputError, "weight of learner 0 on video 1 is -1.0"),
    ],
)
def test_bad_input_is_refused_with_its_place(changed, error, says):
    with pytest.raises(error) as caught:
        infer(**arguments(**changed))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "setting",
    [
        {"link": "linear"},
        {"slip_start": 0.0},
        {"slip_start": 0.8, "guess_start": 0.3},
        {"slip_beta": (1.0, 1.0)},
        {"enumeration_limit": 30},
        {"sweep_limit": 0},
        {"tolerance": 0.0},
    ],
)
def test_a_setting_out_of_its_range_is_refused(setting):
    with pytest.raises(ConfigError):
        DiagnosisConfig(**setting)


def test_a_config_survives_being_written_and_refuses_unknown_names():
    config = DiagnosisConfig(link="conjunctive", guess_beta=(3.0, 9.0))
    assert DiagnosisConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigError, match="no setting 'dampening'"):
        DiagnosisConfig.from_dict({"dampening": 0.5})
