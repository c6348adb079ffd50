"""What moved a mastery, held against inference without each observation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, infer
from kgplan.diagnosis.influence import Together, influences

N_VIDEOS, N_CONCEPTS = 14, 10
seeds = st.integers(0, 2**32 - 1)
links = st.sampled_from(["compensatory", "conjunctive"])


def a_learner(seed, link):
    """A model small enough to be enumerated, and some observations of one learner."""
    rng = np.random.default_rng(seed)
    q = np.zeros((N_VIDEOS, N_CONCEPTS))
    for row in q:
        near = rng.integers(N_CONCEPTS) + np.arange(4)
        row[rng.choice(near, rng.integers(1, 4), replace=False) % N_CONCEPTS] = 1
    slip, guess = rng.uniform(0.05, 0.3, (2, N_VIDEOS))
    arguments = sparse.csr_matrix(q), slip, guess, rng.uniform(0.2, 0.8, N_CONCEPTS)
    videos = np.flatnonzero(rng.random(N_VIDEOS) < 0.6)
    shares = rng.choice([0.0, 0.4, 1.0], videos.size)
    return arguments, DiagnosisConfig(link=link), videos, shares


def from_scratch(videos, shares, arguments, config):
    """(K,) by the batch's inference; the prior where nothing is observed."""
    row = sparse.csr_matrix((shares, videos, [0, videos.size]), shape=(1, N_VIDEOS))
    found = infer(row, *arguments, config).mastery
    mastery = arguments[3].copy()
    mastery[found.indices] = found.data
    return mastery


def by_enumeration(videos, shares, arguments, link):
    """(K,) by Bayes' rule over all 2^K states: eqs. 9-10, a share as so much of a view."""
    q, slip, guess, prior = arguments[0].toarray(), *arguments[1:]
    states = (np.arange(2**N_CONCEPTS)[:, None] >> np.arange(N_CONCEPTS)) & 1
    log_p = (np.log(prior) * states + np.log(1 - prior) * (1 - states)).sum(axis=1)
    for video, share in zip(videos.tolist(), shares.tolist(), strict=True):
        eta = states @ q[video] / q[video].sum()
        eta = np.floor(eta + 1e-9) if link == "conjunctive" else eta
        right = guess[video] ** (1 - eta) * (1 - slip[video]) ** eta
        log_p += share * np.log(right) + (1 - share) * np.log(1 - right)
    p = np.exp(log_p - log_p.max())
    return p @ states / p.sum()


@settings(deadline=None, max_examples=25)
@given(seed=seeds, link=links)
def test_each_influence_is_the_mastery_less_that_of_inference_without_it(seed, link):
    arguments, config, videos, shares = a_learner(seed, link)
    live = LiveDiagnosis(*arguments, config)
    known = live.infer(videos, shares)
    whole = from_scratch(videos, shares, arguments, config)
    without = np.array(
        [
            from_scratch(np.delete(videos, i), np.delete(shares, i), arguments, config)
            for i in range(videos.size)
        ]
    ).reshape(-1, N_CONCEPTS)
    covered = arguments[0].toarray()[videos] > 0
    for concept in range(N_CONCEPTS):
        found = influences(live, known, concept, most=videos.size)
        moved = np.zeros(videos.size)
        moved[found.places] = found.moved
        assert found.left_out == 0
        # what is not looked at cannot move it
        np.testing.assert_allclose(moved, whole[concept] - without[:, concept], atol=1e-12)
        assert (np.diff(np.abs(found.moved)) <= 0).all()
        assert np.array_equal(np.sort(found.places[found.covers]), *covered[:, concept].nonzero())
        for up, together in ((True, found.raising), (False, found.lowering)):
            rest = np.ones(videos.size, bool)
            alike = found.moved > 0 if up else found.moved < 0
            rest[found.places[alike & found.covers]] = False
            left = from_scratch(videos[rest], shares[rest], arguments, config)
            assert together.observations == (~rest).sum()
            assert together.moved == pytest.approx(whole[concept] - left[concept], abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=seeds, link=links)
def test_where_states_can_be_enumerated_influences_are_those_of_bayes_rule(seed, link):
    arguments, config, videos, shares = a_learner(seed, link)
    live = LiveDiagnosis(*arguments, config)
    known, whole = live.infer(videos, shares), by_enumeration(videos, shares, arguments, link)
    moved = np.zeros((videos.size, N_CONCEPTS))
    for concept in range(N_CONCEPTS):
        found = influences(live, known, concept, most=videos.size)
        moved[found.places, concept] = found.moved
    for i in range(videos.size):
        left = by_enumeration(np.delete(videos, i), np.delete(shares, i), arguments, link)
        np.testing.assert_allclose(moved[i], whole - left, atol=1e-7)


@settings(deadline=None, max_examples=25)
@given(seed=seeds, most=st.integers(0, 6))
def test_what_is_looked_at_first_is_nearest(seed, most):
    """On paper: concepts joined by what was not watched whole, one item further each time."""
    arguments, config, videos, shares = a_learner(seed, "compensatory")
    live, q = LiveDiagnosis(*arguments, config), arguments[0].toarray()[videos] > 0
    known = live.infer(videos, shares)
    for concept in range(N_CONCEPTS):
        far, joined = {}, {concept}
        for step in range(N_VIDEOS):
            fresh = [i for i in range(videos.size) if i not in far and q[i, sorted(joined)].any()]
            far |= dict.fromkeys(fresh, step)
            for i in fresh:
                joined |= set(np.flatnonzero(q[i]).tolist()) if shares[i] < 1 else set()
        found = influences(live, known, concept, most)
        assert found.places.size == min(most, len(far))
        assert found.left_out == len(far) - found.places.size
        looked_at = found.places.tolist()
        nearest = sorted(far.values())[: len(looked_at)]
        assert sorted(far[i] for i in looked_at) == nearest


def test_of_a_concept_that_nothing_reaches_nothing_is_said():
    q = sparse.csr_matrix(np.eye(2))
    half = np.full(2, 0.5)
    live = LiveDiagnosis(q, np.full(2, 0.1), np.full(2, 0.2), half)
    known = live.infer(np.array([0]), np.array([1.0]))
    found = influences(live, known, 1, most=8)
    assert (found.places.size, found.left_out) == (0, 0)
    assert found.raising == found.lowering == Together(0, 0.0)


def test_what_several_views_say_alike_none_of_them_moves_alone():
    """Five views of one concept, slip .1, guess .2: odds 4.5^5 against 4.5^4 without any one."""
    n = 5
    live = LiveDiagnosis(
        sparse.csr_matrix(np.ones((n, 1))), np.full(n, 0.1), np.full(n, 0.2), np.array([0.5])
    )
    found = influences(live, live.infer(np.arange(n), np.ones(n)), 0, most=n)
    odds = 4.5
    alone = odds**5 / (1 + odds**5) - odds**4 / (1 + odds**4)
    np.testing.assert_allclose(found.moved, alone)
    assert found.raising.moved == pytest.approx(odds**5 / (1 + odds**5) - 0.5)
    assert alone < 0.01 < 0.49 < found.raising.moved


def test_what_is_not_looked_at_still_counts_with_what_says_the_same():
    """Three views and two videos not opened of one concept, of which one view is looked at."""
    q, shares = sparse.csr_matrix(np.ones((5, 1))), np.array([1.0, 1, 0, 1, 0])
    live = LiveDiagnosis(q, np.full(5, 0.1), np.full(5, 0.2), np.array([0.5]))
    found = influences(live, live.infer(np.arange(5), shares), 0, most=1)
    for_it, against = 4.5, 1 / 8  # odds of one view, .9 to .2, and of one not opened, .1 to .8
    held = for_it**3 * against**2 / (1 + for_it**3 * against**2)
    assert (found.places.size, found.left_out) == (1, 4)
    assert found.raising.observations == 3
    assert found.raising.moved == pytest.approx(held - against**2 / (1 + against**2))
    assert found.lowering.observations == 2
    assert found.lowering.moved == pytest.approx(held - for_it**3 / (1 + for_it**3))


def mastery_by_share(arguments, videos, shares, video, concept):
    """Of a concept, as the share of one video rises, the rest as it was observed."""
    live = LiveDiagnosis(*arguments)
    rest = videos != video
    found = []
    for share in np.linspace(0, 1, 6):
        seen = np.append(videos[rest], video), np.append(shares[rest], share)
        known = live.infer(*seen)
        found.append(known.mastery[np.searchsorted(known.concepts, concept)])
    return np.array(found)


@settings(deadline=None, max_examples=60)
@given(seed=seeds, alone=st.booleans())
def test_more_of_an_item_never_lowers_its_concepts_where_nothing_explains_it_away(seed, alone):
    """The derivative by the share is Cov(held, logit p), p of the item's own concepts.

    It cannot be below 0 where the item covers the concept alone, whatever else was observed; nor
    where everything else was watched whole, as the concepts are then independent but for the item,
    and each is the likelier the more of them are held (Efron 1965).
    """
    arguments, _, videos, shares = a_learner(seed, "compensatory")
    if not videos.size:
        return
    q = arguments[0].toarray()
    video = int(videos[seed % videos.size])
    concept = int(np.flatnonzero(q[video])[0])
    if alone:
        q[video] = np.arange(N_CONCEPTS) == concept
        arguments = sparse.csr_matrix(q), *arguments[1:]
    else:
        shares = np.ones(videos.size)
    by_share = mastery_by_share(arguments, videos, shares, video, concept)
    assert (np.diff(by_share) >= -1e-9).all()
    assert by_share[-1] > by_share[0]


def test_more_of_an_item_can_lower_a_concept_where_others_explain_it_away():
    """Five items that were not opened say: not both this concept and another, one other each.

    A view of an item that covers all six says that many are held: the five others rather than the
    one that none of them goes with. So the compensatory link alone does not make mastery rise with
    all of its evidence; on paper, by the sum over the 64 states.
    """
    pairs = [np.isin(np.arange(6), [0, other]) for other in range(1, 6)]
    q = np.array([*pairs, np.ones(6)], float)
    slip, guess, prior = np.full(6, 0.1), np.full(6, 0.2), np.full(6, 0.5)
    arguments = sparse.csr_matrix(q), slip, guess, prior
    videos, shares = np.arange(6), np.zeros(6)
    by_share = mastery_by_share(arguments, videos, shares, video=5, concept=0)
    states = (np.arange(64)[:, None] >> np.arange(6)) & 1
    for share, found in zip(np.linspace(0, 1, 6), by_share, strict=True):
        right = 0.2 * (0.9 / 0.2) ** (states @ (q / q.sum(axis=1, keepdims=True)).T)
        p = np.prod(1 - right[:, :5], axis=1)
        p *= right[:, 5] ** share * (1 - right[:, 5]) ** (1 - share)
        assert found == pytest.approx(p @ states[:, 0] / p.sum())
    assert by_share[-1] < by_share[0]
