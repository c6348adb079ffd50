"""Answers in order: against sums over every path, planted truth, DINA, and laws."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit, logit

from kgplan.diagnosis import AgingConfig, AgingModel, DiagnosisConfig, fit_in_order, infer
from kgplan.diagnosis.aging import Pull, half_life_interval
from kgplan.errors import AxisMismatch, ConfigError, InputError
from kgplan.native.aging import Answers, Expected, expect


def model(seed=0, q=((1, 0), (0, 1), (1, 0), (0, 1)), n_classes=3, **changes):
    rng = np.random.default_rng(seed)
    q = np.array(q)
    values = {
        "slip": rng.uniform(0.05, 0.3, q.shape[0]),
        "guess": rng.uniform(0.05, 0.3, q.shape[0]),
        "prior": rng.uniform(0.3, 0.7, q.shape[1]),
        "learn": rng.uniform(0.05, 0.3, q.shape[1]),
        "forget": 0.1,
        "ability": np.linspace(-1, 1, n_classes) if n_classes > 1 else np.zeros(1),
        "share": np.full(n_classes, 1 / n_classes),
        "prior_slope": 0.8,
        "answer_slope": 0.5,
    } | changes
    low, high = logit(values.pop("guess")), -logit(values.pop("slip"))
    return AgingModel(
        q_matrix=sparse.csr_matrix(q),
        difficulty=(low + high) / 2,
        contrast=high - low,
        prior_log_odds=logit(values.pop("prior")),
        to_difficulty=Pull(np.zeros(q.shape[0]), 1.0),
        to_contrast=Pull(np.zeros(q.shape[0]), 1.0),
        evidence=np.zeros(1),
        converged=True,
        **values,
    )


ITEM, RIGHT = np.array([0, 1, 2, 0, 3]), np.array([1.0, 0, 0, 0.4, 1])
DAY = np.array([0.0, 1, 3, 3, 9])


def every_path(m, c, k, item, right, day, as_of):
    """Sums over all paths of one concept in one class: written as a tree of what may happen.

    Between answers at most one draw counts: the last. At an answer: held or not, then perhaps
    learned. Returns the likelihood; P(held as of); and, weighted by likelihood, held at each
    answer, draws (not held, held), answers not held and turned held, and the number of draws.
    """
    low, high = (
        expit(logit(m.guess) + m.answer_slope * m.ability[c]),
        expit(-logit(m.slip) + m.answer_slope * m.ability[c]),
    )
    prior = expit(logit(m.prior[k]) + m.prior_slope * m.ability[c])
    n = item.size
    total, held_now = 0.0, 0.0
    held_at, drawn, turned, draws = np.zeros(n), np.zeros(2), np.zeros(2), 0.0
    for start in (0, 1):
        for learns in product((0, 1), repeat=n):
            for redraws in product((None, 0, 1), repeat=n):  # after each answer, to the next
                p, state = (prior if start else 1 - prior), start
                path, counts, events = [], np.zeros(2), 0.0
                asked, learned = 0, 0
                counts[start] += 1
                for t in range(n):
                    path.append(state)
                    chance = high[item[t]] if state else low[item[t]]
                    p *= chance ** right[t] * (1 - chance) ** (1 - right[t])
                    if state and learns[t]:
                        p = 0.0  # what is held cannot turn held
                    if not state:
                        asked += 1
                        learned += learns[t]
                        p *= m.learn[k] if learns[t] else 1 - m.learn[k]
                        state = learns[t]
                    gap = (day[t + 1] if t + 1 < n else as_of) - day[t]
                    rate = m.forget * gap
                    if redraws[t] is None:
                        p *= np.exp(-rate)
                    else:
                        state = redraws[t]
                        p *= (1 - np.exp(-rate)) * (prior if state else 1 - prior)
                        if t + 1 < n and rate > 0:
                            counts[state] += 1
                            events += rate / (1 - np.exp(-rate))  # of a Poisson count above 0
                total += p
                held_now += p * state
                held_at += p * np.array(path)
                drawn += p * counts
                turned += p * np.array([asked, learned])
                draws += p * events
    return total, held_now / total, held_at / total, drawn / total, turned / total, draws / total


def test_expectations_equal_sums_over_every_path():
    m = model()
    n_classes, n_concepts = 3, 2
    found = Expected(
        responsible=np.empty((1, n_classes)),
        evidence=np.empty(1),
        all_held=np.empty((ITEM.size, n_classes)),
        drawn=np.zeros((n_classes, n_concepts, 2)),
        turned=np.zeros((n_concepts, 2)),
    )
    starts, answers = np.array([0, ITEM.size]), Answers(ITEM, RIGHT, DAY)
    anew, days = expect(0, 1, starts, answers, m.needs, m.chances, np.log(m.share), found)
    responsible, evidence, all_held, drawn, turned = found
    of = [np.isin(ITEM, (0, 2)), np.isin(ITEM, (1, 3))]
    found = [
        [every_path(m, c, k, ITEM[of[k]], RIGHT[of[k]], DAY[of[k]], 9.0) for k in (0, 1)]
        for c in range(n_classes)
    ]
    joint = np.array([m.share[c] * found[c][0][0] * found[c][1][0] for c in range(n_classes)])
    share = joint / joint.sum()
    np.testing.assert_allclose(evidence[0], np.log(joint.sum()))
    np.testing.assert_allclose(responsible[0], share)
    for c, k in product(range(n_classes), (0, 1)):
        np.testing.assert_allclose(all_held[of[k], c], share[c] * found[c][k][2])
        np.testing.assert_allclose(drawn[c, k], share[c] * found[c][k][3])
    for k in (0, 1):
        expected = sum(share[c] * found[c][k][4] for c in range(n_classes))
        np.testing.assert_allclose(turned[k], expected)
    np.testing.assert_allclose(
        anew, sum(share[c] * (found[c][0][5] + found[c][1][5]) for c in range(n_classes))
    )
    assert days == pytest.approx(3 + 8)


def test_the_state_equals_sums_over_every_path():
    m = model(seed=1)
    state = m.state(ITEM, RIGHT, DAY, as_of=20.0)
    of = [np.isin(ITEM, (0, 2)), np.isin(ITEM, (1, 3))]
    found = [
        [every_path(m, c, k, ITEM[of[k]], RIGHT[of[k]], DAY[of[k]], 20.0) for k in (0, 1)]
        for c in range(3)
    ]
    joint = np.array([m.share[c] * found[c][0][0] * found[c][1][0] for c in range(3)])
    share = joint / joint.sum()
    np.testing.assert_allclose(state.ability, share)
    expected = [sum(share[c] * found[c][k][1] for c in range(3)) for k in (0, 1)]
    np.testing.assert_allclose(state.mastery, expected)


def test_one_answer_on_two_concepts_follows_bayes_rule():
    m = model(q=((1, 1),), n_classes=1)
    slip, guess, prior = m.slip[0], m.guess[0], m.prior
    weight = {}
    for a in product((0, 1), repeat=2):
        p_wrong = slip if all(a) else 1 - guess
        weight[a] = p_wrong * np.prod(np.where(a, prior, 1 - prior))
    held = np.array([weight[1, 0] + weight[1, 1], weight[0, 1] + weight[1, 1]])
    held = held / sum(weight.values())
    still = replace(m, learn=np.zeros(2))
    state = still.state(np.array([0]), np.zeros(1), np.zeros(1), 0.0)
    np.testing.assert_allclose(state.mastery, held)
    expected = held + (1 - held) * m.learn
    found = m.state(np.array([0]), np.zeros(1), np.zeros(1), 0.0).mastery
    np.testing.assert_allclose(found, expected)


def test_without_learning_forgetting_and_classes_it_is_dina():
    m = model(seed=2, n_classes=1, learn=np.zeros(2), forget=0.0)
    right = np.array([1.0, 0, 1, 1])
    state = m.state(np.arange(4), right, np.arange(4.0), 50.0)
    watched = sparse.csr_matrix((right, np.arange(4), [0, 4]), shape=(1, 4))
    config = DiagnosisConfig(link="conjunctive")
    dina = infer(watched, m.q_matrix, m.slip, m.guess, m.prior, config)
    np.testing.assert_allclose(state.mastery, dina.mastery.toarray()[0])


def test_predictions_in_order_are_those_of_the_states_before():
    m = model(seed=3, q=((1, 0), (0, 1), (1, 1), (0, 1)))
    rng = np.random.default_rng(0)
    learner, item = 2 * rng.integers(1, 4, 30), rng.integers(0, 4, 30)  # some answer nothing
    right, day = rng.integers(0, 2, 30).astype(float), rng.permutation(30).astype(float)
    found = m.predict_in_order(learner, item, right, day)
    for i in range(30):
        past = (learner == learner[i]) & (day < day[i])
        state = m.state(item[past], right[past], day[past], day[i])
        assert found[i] == pytest.approx(m.predict(state, item[[i]])[0])


# --------------------------------------------------------------------------------------- laws

answers = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.floats(0, 50)), min_size=1, max_size=12
)


def arrays(rows):
    item, right, day = zip(*rows, strict=True)
    return np.array(item), np.array(right, float), np.array(day)


def test_without_answers_mastery_is_the_prior_at_any_time():
    m = model()
    nothing = np.zeros(0)
    for as_of in (0.0, 1e6):
        state = m.state(nothing.astype(int), nothing, nothing, as_of)
        np.testing.assert_allclose(state.mastery, m.share @ m.chances.prior)
        np.testing.assert_array_equal(state.bits, 0)


@given(rows=answers, seed=st.integers(0, 99), at=st.integers(0, 11))
def test_a_wrong_answer_made_right_raises_each_classs_mastery_of_its_concept(rows, seed, at):
    m = model(seed)
    item, right, day = arrays(rows)
    at %= item.size
    k = m.q_matrix.indices[item[at]]
    low, high = right.copy(), right.copy()
    low[at], high[at] = 0, 1
    worse, better = (m.state(item, r, day, 60.0).by_class for r in (low, high))
    assert np.all(better[:, k] > worse[:, k] - 1e-12)
    np.testing.assert_allclose(better[:, 1 - k], worse[:, 1 - k])  # others': by ability alone


@given(rows=answers, seed=st.integers(0, 99), at=st.integers(0, 11))
def test_with_ability_in_priors_only_the_mastery_itself_rises(rows, seed, at):
    m = model(seed, n_classes=5, answer_slope=0.0, prior_slope=2.0)
    item, right, day = arrays(rows)
    at %= item.size
    k = m.q_matrix.indices[item[at]]
    low, high = right.copy(), right.copy()
    low[at], high[at] = 0, 1
    worse, better = (m.state(item, r, day, 60.0).mastery for r in (low, high))
    assert np.all(better > worse - 1e-12)  # of the others, as a class of more mastery is likelier
    assert better[k] > worse[k] or better[k] > 1 - 1e-9


@given(seed=st.integers(0, 99), gap=st.floats(0.01, 100))
def test_a_right_answer_after_a_wrong_one_says_more_than_before_it(seed, gap):
    m = model(seed)
    item, day = np.array([0, 0]), np.array([0.0, gap])
    rising = m.state(item, np.array([0.0, 1]), day, gap)
    falling = m.state(item, np.array([1.0, 0]), day, gap)
    assert np.all(rising.by_class[:, 0] > falling.by_class[:, 0])
    assert rising.mastery[0] > falling.mastery[0]


@given(rows=answers, seed=st.integers(0, 99), first=st.floats(50, 90), wait=st.floats(0.1, 50))
def test_mastery_ages_towards_the_prior_by_the_half_life(rows, seed, first, wait):
    m = model(seed)
    before = m.state(*arrays(rows), first)
    after = m.state(*arrays(rows), first + wait)
    left = 0.5 ** (wait / m.half_life)
    np.testing.assert_allclose(
        after.mastery - after.prior, left * (before.mastery - before.prior), atol=1e-12
    )
    np.testing.assert_allclose(after.ability, before.ability)
    assert np.all(after.bits <= before.bits + 1e-12)


@given(rows=answers, as_of=st.floats(0, 50))
def test_answers_after_the_moment_do_not_count(rows, as_of):
    m = model()
    item, right, day = arrays(rows)
    past = day <= as_of
    np.testing.assert_array_equal(
        m.state(item, right, day, as_of).mastery,
        m.state(item[past], right[past], day[past], as_of).mastery,
    )


def test_thousands_of_right_answers_can_be_taken_back():
    m = model(n_classes=1, learn=np.zeros(2), forget=0.0)
    right = np.concatenate([np.ones(3000), np.zeros(3000)])
    state = m.state(np.zeros(6000, int), right, np.arange(6000.0), 6000.0)
    assert state.mastery[0] < 0.5


# ------------------------------------------------------------------------------------- the fit


def planted(seed, n_learners=400, n_answers=50, **changes):
    """A model, and answers that it makes: items at random, days between answers at random."""
    rng = np.random.default_rng(seed)
    q = np.repeat(np.eye(5), 6, axis=0)
    ability = np.linspace(-3, 3, 15)
    share = np.exp(-(ability**2) / 2)
    values = {
        "slip": rng.uniform(0.05, 0.2, 30),
        "guess": rng.uniform(0.1, 0.25, 30),
        "prior": rng.uniform(0.3, 0.6, 5),
        "learn": np.full(5, 0.1),
        "forget": np.log(2) / 60,
        "ability": ability,
        "share": share / share.sum(),
        "prior_slope": 1.0,
        "answer_slope": 0.4,
    }
    m = model(seed, q, **(values | changes))
    n = (n_learners, n_answers)
    theta = rng.normal(size=n_learners)
    prior = expit(logit(m.prior) + m.prior_slope * theta[:, None])
    held = rng.random((n_learners, 5)) < prior
    item = rng.integers(0, 30, n)
    gap = np.where(rng.random(n) < 0.1, rng.exponential(60.0, n), 0.01)
    day = np.cumsum(gap, axis=1)
    right, everyone = np.empty(n), np.arange(n_learners)
    for t in range(n_answers):
        anew = rng.random((n_learners, 5)) < 1 - np.exp(-m.forget * gap[:, [t]])
        held = np.where(anew, rng.random((n_learners, 5)) < prior, held)
        k = item[:, t] // 6
        odds = np.where(held[everyone, k], -logit(m.slip[item[:, t]]), logit(m.guess[item[:, t]]))
        right[:, t] = rng.random(n_learners) < expit(odds + m.answer_slope * theta)
        held[everyone, k] |= rng.random(n_learners) < m.learn[k]
    learner = np.repeat(everyone, n_answers)
    return m, (learner, item.ravel(), right.ravel(), day.ravel()), held


FAST = AgingConfig(n_classes=7)


def test_a_fit_finds_the_planted_parameters():
    m, given_answers, held = planted(0)
    _, item, right, day = given_answers
    found = fit_in_order(*given_answers, m.q_matrix, FAST)
    assert found.learn.mean() == pytest.approx(0.1, abs=0.03)
    assert found.half_life == pytest.approx(60, rel=0.4)
    assert found.prior_slope == pytest.approx(1.0, abs=0.25)
    assert found.answer_slope == pytest.approx(0.4, abs=0.2)
    assert np.abs(found.slip - m.slip).mean() < 0.03
    assert np.abs(found.guess - m.guess).mean() < 0.03
    assert np.abs(found.prior - m.prior).mean() < 0.06
    own = [slice(u * 50, u * 50 + 50) for u in range(held.shape[0])]
    mastery = np.array([found.state(item[s], right[s], day[s], day[s][-1]).mastery for s in own])
    bins = np.digitize(mastery, [0.2, 0.4, 0.6, 0.8])
    for b in range(5):  # a mastery is a share of those who hold the concept
        here = bins == b
        gap = mastery[here].mean() - held[here].mean()
        assert abs(gap) < 3 * np.sqrt(0.25 / here.sum()) + 0.03


def test_what_did_not_happen_is_not_found():
    m, given_answers, _ = planted(1, learn=np.zeros(5), forget=0.0)
    found = fit_in_order(*given_answers, m.q_matrix, FAST)
    assert found.learn.max() < 0.02
    assert found.half_life > 1000
    low, high = half_life_interval(found, *given_answers, FAST)
    assert low > 600
    assert high == np.inf


def test_the_half_life_is_the_same_from_wherever_its_search_begins():
    m, given_answers, _ = planted(4, n_learners=150, n_answers=30)
    fits = [
        fit_in_order(*given_answers, m.q_matrix, replace(FAST, n_classes=3, half_life=days))
        for days in (15.0, 730.0)
    ]
    assert all(each.converged for each in fits)
    assert fits[1].half_life == pytest.approx(fits[0].half_life, rel=0.06)


@pytest.mark.parametrize("seed", range(2))
def test_the_planted_half_life_is_in_its_interval(seed):
    m, given_answers, _ = planted(seed, n_learners=150, n_answers=30)
    config = replace(FAST, n_classes=3)
    found = fit_in_order(*given_answers, m.q_matrix, config)
    low, high = half_life_interval(found, *given_answers, config)
    assert low < found.half_life < high
    assert low < 60 < high


def test_with_all_else_known_the_interval_is_that_of_the_evidence_alone():
    """From slopes of the log-evidence a standard error off, differenced over predictions."""
    m, (learner, item, right, day), _ = planted(5, n_learners=150, n_answers=30)
    known = AgingConfig(
        n_classes=1, fit_learn=False, learn_start=0.1, prior_weight=1e12, pool=False,
        difficulty_spread=1e-6, contrast_spread=1e-6, tolerance=1e-10, forget_tolerance=1e-6,
    )  # fmt: skip
    found = fit_in_order(learner, item, right, day, m.q_matrix, known)

    def evidence(forget):
        p = replace(found, forget=forget).predict_in_order(learner, item, right, day)
        return np.sum(np.log(np.where(right == 1, p, 1 - p)))

    f, step = found.forget, found.forget / 50

    def slope(forget):
        return (evidence(forget + step) - evidence(forget - step)) / (2 * step)

    assert evidence(f) > max(evidence(f - step), evidence(f + step))
    error = np.sqrt(2 * step / (slope(f - step) - slope(f + step)))
    error = np.sqrt(2 * error / (slope(f - error) - slope(f + error)))
    expected = np.log(2) / (f + 1.96 * error), np.log(2) / (f - 1.96 * error)
    found_interval = half_life_interval(found, learner, item, right, day, known)
    np.testing.assert_allclose(found_interval, expected, rtol=0.005)


def test_where_the_half_life_was_not_fitted_there_is_no_interval():
    m, (learner, item, right, day), _ = planted(6, n_learners=50, n_answers=10)
    at_once = np.zeros(day.size)
    config = replace(FAST, n_classes=1, iteration_limit=5)
    found = fit_in_order(learner, item, right, at_once, m.q_matrix, config)
    assert found.half_life == pytest.approx(730)
    assert half_life_interval(found, learner, item, right, at_once, config) is None
    stated = replace(config, fit_forget=False)
    found = fit_in_order(learner, item, right, day, m.q_matrix, stated)
    assert half_life_interval(found, learner, item, right, day, stated) is None


def test_em_does_not_lower_the_likelihood_where_nothing_pulls():
    m, given_answers, _ = planted(2, n_learners=100, n_answers=30)
    config = AgingConfig(
        n_classes=1, learn_weight=0, prior_weight=0, pool=False,
        difficulty_spread=1e3, contrast_spread=1e3, tolerance=1e-9, iteration_limit=30,
    )  # fmt: skip
    found = fit_in_order(*given_answers, m.q_matrix, config)
    assert np.all(np.diff(found.evidence) > -1e-6)
    assert found.evidence[-1] > found.evidence[0] + 10


def test_an_item_nobody_answered_is_like_those_with_its_concepts():
    m, (learner, item, right, day), _ = planted(3, n_learners=100)
    kept = item != 7
    found = fit_in_order(learner[kept], item[kept], right[kept], day[kept], m.q_matrix, FAST)
    alike = found.slip[[6, 8, 9, 10, 11]]
    assert alike.min() < found.slip[7] < alike.max()


def test_what_cannot_be_fitted_is_refused():
    q = sparse.csr_matrix(np.array([[1, 0], [0, 0]]))
    one, day = np.zeros(1, int), np.zeros(1)
    with pytest.raises(InputError, match=r"answer 0 has share right 2.0; give numbers in \[0, 1\]"):
        fit_in_order(one, one, np.array([2.0]), day, q)
    with pytest.raises(InputError, match="item 1 was answered and asks for no concept"):
        fit_in_order(one, one + 1, np.ones(1), day, q)
    with pytest.raises(InputError, match="answer 0 has item 2; give 0 to 1"):
        fit_in_order(one, one + 2, np.ones(1), day, q)
    with pytest.raises(InputError, match="answer 0 has day nan"):
        fit_in_order(one, one, np.ones(1), np.array([np.nan]), q)
    with pytest.raises(InputError, match="no answers"):
        fit_in_order(one[:0], one[:0], day[:0], day[:0], q)
    with pytest.raises(AxisMismatch):
        fit_in_order(one, one, np.ones(2), day, q)
    with pytest.raises(ConfigError, match="half_life is 0"):
        AgingConfig(half_life=0)
