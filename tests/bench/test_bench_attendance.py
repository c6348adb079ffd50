"""How near does mastery come to what planted learners hold, on the real sample's courses?

Learners take over the enrolments of real ones. Some follow a course in its order up to where they
leave, pass some items by, and open what they meet by what they know. Compared with the mastery
that follows from the planted parameters and from who met what.
And what a view costs that moves a learner of the sample, by the processor's time.
"""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from kgplan.data.events import Event, evidence_of
from kgplan.data.wishes import Wishes
from kgplan.diagnosis import DiagnosisConfig, fit, infer
from kgplan.diagnosis.attendance import fit_attended, syllabus
from kgplan.etl.stages import Extraction, run_extract
from kgplan.model.opening import open_records
from kgplan.planning.fitting import fit_learners
from kgplan.planning.live import LiveModel
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

CONFIG = DiagnosisConfig(tolerance=1e-5)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    home = Settings(home=tmp_path_factory.mktemp("attendance"))
    run_extract(home, Extraction(Path(__file__).parents[2] / "data" / "mooccube-cs.zip"))
    return open_records(ArtifactStore(home.artifacts))[0]


def world(records, courses, seed, n_learners=1500):
    """Planted parameters, what learners hold and met, and the observations that follow."""
    rng = np.random.default_rng(seed)
    q = records.q_matrix.toarray() != 0
    n_items, n_concepts = q.shape
    prior = rng.beta(2, 2, n_concepts).clip(0.05, 0.95)
    slip, guess = rng.uniform(0.03, 0.2, n_items), rng.uniform(0.1, 0.4, n_items)
    of = records.enrolled[np.sort(rng.choice(records.learner_ids.size, n_learners, replace=False))]
    held = rng.random((n_learners, n_concepts)) < prior
    eta = held.astype(float) @ q.T / np.maximum(q.sum(axis=1), 1)
    right = rng.random((n_learners, n_items)) < guess ** (1 - eta) * (1 - slip) ** eta
    met, due, order = np.zeros((3, n_learners, n_items), int)
    for u in range(n_learners):
        active, passed, views = rng.beta(1, 2), rng.beta(1.5, 8.5), 0
        for course in of.indices[of.indptr[u] : of.indptr[u + 1]]:
            items = courses.of(course)
            due[u, items] = 1
            reach = rng.geometric(1 / max(1, 0.7 * active * items.size))
            begun = rng.random() < active
            there = items[:reach][rng.random(items[:reach].size) > passed] if begun else items[:0]
            met[u, there] = 1
            opened = there[right[u, there] & (order[u, there] == 0)]
            order[u, opened] = views + 1 + np.arange(opened.size)
            views += opened.size
    row, column = np.nonzero(due)
    indptr = np.searchsorted(row, np.arange(n_learners + 1))
    watched = sparse.csr_array(
        ((order[row, column] > 0).astype(float), column, indptr), shape=due.shape
    )
    weights = sparse.csr_array((met[row, column].astype(float), column, indptr), shape=due.shape)
    return watched, weights, sparse.csr_array(order), of, held, met > 0, (slip, guess, prior)


def dense(found, prior):
    """(U, K), the prior where nothing is stored."""
    mastery = np.tile(prior, (found.shape[0], 1))
    at = found.tocoo()
    mastery[at.row, at.col] = at.data
    return mastery


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_learners(benchmark, records, seed):
    courses = syllabus(records.course_items, records.expected)
    watched, weights, order, of, held, met, planted = world(records, courses, seed)
    q = records.q_matrix
    touched = (met.astype(float) @ (q.toarray() != 0)) > 0
    best = dense(infer(watched, q, *planted, CONFIG, weights=weights).mastery, planted[2])
    found = benchmark.pedantic(
        lambda: fit_attended(watched, q, order, of, courses, np.random.default_rng(0), CONFIG),
        rounds=1,
    )
    fits = {"published": fit(watched, q, CONFIG), "attended": found.diagnosis}
    fits["who met what is known"] = fit(watched, q, CONFIG, weights=weights)
    benchmark.extra_info["response rate"] = [
        float((watched.data > 0).sum() / met.sum()),
        found.attendance.response_rate,
    ]
    for name, each in fits.items():
        mastery = dense(each.mastery, each.prior)
        p, truth = mastery[touched], held[touched]
        bins = np.array_split(np.argsort(p), 15)
        benchmark.extra_info[name] = {
            "mean error": float(np.abs(mastery - best)[touched].mean()),
            "brier": float(np.square(p - truth).mean()),
            "calibration error": float(
                sum(abs(p[b].mean() - truth[b].mean()) * b.size for b in bins) / p.size
            ),
        }
        print(seed, name, benchmark.extra_info[name])
    print(benchmark.extra_info["response rate"])


def test_live_updates(records):
    """Up to six views of 300 learners who opened something before, of what is due and unopened."""
    model = LiveModel(records, fit_learners(records).mastery)
    came = np.flatnonzero(np.diff(records.viewed.indptr) > 0)
    took = []
    for u in np.random.default_rng(0).choice(came, 300, replace=False).tolist():
        name, state = str(records.learner_ids[u]), None
        due = records.due(records.enrolled[[u]].indices)
        due[records.viewed[[u]].indices] = False
        wanted = np.random.default_rng(u).permutation(np.flatnonzero(due))[:6]
        titles = records.item_ids[wanted].tolist()
        events = [Event(f"e{k}", name, float(k), v, share=1.0) for k, v in enumerate(titles)]
        for k in range(len(events)):
            seen, begin = evidence_of(events[: k + 1]), time.process_time_ns()
            state = model.current(name, seen, Wishes(), before=state)
            took.append((time.process_time_ns() - begin) / 1e6)
    half, most = np.quantile(took[6:], [0.5, 0.99])  # the first learner's compile
    load = os.getloadavg()[0]
    print(f"{len(took)} views: median {half:.1f} ms of CPU, p99 {most:.1f} ms, load {load:.0f}")
