"""A hierarchy of concepts: planted truth, laws, and what is refused."""

import itertools
import json

import numpy as np
import pytest
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, VDina, assess, fit, infer, standard_errors
from kgplan.diagnosis.hierarchy import possible_states, prerequisites_of
from kgplan.errors import ConfigError, InputError
from kgplan.pipeline.mastery import run_fit

CHAIN = np.array([[0, 1], [1, 2]])  # the states 000, 100, 110 and 111
LADDER = [0b000, 0b001, 0b011, 0b111]
Q = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]] * 4)


def answers(n_learners, seed, link="conjunctive"):
    """Answers of learners on the ladder: (U, V), the shares of its states, slip, guess, held."""
    rng = np.random.default_rng(seed)
    share = np.array([0.2, 0.3, 0.15, 0.35])
    held = (np.array(LADDER)[rng.choice(4, n_learners, p=share)][:, None] >> np.arange(3)) & 1
    eta = held @ Q.T / Q.sum(axis=1)
    eta = np.floor(eta) if link == "conjunctive" else eta
    slip, guess = rng.uniform(0.05, 0.2, (2, Q.shape[0]))
    right = rng.random(eta.shape) < guess ** (1 - eta) * (1 - slip) ** eta
    return right.astype(float), share, slip, guess, held


def as_observed(scores):
    return sparse.csr_matrix(
        (scores.ravel(), np.tile(np.arange(scores.shape[1]), len(scores)),
         np.arange(len(scores) + 1) * scores.shape[1]), shape=scores.shape,
    )  # fmt: skip


def saturated(link="conjunctive"):
    return DiagnosisConfig.maximum_likelihood(link=link, class_prior="saturated")


@pytest.mark.parametrize("link", ["conjunctive", "compensatory"])
def test_a_fit_with_the_hierarchy_finds_the_planted_states(link):
    scores, share, slip, guess, _ = answers(4000, seed=1, link=link)
    found = fit(as_observed(scores), sparse.csr_matrix(Q), saturated(link), hierarchy=CHAIN)
    assert np.flatnonzero(found.share).tolist() == LADDER
    np.testing.assert_allclose(found.share[LADDER], share, atol=0.04)
    assert np.abs(found.slip - slip).mean() < 0.02
    assert np.abs(found.guess - guess).mean() < 0.02
    mastery = found.mastery.toarray()
    assert np.all(np.diff(mastery, axis=1) <= 1e-12)  # no concept surer than its prerequisite


def test_the_hierarchy_tells_more_from_few_answers_than_all_states_do():
    """Truth lies on the ladder; 60 learners with 6 answers each leave eight states in doubt."""
    held_error = {}
    for name, hierarchy in (("ladder", CHAIN), ("all states", None)):
        errors = []
        for seed in range(8):
            scores, *_, held = answers(60, seed)
            kept = np.random.default_rng(seed).permutation(Q.shape[0])[:6]
            q = sparse.csr_matrix(Q[kept])
            config = DiagnosisConfig(link="conjunctive", class_prior="saturated")
            found = fit(as_observed(scores[:, kept]), q, config, hierarchy=hierarchy)
            covered = np.unique(q.indices)
            errors.append(np.mean((found.mastery.toarray() - held)[:, covered] ** 2))
        held_error[name] = np.mean(errors)
    assert held_error["ladder"] < held_error["all states"]


def test_a_hierarchy_never_fits_better_than_all_states_and_costs_fewer_parameters():
    scores, *_ = answers(500, seed=3)
    watched, q = as_observed(scores), sparse.csr_matrix(Q)
    ladder, every = (fit(watched, q, saturated(), hierarchy=h) for h in (CHAIN, None))
    assert ladder.log_evidence.sum() <= every.log_evidence.sum() + 1e-6
    with_it, without = assess(watched, q, ladder), assess(watched, q, every)
    assert without.n_parameters - with_it.n_parameters == 8 - 4
    assert with_it.moments.df - without.moments.df == 8 - 4
    assert with_it.bic < without.bic  # the truth is on the ladder


def test_standard_errors_and_inference_stand_at_a_fit_with_a_hierarchy():
    scores, *_ = answers(500, seed=4)
    watched, q = as_observed(scores), sparse.csr_matrix(Q)
    found = fit(watched, q, saturated(), hierarchy=CHAIN)
    errors = standard_errors(watched, q, found)
    assert np.all(errors.slip[~np.isnan(errors.slip)] < 0.2)
    assert np.isfinite(errors.slip).mean() > 0.9
    again = infer(watched, q, found.slip, found.guess, found.prior, found.config, share=found.share)
    np.testing.assert_allclose(again.mastery.toarray(), found.mastery.toarray(), atol=1e-12)


def test_the_objective_never_falls_under_a_hierarchy():
    scores, *_ = answers(300, seed=5)
    found = fit(as_observed(scores), sparse.csr_matrix(Q), saturated(), hierarchy=CHAIN)
    assert np.all(np.diff(found.objective) >= 0)


def test_possible_states_are_those_that_a_check_pair_by_pair_leaves():
    rng = np.random.default_rng(0)
    for _ in range(20):
        pairs = np.array([(a, b) for a, b in itertools.combinations(range(6), 2)])
        pairs = pairs[rng.random(len(pairs)) < 0.2]
        expected = [
            all(not state >> b & 1 or state >> a & 1 for a, b in pairs) for state in range(64)
        ]
        assert possible_states(pairs, np.arange(6), 6).tolist() == expected


def test_a_chain_through_a_concept_without_items_counts():
    possible = possible_states(CHAIN, np.array([0, 2]), 3)  # no video covers concept 1
    assert possible.tolist() == [True, True, False, True]


def test_the_estimator_takes_a_hierarchy():
    scores, *_ = answers(200, seed=6)
    model = VDina(Q, link="conjunctive", prior="saturated", hierarchy=CHAIN).fit(scores)
    assert np.flatnonzero(model.state_share_).tolist() == LADDER
    assert model.get_params()["hierarchy"] is CHAIN


@pytest.mark.parametrize("pairs", [[[0, 1], [1, 0]], [[2, 2]], [[0, 1], [1, 2], [2, 0]]])
def test_a_hierarchy_in_a_circle_is_refused(pairs):
    scores, *_ = answers(10, seed=7)
    with pytest.raises(InputError, match=r"goes in a circle: (\d -> )+\d; leave one pair out"):
        fit(as_observed(scores), sparse.csr_matrix(Q), saturated(), hierarchy=np.array(pairs))


def test_a_hierarchy_without_a_saturated_prior_or_with_unknown_concepts_is_refused():
    scores, *_ = answers(10, seed=7)
    watched, q = as_observed(scores), sparse.csr_matrix(Q)
    with pytest.raises(ConfigError, match="class_prior is 'independent'"):
        fit(watched, q, hierarchy=CHAIN)
    with pytest.raises(InputError, match="names concept 3; give numbers from 0 to 2"):
        fit(watched, q, saturated(), hierarchy=np.array([[0, 3]]))


def test_prerequisites_are_followed_to_the_end():
    needed = prerequisites_of([("a", "b"), ("b", "c"), ("x", "c")])
    assert needed == {"a": set(), "x": set(), "b": {"a"}, "c": {"a", "b", "x"}}


def test_a_hierarchy_file_constrains_the_fit_and_lists_what_it_does_not_know(tmp_path):
    scores, *_ = answers(80, seed=8)
    items = [f"i{v}" for v in range(Q.shape[0])]
    rows = [",".join(items), *(",".join(f"{x:g}" for x in row) for row in scores)]
    (tmp_path / "R.csv").write_text("\n".join(rows) + "\n")
    q_rows = ["a,b,c", *(",".join(map(str, row)) for row in Q)]
    (tmp_path / "Q.csv").write_text("\n".join(q_rows) + "\n")
    # a is needed for c through z, which has no item; the last row is broken
    (tmp_path / "H.csv").write_text("prerequisite_id,concept_id\na,b\na,z\nz,c\nb\n")
    summary = run_fit(
        tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", saturated(),
        hierarchy=tmp_path / "H.csv",
    )  # fmt: skip
    assert summary["rejected"] == {"unknown_concept": 2, "broken_row": 1}
    assert summary["n_impossible_states"] == 3  # b, c, and both without a
    assert json.loads((tmp_path / "out" / "fit.json").read_text())["n_impossible_states"] == 3
    (tmp_path / "H.csv").write_text("prerequisite_id,concept_id\na,b\nb,a\n")
    with pytest.raises(InputError, match="goes in a circle: a -> b -> a;"):
        run_fit(
            tmp_path / "R.csv", tmp_path / "Q.csv", tmp_path / "out", saturated(),
            hierarchy=tmp_path / "H.csv",
        )  # fmt: skip
