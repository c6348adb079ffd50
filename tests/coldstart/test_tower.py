"""Served as trained, laws of what is served, and a tiny world that it learns."""

from dataclasses import replace

import coldstart_cases as cases
import numpy as np
import pytest
from scipy import sparse

from kgplan.coldstart.config import CUTS, TowerConfig
from kgplan.coldstart.features import encoder_of
from kgplan.coldstart.model import ColdStart
from kgplan.coldstart.neighbours import item_scores, nearest, similarity, weights_of
from kgplan.coldstart.pairs import drawn, likeness
from kgplan.coldstart.serving import Tower, embedded
from kgplan.errors import ConfigError

CONFIG = TowerConfig(hidden=8, attention=4, width=16, epochs=8, alike=10, neighbours=5, batch=16)


def weights(rng, d=6, a=3, width=5):
    return {
        "attend": rng.normal(size=(d, a)), "attend_bias": rng.normal(size=a),
        "attend_out": rng.normal(size=a), "out": rng.normal(size=(d, width)),
        "out_bias": rng.normal(size=width),
    }  # fmt: skip


def test_the_vector_is_the_equations_by_loops():
    rng = np.random.default_rng(0)
    hidden, w = np.abs(rng.normal(size=(4, 3, 6))), weights(rng)
    present = np.array([[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=float)
    h, alpha = embedded(np, hidden, present, w, True)
    for u in range(4):
        e = np.zeros(3)
        for i in range(3):
            if present[u, i]:
                inner = np.tanh(w["attend"].T @ hidden[u, i] + w["attend_bias"])
                e[i] = np.exp(w["attend_out"] @ inner)
        share = e / e.sum() if e.any() else e
        np.testing.assert_allclose(alpha[u], share, atol=1e-12)
        s = sum(share[i] * hidden[u, i] for i in range(3))
        raw = w["out"].T @ s + w["out_bias"]
        np.testing.assert_allclose(h[u], raw / np.linalg.norm(raw), atol=1e-12)


def test_absent_groups_do_not_count_whatever_stands_there():
    rng = np.random.default_rng(1)
    hidden, w = np.abs(rng.normal(size=(1, 3, 6))), weights(rng)
    other = hidden.copy()
    other[0, 1] = 100
    present = np.array([[1.0, 0, 1]])
    for attends in (True, False):
        ours, theirs = (embedded(np, x, present, w, attends)[0] for x in (hidden, other))
        np.testing.assert_array_equal(ours, theirs)


def test_similarity_is_the_exponential_of_the_distance():
    rng = np.random.default_rng(2)
    h = rng.normal(size=(6, 4))
    h /= np.linalg.norm(h, axis=1, keepdims=True)
    found = similarity(h @ h.T)
    by_hand = np.exp(-np.linalg.norm(h[:, None] - h[None], axis=2))
    np.testing.assert_allclose(found, by_hand, atol=1e-7)
    np.testing.assert_allclose(np.diag(found), 1, atol=1e-7)
    assert found.min() >= np.exp(-2)


def test_the_nearest_are_those_of_a_full_sort_ties_by_position():
    rng = np.random.default_rng(3)
    known = np.repeat(rng.normal(size=(20, 3)), 3, axis=0)  # each three times
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    asked = known[[4, 30]] + 0.1
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    at, alike = nearest(known, asked, 7)
    for row in range(2):
        d = np.linalg.norm(known - asked[row], axis=1).round(9)
        expected = sorted(range(60), key=lambda j: (d[j], j))[:7]
        assert at[row].tolist() == expected
        np.testing.assert_allclose(alike[row], np.exp(-d[expected]), atol=1e-6)
    assert nearest(known, asked, 100)[0].shape == (2, 60)
    assert nearest(known[:0], asked, 5)[0].shape == (2, 0)


def test_scores_are_the_neighbours_weight_by_loops():
    rng = np.random.default_rng(4)
    opened = rng.random((6, 5)) < 0.5
    at, alike = np.array([[0, 3, 5], [2, 1, 4]]), rng.uniform(0.2, 1, (2, 3))
    w = weights_of(alike)
    np.testing.assert_allclose(w, alike**10 / (alike**10).sum(axis=1, keepdims=True))
    found = item_scores(at, w, sparse.csr_array(opened.astype(float)))
    for row in range(2):
        for v in range(5):
            expected = sum(w[row, j] for j in range(3) if opened[at[row, j], v])
            assert found[row, v] == pytest.approx(expected)


def test_pairs_are_the_largest_and_as_many_of_lower_ranks():
    rng = np.random.default_rng(5)
    t = rng.random((3, 300))
    t[2] = 0
    pairs = drawn(t, 20, rng)
    for row in range(2):
        mine = pairs.asked == row
        rank = np.argsort(np.argsort(-t[row]))[pairs.known[mine]]
        yes = pairs.alike[mine] > 0
        assert sorted(rank[yes].tolist()) == list(range(20))
        no = rank[~yes]
        assert np.sum((no >= 40) & (no < 100)) == 10
        assert np.sum(no >= 100) == 10
    assert not (pairs.asked == 2).any()  # nobody is like one with nothing in common


def test_nobody_is_compared_with_oneself():
    rows = sparse.csr_array(np.eye(3))
    t = likeness(rows, rows, np.array([0, -1, 2]))
    assert np.diag(t).tolist() == [-1, 1, -1]
    assert 0 not in drawn(t[:1], 2, np.random.default_rng(0)).known


def test_the_loss_is_the_written_one():
    torch = pytest.importorskip("torch")
    from kgplan.coldstart.training import contrastive

    rng = np.random.default_rng(6)
    left, right, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)), np.array([1.0, 0, 1, 0, 0])
    right[4] = left[4] + 0.1
    terms = []
    for k in range(5):
        d = np.linalg.norm(left[k] - right[k])
        terms.append(d**2 if y[k] else max(0, 1.4 - d) ** 2)
    assert contrastive(np, left, right, y, 1.4) == pytest.approx(np.mean(terms), abs=1e-5)
    same = torch.zeros((1, 2), requires_grad=True)
    contrastive(torch, same, torch.zeros((1, 2)), torch.zeros(1), 1.0).backward()
    assert torch.isfinite(same.grad).all()  # a root has no slope at 0


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("torch")
    from kgplan.coldstart.training import train

    records = cases.records(np.random.default_rng(0), n=130)
    histories = cases.histories(records)
    some, apart = np.arange(100), np.arange(100, 120)
    found = train(histories, records, cases.facts(), some, apart, CONFIG)
    return records, histories, found


def test_numpy_serves_what_pytorch_trained(trained):
    import torch

    from kgplan.coldstart.training import _Side

    records, histories, _ = trained
    encoder = encoder_of(histories, np.arange(30), cases.facts(), records, CUTS)
    side = _Side(torch, encoder, replace(CONFIG, dropout=0.0))
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for each in side.parameters.values():
            each += torch.tensor(0.3 * rng.normal(size=each.shape).astype(np.float32))
    groups = encoder.groups([histories.cut(u, n) for u in range(40) for n in CUTS])
    with torch.no_grad():
        expected = side.vectors(groups).numpy()
    np.testing.assert_allclose(side.tower()(groups)[0], expected, atol=1e-5)


def test_it_learns_of_which_kind_a_learner_is_from_one_row(trained):
    _, histories, found = trained
    alike = found.model.alike([histories.cut(u, 1) for u in range(120, 130)])
    theirs = alike.positions % 2  # known learners of even numbers are of one kind
    assert (theirs == (np.arange(120, 130) % 2)[:, None]).mean() > 0.95
    assert found.losses[-1] < found.losses[0]
    assert ((alike.confidence >= 0) & (alike.confidence <= 1)).all()


def test_a_learner_of_whom_nothing_is_known_gets_no_confidence(trained):
    _, histories, found = trained
    rows = replace(histories.cut(0, 0), courses=np.zeros(0, np.int64))
    assert found.model.alike([rows]).confidence.tolist() == [0.0]


def test_new_rows_change_the_vector_untrained(trained):
    _, histories, found = trained
    groups = found.model.encoder.groups([histories.cut(123, n) for n in (1, 2, 3)])
    h = found.model.tower(groups)[0]
    assert np.abs(np.diff(h, axis=0)).max(axis=1).min() > 1e-3


def test_it_comes_back_from_plain_arrays(trained):
    _, histories, found = trained
    model = found.model
    again = ColdStart.from_arrays(model.to_arrays())
    rows = [histories.cut(u, 3) for u in range(120, 130)]
    for ours, theirs in zip(vars(model.alike(rows)).values(), vars(again.alike(rows)).values(),
                            strict=True):  # fmt: skip
        np.testing.assert_array_equal(ours, theirs)
    assert isinstance(again.tower, Tower)


def test_who_is_left_out_of_the_known_is_in_no_answer(trained):
    from kgplan.coldstart.training import known_to

    records, histories, found = trained
    rows = [histories.cut(120, 3)]
    nearest_one = int(found.model.alike(rows).positions[0, 0])
    rest = np.setdiff1d(np.arange(100), [nearest_one])
    fewer = known_to(found.model, histories, rest, records.learner_ids)
    assert records.learner_ids[nearest_one] not in fewer.learner_ids
    at = fewer.alike(rows).positions[0]
    assert fewer.learner_ids[at].tolist() == [
        found.model.learner_ids[j]
        for j in found.model.alike(rows, 6).positions[0].tolist()
        if j != nearest_one
    ]


def test_where_nobody_has_anything_in_common_nothing_is_learned_and_nothing_is_sure():
    pytest.importorskip("torch")
    from kgplan.coldstart.training import train

    records = cases.records(np.random.default_rng(0), n=1)
    histories = cases.histories(records)
    found = train(histories, records, cases.facts(), np.arange(1), np.arange(0), CONFIG)
    assert found.losses == ()
    assert found.model.alike([histories.cut(0, 1)]).confidence.tolist() == [0.0]


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="margin is 0"):
        TowerConfig(margin=0)
    with pytest.raises(ConfigError, match="dropout is 1"):
        TowerConfig(dropout=1.0)
