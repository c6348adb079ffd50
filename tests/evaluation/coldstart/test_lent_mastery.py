"""Cut learners, what is lent to them, and how far off that is; planted, by hand and by loops."""

from dataclasses import replace

import coldstart_cases as worlds
import numpy as np
import pytest
from scipy import sparse

from kgplan.coldstart.config import CUTS
from kgplan.coldstart.features import Rows
from kgplan.coldstart.lending import LendingConfig
from kgplan.diagnosis.config import LearnerModelConfig
from kgplan.evaluation.coldstart.cases import Case
from kgplan.evaluation.coldstart.lent import (
    OWN,
    PRIOR,
    Diagnoser,
    Lending,
    _Truth,
    by_mastery,
    calibration_error,
)
from kgplan.planning.mastery import ItemParameters, LearnerMastery


@pytest.fixture(scope="module")
def world():
    """Fourteen learners of two kinds, each of whom watches all of that kind's courses in full; what
    is known of both kinds' mastery is planted."""
    rng = np.random.default_rng(0)
    order = np.zeros((14, 24), dtype=np.int32)
    for u in range(14):
        order[u, rng.permutation(12) + 12 * (u % 2)] = np.arange(1, 13)
    viewed = sparse.csr_array(order)
    records = replace(
        worlds.records(rng, n=14),
        viewed=sparse.csr_array((np.ones(viewed.nnz), viewed.indices, viewed.indptr), (14, 24)),
        viewed_order=viewed.data,
    )
    held = np.zeros((14, worlds.N_CONCEPTS))
    held[::2, :3], held[1::2, 3:] = 0.9, 0.9
    items = ItemParameters(
        records.item_ids, np.full(24, 0.1), np.full(24, 0.2), LearnerModelConfig()
    )
    nobody = sparse.csr_array(held.shape, dtype=bool)
    fitted = LearnerMastery(
        records.learner_ids, records.concept_ids, sparse.csr_array(held), np.full(6, 0.4), nobody,
        items,
    )  # fmt: skip
    diagnoser = Diagnoser(fitted, records, worlds.histories(records))
    cases = [
        Case(u, np.sort(line[-3:]), np.array([12 * (1 - u % 2)]), line)
        for u in (0, 1)
        for line in [diagnoser.histories.all_of(u)]
    ]
    return diagnoser, cases, Lending(diagnoser, cases, np.random.default_rng(1))


def test_what_was_passed_by_counts_before_the_furthest_opened_item_of_the_course(world):
    diagnoser, _, _ = world
    rows = Rows(np.array([4, 2, 13]), np.array([1.0, 0.5, 0.7]), np.full(3, np.nan), np.array([0]))
    items, shares, weights = diagnoser.observed(rows)
    assert items.tolist() == [0, 1, 2, 3, 4, 12, 13]  # not 5, nor what stands behind 13
    assert shares.tolist() == [0, 0, 0.5, 0, 1, 0, 0.7]
    assert (weights == 1).all()  # without attendance all that was passed by weighs 1


def test_nothing_lent_is_what_own_rows_say_to_the_last_bit(world):
    diagnoser, cases, lending = world
    who = np.arange(14), np.full(14, 1 / 14), 1.0
    for k in range(len(cases)):
        for n in CUTS:
            own = lending.estimate(k, n, diagnoser.prior)
            lent = lending.lent(k, n, lambda *_: who, LendingConfig(most=0.0))
            np.testing.assert_array_equal(own, lent)
            if n == 0:
                np.testing.assert_array_equal(own, diagnoser.prior)


def test_lending_by_those_of_ones_kind_is_nearer_than_the_prior_without_rows(world):
    _, _, lending = world

    def kind(k, n):
        at = np.arange(k, 14, 2)
        return at, np.full(at.size, 1 / at.size), 1.0

    def other_kind(k, n):
        return kind(1 - k, n)

    config = LendingConfig(most=0.75, fade=3.0, pull=0.1)
    found = {
        (each.method, each.n): each
        for each in lending.compared({"kind": kind, "other": other_kind}, config)
    }
    assert found["kind", 0].means["error"] < found[PRIOR, 0].means["error"]
    assert found[PRIOR, 0].means["error"] == found[OWN, 0].means["error"]
    gain = found["kind", 0].gains[PRIOR][0]
    assert gain == pytest.approx(found[PRIOR, 0].means["error"] - found["kind", 0].means["error"])
    assert lending.chosen(kind).most == 1.0  # planted: the whole truth is lent


def test_errors_are_the_mean_distance_over_what_all_rows_reach(world):
    _, _, lending = world
    guess = np.linspace(0.1, 0.9, 6)
    truth = lending.truth[0]
    assert set(truth.concepts.tolist()) == {0, 1, 2}  # of twelve items of the first kind
    whole, rest = lending.errors(0, 1, guess)
    by_hand = [abs(guess[k] - m) for k, m in zip(truth.concepts, truth.mastery, strict=True)]
    assert whole == pytest.approx(np.mean(by_hand))
    met = {int(v) // 4 for v in lending.seen[1][0][0]}
    assert rest == pytest.approx(
        np.mean([d for k, d in zip(truth.concepts, by_hand, strict=True) if k not in met])
    )


def test_the_bound_names_learners_of_the_same_mastery():
    known = sparse.csr_array(np.array([[0.9, 0.1, 0], [0.5, 0.5, 0.5], [0.1, 0.9, 0.3]]))
    truth = _Truth(np.array([0, 1]), np.array([0.9, 0.2]))
    at, weights, sure = by_mastery(known, truth, 2)
    assert at.tolist() == [0, 1]
    alike = np.array([1 - 0.05, 1 - 0.35]) ** 10
    np.testing.assert_allclose(weights, alike / alike.sum())
    assert sure == 1


def test_predictions_that_are_right_on_average_are_calibrated():
    p = np.repeat([0.25, 0.75], 400)
    yes = np.tile([1.0, 0, 0, 0], 100), np.tile([1.0, 1, 1, 0], 100)
    assert calibration_error(p, np.concatenate(yes)) == pytest.approx(0)
    assert calibration_error(p, 1 - np.concatenate(yes)) == pytest.approx(0.5)
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0)))
