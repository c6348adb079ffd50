"""How fast is an EM iteration over all 2^K states? Beside EduCDM's EM-DINA, in the same run.

EduCDM is no dependency: `pip install EduCDM` to compare (1.0.1 in docs/research/diagnosis.md).
Same model: DINA, all states equally likely, slip and guess .2 at the start. The two take turns;
each iteration of theirs and of ours is one E-step and one M-step.
"""

import os
import time
from contextlib import contextmanager

import numpy as np
import pytest
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, fit, infer
from kgplan.diagnosis.em import start_line
from kgplan.diagnosis.response import from_line
from kgplan.diagnosis.states import StateLine, States, pose_states

N_LEARNERS, N_ITEMS = 1_000, 50


def simulate(n_learners, n_items, n_concepts, seed):
    """DINA answers: one to three concepts an item, concepts held with probability .5."""
    rng = np.random.default_rng(seed)
    q = np.zeros((n_items, n_concepts), int)
    for row in q:
        row[rng.choice(n_concepts, rng.integers(1, 4), replace=False)] = 1
    slip, guess = rng.uniform(0.05, 0.25, (2, n_items))
    held = rng.random((n_learners, n_concepts)) < 0.5
    full = held.astype(int) @ q.T == q.sum(axis=1)
    answers = (rng.random(full.shape) < np.where(full, 1 - slip, guess)).astype(float)
    return answers, q


def stored(answers):
    rows, columns = np.indices(answers.shape)
    return sparse.csr_matrix((answers.ravel(), (rows.ravel(), columns.ravel())), answers.shape)


def uniform(n_concepts):
    return np.full(2**n_concepts, 0.5**n_concepts)


@pytest.mark.parametrize("n_concepts", [8, 10, 13])
def test_an_iteration_beside_educdm(n_concepts, capsys):
    """Checked: one iteration of both from the same start gives the same slip and guess."""
    educdm = pytest.importorskip("EduCDM")
    answers, q = simulate(N_LEARNERS, N_ITEMS, n_concepts, seed=0)
    config = DiagnosisConfig.maximum_likelihood(
        link="conjunctive", class_prior="saturated", learn_prior=False
    )
    problem = pose_states(stored(answers), sparse.csr_matrix(q), None, config.link)
    model = States(problem, config)
    fifth = np.full(N_ITEMS, 0.2)
    line = start_line(problem.videos.sizes(), fifth, fifth, config)
    start = StateLine(line.intercept, line.contrast, uniform(n_concepts))
    model.score(start, None)  # compiles
    ours, theirs = [], []
    for _ in range(1 if n_concepts > 10 else 3):
        other = educdm.EMDINA(answers.copy(), q, N_LEARNERS, N_ITEMS, n_concepts)
        with clock(theirs):
            other.train(epoch=1, epsilon=0.0)
        for _ in range(30):
            with clock(ours):
                found, _ = model.score(start, None)
                point = model.propose(start, found)
    slip, guess = from_line(point.intercept, point.contrast)
    np.testing.assert_allclose(slip, other.slip, atol=1e-5)
    np.testing.assert_allclose(guess, other.guess, atol=1e-5)
    (wall, cpu), (their_wall, their_cpu) = np.min(ours, axis=0), np.min(theirs, axis=0)
    with capsys.disabled():
        print(
            f"\nK={n_concepts}, an iteration: EduCDM {their_wall:.3f} s ({their_cpu:.3f} s CPU),"
            f" ours {wall * 1e3:.2f} ms ({cpu * 1e3:.2f} ms CPU):"
            f" {their_wall / wall:,.0f} times ({their_cpu / cpu:,.0f} times by CPU;"
            f" load {os.getloadavg()[0]:.1f})"
        )


@contextmanager
def clock(seconds):
    """Append (wall, CPU) seconds of the block."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    seconds.append((time.perf_counter() - wall, time.process_time() - cpu))


@pytest.mark.parametrize("n_concepts", [8])
def test_the_fit_is_at_least_as_likely_as_educdms(n_concepts, capsys):
    educdm = pytest.importorskip("EduCDM")
    answers, q = simulate(N_LEARNERS, N_ITEMS, n_concepts, seed=1)
    watched, q_matrix = stored(answers), sparse.csr_matrix(q)
    config = DiagnosisConfig.maximum_likelihood(
        link="conjunctive", class_prior="saturated", learn_prior=False
    )
    begun = time.perf_counter()
    d = fit(watched, q_matrix, config)
    ours = time.perf_counter() - begun
    other = educdm.EMDINA(answers.copy(), q, N_LEARNERS, N_ITEMS, n_concepts)
    begun = time.perf_counter()
    other.train(epoch=200, epsilon=1e-4)
    theirs = time.perf_counter() - begun
    reached = infer(
        watched, q_matrix, other.slip, other.guess, np.full(n_concepts, 0.5), config,
        share=uniform(n_concepts),
    ).log_evidence.sum()  # fmt: skip
    with capsys.disabled():
        print(
            f"\nK={n_concepts}: EduCDM {reached:.4f} in {theirs:.1f} s,"
            f" ours {d.log_evidence.sum():.4f} in {ours:.2f} s"
        )
    assert d.log_evidence.sum() >= reached - 1e-3


@pytest.mark.parametrize("n_concepts", [8, 10, 13, 15])
def test_e_step(benchmark, n_concepts):
    answers, q = simulate(N_LEARNERS, N_ITEMS, n_concepts, seed=0)
    config = DiagnosisConfig.maximum_likelihood(link="conjunctive", class_prior="saturated")
    problem = pose_states(stored(answers), sparse.csr_matrix(q), None, config.link)
    line = start_line(problem.videos.sizes(), np.full(N_ITEMS, 0.2), np.full(N_ITEMS, 0.2), config)
    model = States(problem, config)
    point = StateLine(line.intercept, line.contrast, uniform(n_concepts))
    model.score(point, None)
    found, _ = benchmark(model.score, point, None)
    assert found.count.sum() == pytest.approx(N_LEARNERS)
