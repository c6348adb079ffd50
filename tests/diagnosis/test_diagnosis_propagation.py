"""Propagated mastery: how near enumeration, what regions and conditioning add, which law holds."""

from dataclasses import replace

import numpy as np
import pytest
from diagnosis_cases import infer_one, random_case, stored, varied_cases
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, fit
from kgplan.diagnosis.estep import Line, expect, parameters
from kgplan.diagnosis.evidence import pose
from kgplan.diagnosis.response import to_line
from kgplan.native.layout import LOOPY

LINKS = ("compensatory", "conjunctive")
NEVER_ENUMERATED = DiagnosisConfig(enumeration_limit=0)


def errors(cases, link, **settings):
    """Each case's (K,) absolute differences from enumeration, which the E-step's tests check."""
    exact = DiagnosisConfig(link=link, enumeration_limit=18)
    config = replace(NEVER_ENUMERATED, link=link, **settings)
    return [np.abs(infer_one(*c, config)[0] - infer_one(*c, exact)[0]) for c in cases]


@pytest.mark.parametrize("link", LINKS)
def test_propagation_is_near_enumeration_on_200_problems_of_all_densities(link):
    found = errors(varied_cases(200, link), link)
    assert np.mean([e.mean() for e in found]) <= 0.005
    assert max(e.max() for e in found) <= 0.03


@pytest.mark.parametrize("link", LINKS)
def test_components_past_the_limit_of_enumeration_are_near_it_too(link):
    cases = [random_case(seed, 17, 17 * (1 + seed), link=link) for seed in range(4)]
    found = errors(cases, link)
    assert np.mean([e.mean() for e in found]) <= 0.005


@pytest.mark.parametrize("link", LINKS)
def test_regions_that_hold_a_whole_component_leave_no_error(link):
    cases = list(varied_cases(60, link, sizes=range(3, 8)))
    found = errors(cases, link, region_limit=8, cutset_limit=0)
    assert max(e.max() for e in found) <= 1e-9


@pytest.mark.parametrize("link", LINKS)
def test_larger_regions_are_nearer(link):
    cases = list(varied_cases(40, link, sizes=(12,), videos_a_concept=(2, 4)))
    mean = [
        np.mean([e.mean() for e in errors(cases, link, region_limit=limit, cutset_limit=0)])
        for limit in (0, 4, 8)
    ]
    assert mean[0] > mean[1] > mean[2]


def test_conditioning_brings_small_regions_nearer():
    cases = list(varied_cases(60, "conjunctive", sizes=(12,), videos_a_concept=(2, 4)))
    without, with_it = (
        errors(cases, "conjunctive", region_limit=6, cutset_limit=limit) for limit in (0, 3)
    )
    assert np.mean([e.mean() for e in with_it]) < np.mean([e.mean() for e in without])


def large_component(seed):
    """A loopy component of 30 concepts: its evidence, videos and parameters."""
    shares, q, slip, guess, prior = random_case(seed, 30, 45, largest=4)
    posed = pose(stored(shares), sparse.csr_matrix(q), None, "compensatory", 14)
    assert LOOPY in posed.evidence.component_kind
    return posed, Line(*to_line(slip, guess), prior)


def test_expected_counts_are_the_slope_of_the_evidence_that_em_climbs():
    """d log P(observations) / d log-odds of a prior = E[held] - prior, for Bethe's evidence too."""
    posed, line = large_component(seed=2)
    config = DiagnosisConfig(sweep_tolerance=1e-12, sweep_limit=5000)

    def at(prior):
        par = parameters(posed.videos, replace(line, prior=prior))
        return expect(posed.evidence, posed.videos, par, config, threads=1, to_read=True)

    held = at(line.prior).tally.held
    log_odds = np.log(line.prior / (1 - line.prior))
    for k in posed.evidence.support[:6]:
        step = np.zeros(30)
        step[k] = 1e-4
        up, down = (at(1 / (1 + np.exp(-log_odds - s))).log_evidence[0] for s in (step, -step))
        assert (up - down) / 2e-4 == pytest.approx(held[k] - line.prior[k], abs=1e-5)


def test_reading_a_mastery_changes_nothing_that_em_climbs_by():
    posed, line = large_component(seed=2)
    par = parameters(posed.videos, line)
    climbing, reading = (
        expect(posed.evidence, posed.videos, par, DiagnosisConfig(), to_read=read)
        for read in (False, True)
    )
    assert np.array_equal(climbing.log_evidence, reading.log_evidence)
    assert np.array_equal(climbing.messages, reading.messages)
    for mine, other in zip(climbing.tally, reading.tally, strict=True):
        assert np.array_equal(mine, other)
    assert not np.array_equal(climbing.mastery, reading.mastery)


def test_a_fit_of_dense_components_past_enumeration_never_falls():
    rows = [random_case(seed, 20, 60, largest=5)[0] for seed in range(30)]
    _, q, *_ = random_case(0, 20, 60, largest=5)
    found = fit(stored(np.array(rows)), sparse.csr_matrix(q), DiagnosisConfig(iteration_limit=15))
    assert found.learners["propagated"] == 30
    assert np.all(np.diff(found.objective) >= 0)
