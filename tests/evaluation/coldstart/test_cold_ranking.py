"""Cases, measures and rivals, by loops and by scikit-learn."""

from dataclasses import replace

import coldstart_cases as worlds
import numpy as np
import pytest
from scipy import sparse

from kgplan.coldstart.config import CUTS
from kgplan.coldstart.features import encoder_of
from kgplan.coldstart.pairs import Pairs
from kgplan.errors import InputError
from kgplan.evaluation.coldstart.cases import Case, auc, cases_of, first_places, seen_of
from kgplan.evaluation.coldstart.pair_task import Asked, told_apart
from kgplan.evaluation.coldstart.ranking import Blend, compared, measured
from kgplan.evaluation.coldstart.report import rows_of
from kgplan.evaluation.coldstart.rivals import Known


@pytest.fixture(scope="module")
def world():
    """Learners with up to 18 rows in courses of both kinds."""
    rng = np.random.default_rng(0)
    order = np.zeros((30, 24), dtype=np.int32)
    for u in range(30):
        own = rng.permutation(24)[: rng.integers(8, 19)]
        order[u, own] = np.arange(1, own.size + 1)
    viewed = sparse.csr_array(order)
    records = replace(
        worlds.records(rng, n=30),
        viewed=sparse.csr_array((np.ones(viewed.nnz), viewed.indices, viewed.indptr), (30, 24)),
        viewed_order=viewed.data,
    )
    histories = worlds.histories(records)
    encoder = encoder_of(histories, np.arange(20), worlds.facts(), records, CUTS)
    return records, histories, encoder, Known(rows_of(records, np.arange(20)), encoder)


def test_auc_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    for _ in range(20):
        yes = (rng.random(30) < 0.3).astype(float)
        yes[:2] = 0, 1
        scores = rng.integers(0, 6, 30).astype(float)  # with ties
        assert auc(scores, yes) == pytest.approx(metrics.roc_auc_score(yes, scores))


def test_first_places_are_those_of_scikit_learn_and_loops():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    for _ in range(20):
        yes = (rng.random(30) < 0.2).astype(float)
        yes[0] = 1
        scores = rng.permutation(30).astype(float)
        reciprocal, gain, recall = first_places(scores, yes)
        assert gain == pytest.approx(metrics.ndcg_score([yes], [scores], k=10))
        ranked = sorted(range(30), key=lambda j: -scores[j])
        assert reciprocal == 1 / next(p for p, j in enumerate(ranked, 1) if yes[j])
        assert recall == pytest.approx(sum(yes[j] for j in ranked[:10]) / yes.sum())


def test_targets_are_rows_11_to_20_and_the_others_were_never_opened(world):
    records, histories, _, _ = world
    found = cases_of(histories, records, np.arange(30))
    assert {case.learner for case in found} == set(np.flatnonzero(histories.sizes >= 15).tolist())
    for case in found:
        line = histories.all_of(case.learner).tolist()
        assert set(case.targets.tolist()) == set(line[10:20])
        assert not set(case.others.tolist()) & set(line)
        shown = {v for v in range(24) if v // 6 in {w // 6 for w in line}}
        assert set(case.others.tolist()) == shown - set(line)
    rows = seen_of(histories, found, 3)
    assert [each.items.tolist() for each in rows] == [
        histories.all_of(case.learner)[:3].tolist() for case in found
    ]
    with pytest.raises(InputError, match="none of 0 learners"):
        cases_of(histories, records, np.arange(0))


def test_rivals_are_what_loops_say(world):
    records, histories, _, known = world
    opened = (records.viewed.toarray() > 0)[:20]
    rows = [histories.cut(u, n) for u, n in ((25, 1), (26, 4))]
    top = max(opened.sum(axis=0))
    np.testing.assert_allclose(known.popular(rows)[0], opened.sum(axis=0) / top)
    users = known.user_cf(rows)
    for line, each in zip(users, rows, strict=True):
        mine = np.isin(np.arange(24), each.items)
        likes = [
            (mine & row).sum() / np.sqrt(mine.sum() * row.sum()) for row in opened
        ]  # 100 neighbours are all of them
        expected = np.array([sum(w for w, row in zip(likes, opened, strict=True) if row[v])
                             for v in range(24)])  # fmt: skip
        np.testing.assert_allclose(line, expected / expected.max(), atol=1e-6)
    in_course = known.popular_in_course(rows)
    for line, each in zip(in_course, rows, strict=True):
        for v in range(24):
            assert (line[v] > 1e-6) == (v // 6 in each.courses and opened[:, v].any())


@pytest.mark.parametrize("name", ["item_cf", "user_cf", "next_in_course"])
def test_without_a_row_these_go_by_popularity(world, name):
    _, histories, _, known = world
    (scores,) = getattr(known, name)([histories.cut(25, 0)])
    popular = known.popular([histories.cut(25, 0)])[0]
    assert (
        np.argsort(-scores, kind="stable").tolist() == np.argsort(-popular, kind="stable").tolist()
    )


def test_a_method_that_knows_the_targets_measures_1_and_gains_over_the_others(world):
    records, histories, _, known = world
    cases = cases_of(histories, records, np.arange(30))
    right = np.zeros((len(cases), 24))
    for k, case in enumerate(cases):
        right[k, case.targets] = 1
    np.testing.assert_allclose(measured(right, cases), 1)
    popular = known.popular([histories.cut(c.learner, 0) for c in cases])
    methods = {"right": [dict.fromkeys(CUTS, right)], "popular": [dict.fromkeys(CUTS, popular)]}
    found = {(each.method, each.n): each for each in compared(methods, cases, ["popular"])}
    ours, theirs = (found[name, 5] for name in ("right", "popular"))
    gain, low, high = ours.gains["popular"]
    assert gain == pytest.approx(1 - theirs.means["AUC_hard"])
    assert low <= gain <= high
    assert theirs.gains == {}


def test_a_blend_finds_the_method_that_is_right():
    rng = np.random.default_rng(3)
    cases, right = [], np.zeros((60, 40))
    for k in range(60):
        items = rng.permutation(40)
        cases.append(Case(k, np.sort(items[:8]), np.sort(items[8:30]), np.sort(items[:8])))
        right[k, items[:8]] = 1
    noise = rng.random((60, 40))
    methods = {"noise": dict.fromkeys(CUTS, noise), "right": dict.fromkeys(CUTS, right)}
    pytest.importorskip("sklearn")
    part = {name: {n: each[n][:40] for n in CUTS} for name, each in methods.items()}
    blend = Blend(part, cases[:40], tuple(methods))
    rest = {name: {n: each[n][40:] for n in CUTS} for name, each in methods.items()}
    found = blend.scores(rest, cases[40:])
    assert measured(found[3], cases[40:])[:, 0].mean() > 0.99
    assert measured(rest["noise"][3], cases[40:])[:, 0].mean() < 0.7


def test_the_five_measures_are_those_of_scikit_learn_at_the_bound_of_the_best_f1():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    yes = (rng.random(300) < 0.5).astype(float)
    values = (yes + rng.normal(size=300)).round(1)  # with ties

    def asked(half):
        return Asked([], Pairs(np.zeros(150, int), np.arange(300)[half], yes[half]))

    validation, test = asked(slice(150)), asked(slice(150, 300))
    found = told_apart("values", lambda each: values[each.pairs.known], validation, test)
    bounds = np.unique(values[:150])
    f1 = [metrics.f1_score(yes[:150], values[:150] >= b) for b in bounds]
    best = max(f1)
    tied = [b for b, f in zip(bounds, f1, strict=True) if f == pytest.approx(best)]
    said = values[150:] >= tied[-1]
    assert found.f1 == pytest.approx(metrics.f1_score(yes[150:], said))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(yes[150:], said))
    assert found.precision == pytest.approx(metrics.precision_score(yes[150:], said))
    assert found.recall == pytest.approx(metrics.recall_score(yes[150:], said))
    assert found.auc == pytest.approx(metrics.roc_auc_score(yes[150:], values[150:]))


def test_records_of_some_are_theirs(world):
    records, histories, _, _ = world
    some = np.array([3, 7, 29])
    less = rows_of(records, some)
    mine = worlds.histories(less)
    for k, u in enumerate(some.tolist()):
        np.testing.assert_array_equal(mine.all_of(k), histories.all_of(u))
    assert less.learner_ids.tolist() == records.learner_ids[some].tolist()
