"""How well does a diagnosis predict answers? ASSISTments 2009-10, customary 70/10/20 split.

Reads ../shared/data/assist0910.zip beside the repository (not part of it) and is skipped without.
DINA by EM with default Beta priors, then the same slip and guess with a learner's ability in the
prior: a mixture of ability classes, each with its own prior on every concept (a non-parametric
higher-order DINA; de la Torre & Douglas, Psychometrika 2004). Published on this split's family:
DINA .667, IRT .696, NCD .706, RCD .740 (AUC).
"""

import csv
import io
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, logit, logsumexp
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error

from kgplan.diagnosis import DiagnosisConfig, fit, infer

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "assist0910.zip"
N_ABILITIES, N_ROUNDS = 7, 8


def read_split():
    """Train and test as (learner, item, score) arrays, and the Q-matrix."""
    tables = {}
    with zipfile.ZipFile(ARCHIVE) as archive:
        for name in ("train", "test", "q"):
            text = archive.read(f"assist0910/{name}.csv").decode()
            tables[name] = list(csv.DictReader(io.StringIO(text)))
    place = {
        key: {value: i for i, value in enumerate(sorted({row[key] for row in rows}))}
        for key, rows in (
            ("learner_id", tables["train"] + tables["test"]),
            ("item_id", tables["train"] + tables["test"] + tables["q"]),
            ("concept_id", tables["q"]),
        )
    }
    parts = []
    for name in ("train", "test"):
        u = np.array([place["learner_id"][row["learner_id"]] for row in tables[name]])
        v = np.array([place["item_id"][row["item_id"]] for row in tables[name]])
        parts.append((u, v, np.array([float(row["score"]) for row in tables[name]])))
    rows = [place["item_id"][row["item_id"]] for row in tables["q"]]
    columns = [place["concept_id"][row["concept_id"]] for row in tables["q"]]
    q = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, columns)),
        shape=(len(place["item_id"]), len(place["concept_id"])),
    )
    q.data[:] = 1
    return *parts, q, len(place["learner_id"])


def dense_mastery(found, prior):
    """(U, K), the prior where a learner's answers do not reach."""
    mastery = np.tile(prior, (found.mastery.shape[0], 1))
    rows = np.repeat(np.arange(mastery.shape[0]), np.diff(found.mastery.indptr))
    mastery[rows, found.mastery.indices] = found.mastery.data
    return mastery


def p_right(mastery, q, slip, guess, u, v):
    """P(right), with the concepts of an item taken as independent given a learner's answers."""
    full = np.exp(np.asarray((q @ np.log(mastery.T + 1e-300))[v, u]))
    return guess[v] + (1 - slip[v] - guess[v]) * full


def report(name, score, p, seconds):
    auc, accuracy = roc_auc_score(score, p), accuracy_score(score, p >= 0.5)
    rmse = root_mean_squared_error(score, p)
    print(f"{name:<34} AUC {auc:.3f}  accuracy {accuracy:.3f}  RMSE {rmse:.3f}  {seconds:.0f} s")
    return auc


def test_answers_of_the_customary_split(capsys):
    if not ARCHIVE.exists():
        pytest.skip(f"there is no {ARCHIVE.name}")
    (u, v, score), (u_test, v_test, score_test), q, n_learners = read_split()
    watched = sparse.csr_matrix((score, (u, v)), shape=(n_learners, q.shape[0]))
    watched.sum_duplicates()
    assert watched.nnz == score.size
    with capsys.disabled():
        print()
        mean = score.mean()
        right = np.bincount(v, score, q.shape[0]) + 5 * mean
        item = right / (np.bincount(v, minlength=q.shape[0]) + 5)
        report("item mean (5 answers' pull)", score_test, item[v_test], 0)
        begun = time.process_time()
        config = DiagnosisConfig(link="conjunctive", tolerance=1e-6, iteration_limit=60)
        d = fit(watched, q, config)
        mastery = dense_mastery(d, d.prior)
        seconds = time.process_time() - begun
        p = p_right(mastery, q, d.slip, d.guess, u_test, v_test)
        p = np.where(d.observed[v_test], p, mean)
        plain = report(f"DINA ({d.objective.size - 1} iterations)", score_test, p, seconds)
        p, seconds = with_ability(watched, q, d, u_test, v_test)
        p = np.where(d.observed[v_test], p, mean)
        able = report("DINA, ability in the prior", score_test, p, seconds)
    assert able > plain > 0.5


def with_ability(watched, q, d, u, v):
    """P(right) under a mixture of ability classes; EM over classes, slip and guess held fixed."""
    begun = time.process_time()
    shift = np.linspace(-3, 3, N_ABILITIES)
    priors = expit(logit(d.prior)[None, :] + shift[:, None])
    log_weight = np.full(N_ABILITIES, -np.log(N_ABILITIES))
    for step in range(N_ROUNDS):
        found = [infer(watched, q, d.slip, d.guess, prior, d.config) for prior in priors]
        joint = np.array([each.log_evidence for each in found]) + log_weight[:, None]
        responsible = np.exp(joint - logsumexp(joint, axis=0))
        if step == N_ROUNDS - 1:
            break
        log_weight = np.log(responsible.mean(axis=1))
        for c, each in enumerate(found):
            weight = sparse.diags(responsible[c])
            reached = each.mastery.copy()
            reached.data[:] = 1
            held = np.asarray((weight @ each.mastery).sum(axis=0)).ravel()
            of = np.asarray((weight @ reached).sum(axis=0)).ravel()
            # a class of few learners stays near where it is: as many as 10 learners' weight
            priors[c] = np.clip((held + 10 * priors[c]) / (of + 10), 1e-4, 1 - 1e-4)
    p = sum(
        responsible[c][u] * p_right(dense_mastery(each, priors[c]), q, d.slip, d.guess, u, v)
        for c, each in enumerate(found)
    )
    return p, time.process_time() - begun
