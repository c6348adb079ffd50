"""How far do a few questions take us? Mastery error against questions asked, by three rules.

The rules: expected information (`diagnosis.placing`), the largest uncertainty, and chance; each
learner answers the same way whichever asks. Learners are planted: states drawn from a forest that
prerequisites tie, answers drawn with known slip and guess. With the archive of ASSISTments 2009-10
(../shared/data/assist0910.zip; no prerequisites) slip, guess and prior are fitted on the other
learners, a held-out learner's answers are those recorded, an item is asked only where there is one,
and the truth is the mastery by all of the learner's answers. Then the time of the next question.

    .venv/bin/python tests/bench/placing.py
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parent))
from test_bench_diagnosis_assist import ARCHIVE, read_split

from kgplan.diagnosis import DiagnosisConfig, LiveDiagnosis, fit
from kgplan.diagnosis.gain import lines
from kgplan.diagnosis.placing import (
    SAID_GUESS,
    SAID_SLIP,
    Questions,
    believe,
    informations,
    ratio_of,
    said_ratio,
    tied,
)
from kgplan.diagnosis.uncertainty import entropy

RULES = ("information", "uncertainty", "random")
ASKED = (0, 1, 2, 3, 5, 8, 12, 20)
LEARNERS, CONCEPTS = 300, 60


def chosen(rule, bits, unsure, is_open, rng):
    """The next question by a rule; -1 where none is left."""
    (left,) = np.nonzero(is_open)
    if not left.size:
        return -1
    if rule == "random":
        return int(rng.choice(left))
    by = bits if rule == "information" else unsure
    return int(left[np.argmax(by[left])])


def forest_graph(rng, size):
    """Each concept needs one that comes before it, as courses go; strengths as the sample's."""
    concept = np.arange(1, size)
    needed = np.array([rng.integers(max(0, k - 8), k) for k in concept])
    return concept, needed, rng.choice([0.86, 1.0], concept.size)


def drawn(tree, rng):
    """A state of the tree."""
    state = np.zeros(tree.prior.size)
    for k in tree.order:
        above = tree.above[k]
        p = tree.prior[k] if above < 0 else (tree.without, tree.with_it)[int(state[above])][k]
        state[k] = rng.random() < p
    return state


def planted(carries):
    """Mean absolute error of mastery against the planted states; (rules, ASKED)."""
    rng = np.random.default_rng(0)
    prior = rng.uniform(0.25, 0.6, CONCEPTS)
    tree = tied(prior, *forest_graph(rng, CONCEPTS))
    nothing = np.zeros(0, np.int64)
    believed = tree if carries else tied(prior, nothing, nothing, np.zeros(0))
    each = np.arange(CONCEPTS)
    line = lines(np.full(CONCEPTS, SAID_SLIP), np.full(CONCEPTS, SAID_GUESS), np.ones(CONCEPTS))
    questions = Questions(np.arange(CONCEPTS + 1), each, line)
    error = np.zeros((len(RULES), max(ASKED) + 1))
    for _ in range(LEARNERS):
        state = drawn(tree, rng)
        p = np.where(state, 1 - SAID_SLIP, SAID_GUESS)
        says = (rng.random(CONCEPTS) < p).astype(float)
        for r, rule in enumerate(RULES):
            ratio, is_open = np.ones(CONCEPTS), np.ones(CONCEPTS, bool)
            for n in range(max(ASKED) + 1):
                belief = believe(believed, ratio)
                error[r, n] += np.abs(belief.mastery - state).mean()
                bits = informations(belief, questions, np.ones(CONCEPTS))
                q = chosen(rule, bits, entropy(belief.mastery), is_open, rng)
                is_open[q] = False
                ratio[q] = said_ratio(says[q])
    return error[:, list(ASKED)] / LEARNERS


def assistments():
    """Mean absolute difference from the mastery by all answers; (rules, ASKED), and learners."""
    (u, v, score), _, q, n_learners = read_split()
    held_out = np.arange(n_learners) % 10 == 0
    trained = ~held_out[u]
    shape = n_learners, q.shape[0]
    watched = sparse.csr_matrix((score[trained], (u[trained], v[trained])), shape=shape)
    config = DiagnosisConfig(link="conjunctive")
    found = fit(watched[~held_out], q, config)
    live = LiveDiagnosis(q, found.slip, found.guess, found.prior, config)
    rng, size = np.random.default_rng(0), q.shape[1]
    nothing = np.zeros(0, np.int64)
    tree = tied(np.clip(found.prior, 1e-6, 1 - 1e-6), nothing, nothing, np.zeros(0))
    error, n_scored = np.zeros((len(RULES), max(ASKED) + 1)), 0
    for learner in np.flatnonzero(held_out)[::3]:
        mine = np.flatnonzero(u == learner)
        on_one = np.diff(q.indptr)[v[mine]] == 1  # the line of several is another link's
        mine = mine[on_one]
        if np.unique(q[v[mine]].indices).size < 5 or mine.size < max(ASKED):
            continue
        n_scored += 1
        whole = live.infer(v[mine], score[mine])
        covered, start = np.unique(q[v[mine]].indices), np.arange(mine.size + 1)
        weight = np.zeros(size)
        weight[covered] = 1
        line = lines(found.slip[v[mine]], found.guess[v[mine]], np.ones(mine.size))
        questions = Questions(start, q[v[mine]].indices.astype(np.int64), line)
        truth = mastery_of(whole, found.prior)
        for r, rule in enumerate(RULES):
            asked, is_open = [], np.ones(mine.size, bool)
            for n in range(max(ASKED) + 1):
                now = live.infer(v[mine][asked], score[mine][asked]) if asked else None
                mastery = found.prior if now is None else mastery_of(now, found.prior)
                error[r, n] += np.abs(mastery - truth)[covered].mean()
                belief = believe(tree, ratio_of(mastery, tree.prior))
                bits = informations(belief, questions, weight)
                unsure = entropy(mastery)[questions.concepts]
                at = chosen(rule, bits, unsure, is_open, rng)
                if at >= 0:
                    is_open[at] = False
                    asked.append(at)
    return error[:, list(ASKED)] / n_scored, n_scored


def mastery_of(known, prior):
    mastery = prior.copy()
    mastery[known.concepts] = known.mastery
    return mastery


def times(n_items=1_000, size=300, rounds=400):
    """CPU milliseconds of one next question: belief and the information of all items."""
    rng = np.random.default_rng(0)
    tree = tied(rng.uniform(0.25, 0.6, size), *forest_graph(rng, size))
    on = rng.permutation(np.arange(n_items) % size)
    slip, guess = rng.uniform(0.03, 0.3, (2, n_items))
    line = lines(slip, guess, np.ones(n_items))
    questions, found = Questions(np.arange(n_items + 1), on, line), []
    for _ in range(rounds + 1):
        ratio = np.where(rng.random(size) < 0.1, 4.5, 1.0)
        begun = time.process_time()
        informations(believe(tree, ratio), questions, np.ones(size))
        found.append(1e3 * (time.process_time() - begun))
    return np.percentile(found[1:], [50, 99])  # the first compiles


def show(name, error):
    print(f"\n{name}\n| questions | " + " | ".join(map(str, ASKED)) + " |")
    print("|---|" + "---|" * len(ASKED))
    for rule, row in zip(RULES, error, strict=True):
        print(f"| {rule} | " + " | ".join(f"{each:.3f}" for each in row) + " |")


if __name__ == "__main__":
    show(f"planted, {LEARNERS} learners, {CONCEPTS} concepts", planted(carries=True))
    show("the same, nothing carried", planted(carries=False))
    print(
        "\nnext question, 1,000 items, 300 concepts: CPU ms p50 {:.1f}, p99 {:.1f}".format(*times())
    )
    if ARCHIVE.exists():
        error, n_scored = assistments()
        show(f"ASSISTments, {n_scored} held-out learners", error)
