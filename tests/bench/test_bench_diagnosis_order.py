"""What do answers in order add, beside knowledge tracing, logistic models and a deep one?

Two tests. ASSISTments 2009-10 (../shared/data/assist0910.zip, skipped without): the file holds no
order, so that every method knows a learner's training answers as a set, or in the file's order,
which is random. And answers generated from planted mastery that is learned and forgotten, where
order and time are known: parameters from some learners, others predicted one answer ahead.
"""

import time
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logit
from test_bench_diagnosis_assist import ARCHIVE, read_split

from kgplan.diagnosis import AgingConfig, AgingModel, fit_in_order
from kgplan.diagnosis.aging import Pull, half_life_interval
from kgplan.evaluation.calibration import score

STILL = {"fit_learn": False, "learn_start": 0.0, "fit_forget": False, "half_life": np.inf}
TRACING = {"n_classes": 1, "fit_forget": False, "half_life": np.inf}


# ------------------------------------------------------------------------------------- methods


def one_of(place, n):
    return sparse.csr_matrix((np.ones(place.size), (np.arange(place.size), place)), (place.size, n))


def logistic(blocks, right, others):
    """Logistic regression with a ridge for each block of columns; P(right) of the other rows."""
    ridge = np.concatenate([np.full(block.shape[1], weight) for block, weight in blocks])
    x = sparse.hstack([block for block, _ in blocks]).tocsr()
    back = x.T.tocsr()

    def loss(w):
        odds = x @ w
        value = np.sum(np.logaddexp(0, odds) - right * odds) + ridge @ w**2 / 2
        return value, back @ (expit(odds) - right) + ridge * w

    start = np.zeros(x.shape[1])
    w = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return expit(sparse.hstack(others).tocsr() @ w)


def of_concepts(q_rows, values):
    """(n, K) values where the answer's item asks for the concept."""
    return sparse.csr_matrix((values, q_rows.indices, q_rows.indptr), q_rows.shape)


def mean_of_concepts(q_rows, values):
    n = np.diff(q_rows.indptr)
    rows = np.repeat(np.arange(n.size), n)
    return np.bincount(rows, values, n.size) / np.maximum(n, 1)


def knowledge_tracing(answers, q, others):
    """BKT: an answer on several concepts counts for each, and the mean of them predicts."""
    learner, item, right, day = answers
    rows = q[item]
    of = np.repeat(np.arange(item.size), np.diff(rows.indptr))
    config = AgingConfig(**TRACING, pool=False, difficulty_spread=3.0, contrast_spread=3.0)
    concepts = sparse.identity(q.shape[1], format="csr")
    m = fit_in_order(learner[of], rows.indices, right[of], day[of], concepts, config)
    return m, others(m)


def deep_tracing(n_items, q, n_epochs, seed=0):
    """DKT (Piech et al., NIPS 2015) with an item's bias: to fit, to predict after, and in order."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    n_concepts = q.shape[1]
    dense = torch.tensor(q.toarray(), dtype=torch.float32)
    dense /= dense.sum(1, keepdim=True).clamp(min=1)
    to_state = torch.nn.LSTM(64, 64, batch_first=True)
    seen = torch.nn.Linear(2 * n_concepts, 64)
    out = torch.nn.Linear(64, n_concepts)
    bias = torch.nn.Embedding(n_items, 1)
    torch.nn.init.zeros_(bias.weight)
    parts = [to_state, seen, out, bias]
    groups = [{"params": [p for part in parts[:3] for p in part.parameters()]}]
    groups.append({"params": bias.parameters(), "weight_decay": 1e-3})
    climb = torch.optim.Adam(groups, lr=4e-3)
    rng = np.random.default_rng(seed)

    def states(item, right):
        """(n, T + 1, 64): what is known before each answer, and after the last."""
        asks = dense[item]
        hidden, _ = to_state(
            torch.tanh(seen(torch.cat([asks * right[..., None], asks * (1 - right[..., None])], 2)))
        )
        return torch.cat([torch.zeros(hidden.shape[0], 1, 64), hidden], 1)

    def odds(state, item):
        return (out(state) * dense[item]).sum(-1) + bias(item)[..., 0]

    def padded(chosen):
        longest = max(s[0].size for s in chosen)
        arrays = [np.zeros((len(chosen), longest)) for _ in range(3)]
        for i, s in enumerate(chosen):
            for array, values in zip(arrays, (*s[:2], np.ones(s[0].size)), strict=True):
                array[i, : s[0].size] = values
        return (
            torch.tensor(arrays[0], dtype=torch.long),
            *(torch.tensor(a, dtype=torch.float32) for a in arrays[1:]),
        )

    def learn(chosen):
        by_length = sorted(range(len(chosen)), key=lambda i: chosen[i][0].size)
        batches = [by_length[i : i + 32] for i in range(0, len(by_length), 32)]
        for _ in range(n_epochs):
            for batch in rng.permutation(len(batches)):
                item, right, there = padded([chosen[i] for i in batches[batch]])
                said = odds(states(item, right)[:, :-1], item)
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    said, right, weight=there, reduction="sum"
                )
                climb.zero_grad()
                (loss / there.sum()).backward()
                climb.step()

    def after(item, right, asked):
        with torch.no_grad():
            last = states(torch.tensor(item)[None], torch.tensor(right, dtype=torch.float32)[None])
            said = odds(last[:, -1:].expand(1, asked.size, 64), torch.tensor(asked)[None])
            return expit(said[0].double().numpy())

    def in_order(item, right):
        with torch.no_grad():
            items = torch.tensor(item)[None]
            last = states(items, torch.tensor(right, dtype=torch.float32)[None])
            return expit(odds(last[:, :-1], items)[0].double().numpy())

    return learn, after, in_order


# ------------------------------------------------------------------------------------- figures


def report(found, right, learner, seconds, ours, beside):
    """A line for each method, with 95 % intervals over learners; ours less another, paired."""
    scores = score(found, right, learner, np.random.default_rng(0))
    for name, s in scores.items():
        p = found[name]
        print(
            f"{name:<44} AUC {s.auc.value:.4f} ({s.auc.low:.3f} to {s.auc.high:.3f})"
            f"  accuracy {np.mean((p >= 0.5) == right):.4f}  Brier {s.brier.value:.4f}"
            f" ({s.brier.low:.3f} to {s.brier.high:.3f})  RMSE {np.sqrt(s.brier.value):.4f}"
            f"  ece {s.ece.value:.4f}  {seconds.get(name, 0):.0f} s CPU"
        )
    loss = [(found[name] - right) ** 2 for name in (ours, beside)]
    of, at = np.unique(learner, return_inverse=True)
    less, n = np.bincount(at, loss[0] - loss[1]), np.bincount(at)
    draws = np.random.default_rng(1).multinomial(of.size, np.full(of.size, 1 / of.size), 1000)
    low, high = np.quantile(draws @ less / (draws @ n), [0.025, 0.975])
    print(
        f"Brier of {ours} less {beside}: {np.mean(loss[0] - loss[1]):.5f} ({low:.5f}, {high:.5f})"
    )
    return scores


def each_learner(learner, n_learners):
    order = np.argsort(learner, kind="stable")
    starts = np.searchsorted(learner[order], np.arange(n_learners + 1))
    return [order[a:b] for a, b in pairwise(starts)]


def test_answers_of_the_customary_split(capsys):
    if not ARCHIVE.exists():
        pytest.skip(f"there is no {ARCHIVE.name}")
    (u, v, right), (u_test, v_test, right_test), q, n_learners = read_split()
    n_items, n_concepts = q.shape
    own, own_test = each_learner(u, n_learners), each_learner(u_test, n_learners)
    found, seconds = {}, {}

    def timed(name, predict):
        begun = time.process_time()
        found[name] = np.clip(predict(), 0, 1)
        seconds[name] = time.process_time() - begun

    def item_mean():
        pulled = np.bincount(v, right, n_items) + 5 * right.mean()
        return (pulled / (np.bincount(v, minlength=n_items) + 5))[v_test]

    timed("item mean", item_mean)
    # what is known of each learner and concept: for a training answer, from the others
    by = sparse.csr_matrix((right, (u, np.arange(u.size))), (n_learners, u.size))
    wins = np.asarray((by @ q[v]).todense())
    by.data[:] = 1
    fails = np.asarray((by @ q[v]).todense()) - wins

    def known(u, v, minus):
        rows = q[v]
        of = np.repeat(np.arange(v.size), np.diff(rows.indptr))
        won = wins[u[of], rows.indices] - (0 if minus is None else minus[of])
        lost = fails[u[of], rows.indices] - (0 if minus is None else 1 - minus[of])
        return rows, won, lost

    def counts(*asked):
        rows, won, lost = known(*asked)
        return [of_concepts(rows, np.log1p(won)), of_concepts(rows, np.log1p(lost))]

    def shares(*asked):
        rows, won, lost = known(*asked)
        odds = logit((won + 1) / (won + lost + 2))
        each = (np.log1p(won), np.log1p(lost), odds, odds * np.log1p(won + lost))
        return sparse.csr_matrix(np.column_stack([mean_of_concepts(rows, x) for x in each]))

    def one(n):
        return sparse.csr_matrix(np.ones((n, 1)))

    train, test = (u, v, right), (u_test, v_test, None)
    ability = [
        [one(a[0].size), one_of(a[0], n_learners), one_of(a[1], n_items)] for a in (train, test)
    ]
    concept = [[q[a[1]]] for a in (train, test)]
    tried = [counts(*a) for a in (train, test)]
    share = [[shares(*a)] for a in (train, test)]

    def fitted(weights, *parts):
        blocks = [x for part in parts for x in part[0]]
        return logistic(
            list(zip(blocks, weights, strict=True)), right, [x for part in parts for x in part[1]]
        )

    only = [[one(a[0].size)] for a in (train, test)]
    timed("PFA", lambda: fitted([1e-3, 0.3, 1, 1], only, concept, tried))
    timed("IRT, one parameter an item", lambda: fitted([1e-3, 1, 1], ability))
    timed(
        "logistic: item, learner, concept, counts",
        lambda: fitted([1e-3, 1, 1, 0.3, 1, 1, 0.1], ability, concept, tried, share),
    )
    still = np.zeros(u.size)  # the file has no time
    day = np.arange(u.size, dtype=float)

    def states(m, day, as_of):
        p = np.empty(u_test.size)
        for i, asked in zip(own, own_test, strict=True):
            p[asked] = m.predict(m.state(v[i], right[i], day[i], as_of), v_test[asked])
        return p

    def tracing():
        def predict(m):
            p = np.empty(u_test.size)
            for i, asked in zip(own, own_test, strict=True):
                rows = q[v[i]]
                of = np.repeat(i, np.diff(rows.indptr))
                state = m.state(rows.indices, right[of], day[of], day[-1])
                p_concept = m.predict(state, np.arange(n_concepts))
                p[asked] = mean_of_concepts(q[v_test[asked]], p_concept[q[v_test[asked]].indices])
            return p

        return knowledge_tracing((u, v, right, day), q, predict)[1]

    timed("BKT", tracing)

    def deep():
        learn, after, _ = deep_tracing(n_items, q, 6)
        learn([(v[i], right[i]) for i in own if i.size])
        p = np.empty(u_test.size)
        for i, asked in zip(own, own_test, strict=True):
            if asked.size:
                p[asked] = after(v[i], right[i], v_test[asked])
        return p

    timed("DKT with a bias of each item", deep)

    def ours(limit=40, **settings):
        config = AgingConfig(**(STILL | {"iteration_limit": limit} | settings))
        return states(fit_in_order(u, v, right, still, q, config), still, 0.0)

    timed("aging V-DINA, without ability", lambda: ours(n_classes=1))
    timed("aging V-DINA, ability in priors only", lambda: ours(ability_in_answers=False))
    timed("aging V-DINA, items not pooled", lambda: ours(pool=False))
    timed("aging V-DINA", ours)
    with capsys.disabled():
        print()
        scores = report(
            found, right_test == 1, u_test, seconds,
            "aging V-DINA", "logistic: item, learner, concept, counts",
        )  # fmt: skip
        m = fit_in_order(
            u, v, right, day / day[-1] * 100, q, AgingConfig(half_life=50.0, iteration_limit=40)
        )
        print(
            f"fitted to the file's order: learned at an answer {m.learn.mean():.4f}; half-life"
            f" {m.half_life:.0f} days of 100"
        )
    assert scores["aging V-DINA"].auc.value > scores["BKT"].auc.value > 0.5


# ------------------------------------------------------------------------------ planted mastery

N_FIT, N_HELD_BACK, N_ANSWERS, PLANTED_HALF_LIFE = 600, 400, 60, 30.0


def planted(rng, n_concepts=8, n_each=12):
    """A model with learning and forgetting, and answers of learners who practise in blocks."""
    n_items, n_learners = n_concepts * n_each, N_FIT + N_HELD_BACK
    q = np.repeat(np.eye(n_concepts), n_each, axis=0)
    ability = np.linspace(-3, 3, 15)
    share = np.exp(-(ability**2) / 2)
    high, low = -logit(rng.uniform(0.05, 0.25, n_items)), logit(rng.uniform(0.05, 0.3, n_items))
    alike = Pull(np.zeros(n_items), 1.0)
    m = AgingModel(
        q_matrix=sparse.csr_matrix(q),
        difficulty=(low + high) / 2,
        contrast=high - low,
        prior_log_odds=logit(rng.uniform(0.2, 0.5, n_concepts)),
        learn=rng.uniform(0.05, 0.25, n_concepts),
        forget=np.log(2) / PLANTED_HALF_LIFE,
        ability=ability,
        share=share / share.sum(),
        prior_slope=1.0,
        answer_slope=0.4,
        to_difficulty=alike,
        to_contrast=alike,
        evidence=np.zeros(1),
        converged=True,
    )
    theta, everyone = rng.normal(size=n_learners), np.arange(n_learners)
    prior = expit(logit(m.prior) + m.prior_slope * theta[:, None])
    held = rng.random(prior.shape) < prior
    at, concept = np.zeros(n_learners), np.zeros(n_learners, int)
    answers = []
    for t in range(N_ANSWERS):
        new = rng.random(n_learners) < 0.25
        drawn = rng.integers(0, n_concepts, n_learners)
        concept = np.where(new | (t == 0), drawn, concept)
        gap = np.where(new, rng.exponential(7.0, n_learners), 0.002)
        at = at + gap
        anew = rng.random(held.shape) < 1 - np.exp(-m.forget * gap[:, None])
        held = np.where(anew, rng.random(held.shape) < prior, held)
        item = concept * n_each + rng.integers(0, n_each, n_learners)
        odds = np.where(held[everyone, concept], -logit(m.slip[item]), logit(m.guess[item]))
        right = (rng.random(n_learners) < expit(odds + m.answer_slope * theta)).astype(float)
        held[everyone, concept] |= rng.random(n_learners) < m.learn[concept]
        answers.append((everyone, item, right, at))
    whole = [np.concatenate(x) for x in zip(*answers, strict=True)]
    order = np.lexsort((whole[3], whole[0]))
    return m, [x[order] for x in whole]


def history(learner, concept, right, day, n_concepts):
    """Before each answer: log counts of the concept's right and wrong, the learner's, recency."""
    found = np.zeros((learner.size, 8))
    for i in range(learner.size):
        if i == 0 or learner[i] != learner[i - 1]:
            won, lost = np.zeros(n_concepts), np.zeros(n_concepts)
            last, lately = np.full(n_concepts, np.nan), np.full(n_concepts, 0.5)
        k = concept[i]
        away = 0.0 if np.isnan(last[k]) else np.log1p(day[i] - last[k])
        share = (lately[k] - 0.5) * 2
        total = logit((won.sum() + 1) / (won.sum() + lost.sum() + 2))
        found[i] = (
            np.log1p(won[k]), np.log1p(lost[k]), total, total * np.log1p(won.sum() + lost.sum()),
            np.isnan(last[k]), share, away, away * share,
        )  # fmt: skip
        won[k], lost[k] = won[k] + right[i], lost[k] + 1 - right[i]
        last[k], lately[k] = day[i], 0.6 * lately[k] + 0.4 * right[i]
    return found


def test_answers_in_order_of_planted_mastery(capsys):
    truth, (learner, item, right, day) = planted(np.random.default_rng(0))
    q = truth.q_matrix
    n_items, n_concepts = q.shape
    concept = q.indices[item]
    fit = learner < N_FIT
    back = ~fit
    given = [x[fit] for x in (learner, item, right, day)]
    asked = [x[back] for x in (learner, item, right, day)]
    found, seconds, models = {}, {}, {}

    def timed(name, predict):
        begun = time.process_time()
        found[name] = np.clip(predict(), 0, 1)
        seconds[name] = time.process_time() - begun

    pulled = np.bincount(given[1], given[2], n_items) / np.bincount(given[1], minlength=n_items)
    timed("item mean", lambda: pulled[asked[1]])
    past = history(learner, concept, right, day, n_concepts)
    items, concepts = one_of(item, n_items), one_of(concept, n_concepts)
    ones = sparse.csr_matrix(np.ones((item.size, 1)))

    def fitted(*blocks):
        return logistic([(b[fit], w) for b, w in blocks], given[2], [b[back] for b, _ in blocks])

    won, lost = (concepts.multiply(past[:, [j]]).tocsr() for j in (0, 1))
    timed("PFA", lambda: fitted((ones, 1e-3), (concepts, 0.3), (won, 1), (lost, 1)))
    seen = sparse.csr_matrix(past)
    timed(
        "logistic: item, counts, recency",
        lambda: fitted((ones, 1e-3), (items, 1), (concepts, 0.3), (won, 1), (lost, 1), (seen, 0.1)),
    )

    def ours(name, **settings):
        models[name] = fit_in_order(*given, q, AgingConfig(**({"n_classes": 9} | settings)))
        return models[name].predict_in_order(*asked)

    def tracing():
        of = [given[0], q.indices[given[1]], given[2], given[3]]
        each = sparse.identity(n_concepts, format="csr")
        config = AgingConfig(**TRACING, pool=False, difficulty_spread=3.0, contrast_spread=3.0)
        m = fit_in_order(*of, each, config)
        return m.predict_in_order(asked[0], q.indices[asked[1]], asked[2], asked[3])

    timed("BKT", tracing)

    def deep():
        learn, _, in_order = deep_tracing(n_items, q, 12)
        sequences = [(given[1][i], given[2][i]) for i in each_learner(given[0], N_FIT)]
        learn(sequences)
        p = np.empty(asked[0].size)
        for i in each_learner(asked[0] - N_FIT, N_HELD_BACK):
            p[i] = in_order(asked[1][i], asked[2][i])
        return p

    timed("DKT with a bias of each item", deep)
    timed("aging V-DINA, order not looked at", lambda: ours("still", **STILL))
    forgets_not = {"fit_forget": False, "half_life": np.inf}
    timed("aging V-DINA, nothing forgotten", lambda: ours("kept", **forgets_not))
    timed("aging V-DINA", lambda: ours("whole"))
    timed("the planted parameters", lambda: truth.predict_in_order(*asked))
    with capsys.disabled():
        print()
        scores = report(
            found, asked[2] == 1, asked[0], seconds,
            "aging V-DINA", "logistic: item, counts, recency",
        )  # fmt: skip
        m = models["whole"]
        print(
            f"half-life {m.half_life:.1f} days, planted {PLANTED_HALF_LIFE:.0f}; learned at an"
            f" answer {m.learn.mean():.3f}, planted {truth.learn.mean():.3f}; slopes"
            f" {m.prior_slope:.2f} and {m.answer_slope:.2f}, planted 1 and .4"
        )
    assert scores["aging V-DINA"].auc.value > scores["aging V-DINA, nothing forgotten"].auc.value


def test_intervals_of_the_half_life_hold_the_planted_one(capsys):
    n_worlds, config = 20, AgingConfig(n_classes=5)
    held, fitted, seconds = 0, [], 0.0
    for seed in range(n_worlds):
        truth, answers = planted(np.random.default_rng(seed))
        given = [x[answers[0] < 200] for x in answers]
        begun = time.process_time()
        m = fit_in_order(*given, truth.q_matrix, config)
        between = half_life_interval(m, *given, config)
        seconds += time.process_time() - begun
        fitted.append(m.half_life)
        held += between is not None and between[0] < PLANTED_HALF_LIFE < between[1]
    with capsys.disabled():
        print(
            f"\nhalf-life of {PLANTED_HALF_LIFE:.0f} days in {held} of {n_worlds} intervals of 95"
            f" %; fitted {np.min(fitted):.1f} to {np.max(fitted):.1f}, mean {np.mean(fitted):.1f};"
            f" {seconds / n_worlds:.1f} s CPU a fit of 12,000 answers with its interval"
        )
    assert held >= 0.8 * n_worlds
