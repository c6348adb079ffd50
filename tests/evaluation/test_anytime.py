"""Intervals that hold whenever one looks: the law by planted trials, the mixture by quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom, multinomial, norm

from kgplan.errors import InputError
from kgplan.evaluation.anytime import (
    Bound,
    boundary,
    effect,
    learners_needed,
    log_mixture,
    ratio_mismatch,
    weighted_differences,
)


def planted(rng, n, share, drift=True):
    """Both outcomes of each learner, the arm drawn, and what the arm adds on average so far."""
    time = np.linspace(0, 1, n) if drift else np.zeros(n)
    without = (rng.random(n) < 0.2 + 0.4 * time).astype(float)
    within = np.clip(without + (rng.random(n) < 0.15) - 0.3 * (rng.random(n) < 0.2), 0, 1)
    arm = rng.random(n) < share
    return np.where(arm, within, without), arm, np.cumsum(within - without)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_intervals_hold_at_all_times_together_however_outcomes_drift(share):
    """Looked at after every learner; by the law wrong in at most alpha of trials."""
    rng, alpha, trials, n = np.random.default_rng(4), 0.2, 300, 1_500
    bound, wrong = Bound(share, alpha), 0
    for _ in range(trials):
        outcome, arm, truth = planted(rng, n, share)
        each, predicted = weighted_differences(outcome, arm, share)
        off, variation = np.cumsum(each) - truth, np.cumsum((each - predicted) ** 2)
        reached = np.maximum(
            log_mixture(off, variation, bound.scale, bound.rho),
            log_mixture(-off, variation, bound.scale, bound.rho),
        )
        wrong += bool(np.any(reached >= np.log(2 / alpha)))
    assert binom.sf(wrong - 1, trials, alpha) > 0.001
    # the same trials' intervals for one look are wrong far more often, as one knows
    naive = 0
    for _ in range(trials):
        outcome, arm, truth = planted(rng, n, share)
        each, _ = weighted_differences(outcome, arm, share)
        number = np.arange(1, n + 1)
        mean = np.cumsum(each) / number
        sd = np.sqrt(np.maximum(np.cumsum(each**2) / number - mean**2, 1e-12) / number)
        late = slice(50, None)
        naive += bool(np.any((np.abs(mean - truth / number) > norm.ppf(1 - alpha / 2) * sd)[late]))
    assert naive > 1.5 * alpha * trials


def test_an_effect_is_the_interval_that_the_mixture_leaves_open():
    rng = np.random.default_rng(5)
    outcome, arm, truth = planted(rng, 400, 0.5)
    bound, n = Bound(0.5), 400
    found = effect(outcome, arm, bound)
    each, predicted = weighted_differences(outcome, arm, 0.5)
    assert found.difference == pytest.approx(each.mean())
    assert found.means == pytest.approx((outcome[~arm].mean(), outcome[arm].mean()))
    assert found.learners == (np.sum(~arm), np.sum(arm))
    variation = np.sum((each - predicted) ** 2)
    for end in (found.low, found.high):
        off = abs(each.sum() - n * end)
        reached = log_mixture(np.array([off]), np.array([variation]), 2.0, bound.rho)
        assert np.exp(reached[0]) == pytest.approx(2 / 0.05, rel=1e-6)
    assert found.low < truth[-1] / n < found.high


@pytest.mark.parametrize(("total", "variation"), [(0.0, 3.0), (4.0, 10.0), (-2.0, 5.0), (30, 100)])
def test_the_mixture_is_the_integral_that_it_stands_for(total, variation):
    c, rho = 2.0, 7.0

    def weight(factor):
        return (1 - c * factor) ** (rho / c**2 - 1) * np.exp(factor * rho / c)

    def term(factor):
        psi = (-np.log(1 - c * factor) - c * factor) / c**2
        return np.exp(factor * total - psi * variation) * weight(factor)

    expected = quad(term, 0, 1 / c)[0] / quad(weight, 0, 1 / c)[0]
    found = log_mixture(np.array([total]), np.array([variation]), c, rho)[0]
    assert np.exp(found) == pytest.approx(expected, rel=1e-6)


def test_what_is_averaged_has_the_effect_as_its_expectation():
    """Over all draws of the arms of four learners, by their probabilities."""
    rng, share = np.random.default_rng(6), 0.3
    without, within = rng.random((2, 4))
    mean = 0.0
    for draw in range(16):
        arm = np.array([draw >> k & 1 for k in range(4)], dtype=bool)
        probability = np.prod(np.where(arm, share, 1 - share))
        mean += probability * weighted_differences(np.where(arm, within, without), arm, share)[0]
    assert mean == pytest.approx(within - without)


def test_the_bound_grows_with_what_varies_and_with_care():
    wide = [boundary(v, 2.0, 10.0, 0.025) for v in (1, 10, 100, 1_000)]
    assert wide == sorted(wide)
    assert boundary(100, 2.0, 10.0, 0.001) > wide[2]
    # never inside the interval for one look
    assert wide[3] > norm.ppf(0.975) * np.sqrt(1_000)


@pytest.mark.parametrize("n", [1_000, 3_000, 10_000])
def test_intervals_are_about_twice_as_wide_as_for_one_look(n):
    bound, square = Bound(0.5), 0.8
    once = norm.ppf(0.975) * np.sqrt(square / n)
    assert 1.5 < bound.width(n, square) / once < 2.1


def test_learners_needed_are_as_many_as_the_interval_then_needs():
    rng = np.random.default_rng(7)
    arm = rng.random(20_000) < 0.5
    outcome = (rng.random(20_000) < 0.4).astype(float)
    n = learners_needed(outcome[:2_000], arm[:2_000], Bound(0.5), 0.1)
    for size, tells in ((int(0.8 * n), False), (int(1.2 * n), True)):
        found = effect(outcome[:size], arm[:size], Bound(0.5))
        assert ((found.high - found.low) / 2 <= 0.1) is tells
    assert learners_needed(outcome[:0], arm[:0], Bound(0.5), 0.1) is None


def test_nothing_is_said_of_nobody_and_an_outcome_outside_is_refused():
    nobody = effect(np.zeros(0), np.zeros(0, bool), Bound(0.5))
    assert (nobody.low, nobody.high) == (-1.0, 1.0)
    assert np.isnan(nobody.difference)
    with pytest.raises(InputError, match=r"an outcome is 1\.5"):
        effect(np.array([0.5, 1.5]), np.array([True, False]), Bound(0.5))


def test_a_mismatch_is_seldom_found_where_none_is_and_soon_where_one_is():
    """By the law in at most alpha of trials at any time; a tenth lost of one arm is found."""
    rng, shares, alpha, trials = np.random.default_rng(8), np.array([0.5, 0.3, 0.2]), 0.2, 150
    wrong = 0
    for _ in range(trials):
        counts = np.cumsum(rng.multinomial(10, shares, size=60), axis=0)
        wrong += any(ratio_mismatch(each, shares) <= alpha for each in counts)
    assert binom.sf(wrong - 1, trials, alpha) > 0.001
    assert ratio_mismatch(np.array([5_000, 4_500]), np.array([0.5, 0.5])) < 0.001
    assert ratio_mismatch(np.array([5_000, 4_990]), np.array([0.5, 0.5])) > 0.5


def test_the_mismatch_is_a_bayes_factor():
    """Of the Dirichlet mixture, integrated by drawing from it."""
    shares, counts = np.array([0.6, 0.4]), np.array([30, 40])
    drawn = np.random.default_rng(9).dirichlet(100 * shares, size=200_000)
    under = multinomial.pmf(counts, 70, drawn).mean()
    expected = multinomial.pmf(counts, 70, shares) / under
    assert ratio_mismatch(counts, shares) == pytest.approx(min(1.0, expected), rel=0.02)
