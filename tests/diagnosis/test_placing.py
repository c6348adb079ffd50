"""What edges carry and which question says most, held against sums over all states."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kgplan.diagnosis import placing
from kgplan.diagnosis.gain import lines
from kgplan.diagnosis.placing import (
    CARRIED,
    SAID_GUESS,
    SAID_SLIP,
    Questions,
    believe,
    carried,
    informations,
    next_question,
    ratio_of,
    said_ratio,
    tied,
)

seeds = st.integers(0, 2**32 - 1)
SIZE = 6
STATES = np.array(list(itertools.product([0, 1], repeat=SIZE)))


def random_forest(rng):
    """Priors and edges among six concepts, without a circle whichever way one looks."""
    prior = rng.uniform(0.1, 0.9, SIZE)
    edges = [(k, int(rng.integers(k))) for k in range(1, SIZE) if rng.random() < 0.8]
    edges = [pair if rng.random() < 0.5 else pair[::-1] for pair in edges]
    concept, needed = np.array(edges, np.int64).reshape(-1, 2).T
    return prior, concept, needed, rng.uniform(0.3, 1.0, concept.size)


def joint_of(prior, concept, needed, strength):
    """(S,) P(state): the concepts' own, times what each edge says of its two.

    Of a pair, held without what it needs is 1 - CARRIED strength as likely as by chance, or as
    likely as the two priors allow.
    """
    p = np.where(STATES, prior, 1 - prior).prod(axis=1)
    for c, n, s in zip(concept, needed, strength, strict=True):
        table = np.empty((2, 2))
        table[1, 0] = max((1 - CARRIED * s) * prior[c] * (1 - prior[n]), prior[c] - prior[n])
        table[1, 1] = prior[c] - table[1, 0]
        table[0, 1] = prior[n] - table[1, 1]
        table[0, 0] = 1 - table[1, 0] - table[1, 1] - table[0, 1]
        chance = np.outer([1 - prior[c], prior[c]], [1 - prior[n], prior[n]])
        p = p * (table / chance)[STATES[:, c], STATES[:, n]]
    return p


def random_questions(rng, largest):
    sizes = rng.integers(1, largest + 1, 5)
    concepts = np.concatenate([rng.choice(SIZE, n, replace=False) for n in sizes])
    slip, guess = rng.uniform(0.02, 0.4, 5), rng.uniform(0.05, 0.4, 5)
    start = np.append(0, np.cumsum(sizes))
    return Questions(start, concepts, lines(slip, guess, sizes)), slip, guess


def information_by_sums(p, questions, slip, guess, q, concept):
    """Mutual information of the answer to a question and one concept, in bits."""
    on = questions.concepts[questions.start[q] : questions.start[q + 1]]
    held = STATES[:, on].mean(axis=1)
    right = guess[q] ** (1 - held) * (1 - slip[q]) ** held  # eq. (9) and (10) of kg-plppm
    bits = 0.0
    for answer in (right, 1 - right):
        for value in (0, 1):
            here = STATES[:, concept] == value
            both = (p * answer)[here].sum()
            bits += both * np.log2(both / (p[here].sum() * (p * answer).sum()))
    return bits


@given(seed=seeds)
def test_what_is_believed_is_the_sum_over_all_states(seed):
    rng = np.random.default_rng(seed)
    forest = random_forest(rng)
    ratio = np.where(rng.random(SIZE) < 0.5, rng.uniform(0.1, 8, SIZE), 1.0)
    p = joint_of(*forest) * np.where(STATES, ratio, 1.0).prod(axis=1)
    p /= p.sum()
    belief = believe(tied(*forest), ratio)
    held = p @ STATES
    assert belief.mastery == pytest.approx(held, abs=1e-7)
    covariance = (STATES * p[:, None]).T @ STATES - np.outer(held, held)
    sd = np.sqrt(np.diag(covariance))
    for concept, above in enumerate(belief.tree.above):
        if above >= 0:
            expected = covariance[concept, above] / sd[concept] / sd[above]
            assert belief.tie[concept] == pytest.approx(expected, abs=1e-6)


@given(seed=seeds)
def test_without_evidence_edges_say_nothing(seed):
    forest = random_forest(np.random.default_rng(seed))
    assert believe(tied(*forest), np.ones(SIZE)).mastery == pytest.approx(forest[0])
    assert carried(tied(*forest), np.ones(SIZE)) == pytest.approx(np.ones(SIZE))


@given(seed=seeds)
def test_holding_a_concept_speaks_for_what_it_needs_and_lacking_that_against_it(seed):
    rng = np.random.default_rng(seed)
    prior, concept, needed, strength = random_forest(rng)
    assume(concept.size)
    tree, edge = tied(prior, concept, needed, strength), rng.integers(concept.size)
    ratio = np.ones(SIZE)
    ratio[concept[edge]] = said_ratio(np.array(1.0))
    assert carried(tree, ratio)[needed[edge]] >= 1 - 1e-9
    ratio[:] = 1
    ratio[needed[edge]] = said_ratio(np.array(0.0))
    assert carried(tree, ratio)[concept[edge]] <= 1 + 1e-9


@given(seed=seeds)
def test_information_is_mutual_information_where_questions_are_on_one_concept(seed):
    rng = np.random.default_rng(seed)
    forest = random_forest(rng)
    ratio = rng.uniform(0.2, 5, SIZE)
    p = joint_of(*forest) * np.where(STATES, ratio, 1.0).prod(axis=1)
    p /= p.sum()
    weight = rng.choice([0.0, 0.5, 1.0], SIZE)
    questions, slip, guess = random_questions(rng, 1)
    found = informations(believe(tied(*forest), ratio), questions, weight)
    expected = [
        sum(weight[k] * information_by_sums(p, questions, slip, guess, q, k) for k in range(SIZE))
        for q in range(5)
    ]
    assert found == pytest.approx(expected, abs=SIZE * 1e-4)  # of ties that are too weak to count


@given(seed=seeds)
def test_information_of_questions_on_several_concepts_without_ties(seed):
    rng = np.random.default_rng(seed)
    prior = rng.uniform(0.1, 0.9, SIZE)
    nothing = np.zeros(0, np.int64)
    p = joint_of(prior, nothing, nothing, np.zeros(0))
    weight = rng.choice([0.0, 1.0], SIZE)
    questions, slip, guess = random_questions(rng, 3)
    tree = tied(prior, nothing, nothing, np.zeros(0))
    found = informations(believe(tree, np.ones(SIZE)), questions, weight)
    expected = [
        sum(weight[k] * information_by_sums(p, questions, slip, guess, q, k) for k in range(SIZE))
        for q in range(5)
    ]
    assert found == pytest.approx(expected, abs=1e-9)


@given(seed=seeds)
def test_no_question_says_less_than_nothing_and_one_off_the_goal_says_nothing(seed):
    rng = np.random.default_rng(seed)
    prior = rng.uniform(0.1, 0.9, SIZE)
    # concepts 0 to 2 are tied to each other, the others to nothing
    tree = tied(prior, np.array([0, 1]), np.array([1, 2]), np.array([1.0, 0.7]))
    weight = np.array([0, 0, 1.0, 0, 0, 0])
    questions, _, _ = random_questions(rng, 3)
    found = informations(believe(tree, rng.uniform(0.2, 5, SIZE)), questions, weight)
    assert (found >= 0).all()
    for q in range(5):
        on = questions.concepts[questions.start[q] : questions.start[q + 1]]
        if (on >= 3).all():
            assert found[q] == 0
    one = Questions(np.array([0, 1]), np.array([0]), lines(np.r_[0.1], np.r_[0.2], np.r_[1]))
    assert informations(believe(tree, np.ones(SIZE)), one, weight)[0] > 0  # by what it needs


def test_edges_in_a_circle_and_edges_that_the_priors_contradict_say_nothing():
    nothing = tied(np.full(3, 0.4), np.array([0, 1]), np.array([1, 0]), np.ones(2))
    assert (nothing.above == -1).all()
    # 0.9 hold what needs a concept that 0.1 hold: then all of these hold it, whatever the strength
    weak = tied(np.array([0.9, 0.1]), np.array([0]), np.array([1]), np.array([0.1]))
    first = 0.9 * 4.5 / (0.9 * 4.5 + 0.1)
    found = believe(weak, np.array([4.5, 1.0])).mastery
    assert found == pytest.approx([first, first * 0.1 / 0.9])


def test_of_a_circle_the_edge_that_says_least_is_left_out():
    prior = np.full(3, 0.5)
    tree = tied(prior, np.array([2, 2, 1]), np.array([1, 0, 0]), np.array([1.0, 0.2, 1.0]))
    kept = {frozenset((k, int(a))) for k, a in enumerate(tree.above) if a >= 0}
    assert kept == {frozenset((1, 2)), frozenset((0, 1))}


def test_what_is_said_counts_as_an_answer_with_the_stated_slip_and_guess():
    prior = np.array([0.5])
    tree = tied(prior, np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    held = believe(tree, said_ratio(np.array([1.0]))).mastery[0]
    assert held == pytest.approx((1 - SAID_SLIP) / (1 - SAID_SLIP + SAID_GUESS))
    assert ratio_of(np.array([held]), prior)[0] == pytest.approx((1 - SAID_SLIP) / SAID_GUESS)


def test_the_next_question_is_an_open_one_that_says_most():
    prior = np.array([0.5, 0.5, 0.99])
    tree = tied(prior, np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    each = np.arange(3)
    same = lines(np.full(3, 0.1), np.full(3, 0.2), np.ones(3))
    questions, weight = Questions(np.arange(4), each, same), np.ones(3)
    belief = believe(tree, np.ones(3))
    is_open = np.ones(3, bool)
    asked = []
    while (found := next_question(belief, questions, weight, is_open))[0] >= 0:
        asked.append(found[0])
        is_open[found[0]] = False
    assert asked == [0, 1, 2]  # none twice, and what is all but sure last
    assert next_question(belief, questions, np.zeros(3), np.ones(3, bool)) == (-1, 0.0)


def test_a_part_of_a_forest_keeps_its_priors(monkeypatch):
    prior = np.array([0.3, 0.5, 0.6, 0.7])
    monkeypatch.setattr(placing, "CARRIED", 1.0)
    tree = tied(prior, np.array([0, 1, 2]), np.array([1, 2, 3]), np.ones(3))
    part = tree.among(np.array([0, 1, 3]))
    assert believe(part, np.ones(3)).mastery == pytest.approx(prior[[0, 1, 3]])
    both = believe(part, np.array([4.5, 1, 1])).mastery
    alone = believe(tree, np.array([4.5, 1, 1, 1])).mastery
    assert both[1] == pytest.approx(alone[1])
    assert both[2] == pytest.approx(prior[3])  # what joined it is not among them
