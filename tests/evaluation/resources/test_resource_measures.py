"""What is held back, how a list is judged, and what is found where the truth is planted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from resources_cases import records
from scipy import sparse

from kgplan.errors import InputError
from kgplan.evaluation.resources.metrics import (
    diversity,
    ndcg,
    paired_interval,
    precision,
    recall,
)
from kgplan.evaluation.resources.protocol import (
    contexts,
    measured,
    measured_by_concept,
    of_concepts,
)
from kgplan.evaluation.resources.report import BLEND, evaluate, markdown
from kgplan.evaluation.resources.splits import Viewing, at_moment, last, last_share

RNG = np.random.default_rng


def viewing(lines, first=None, n_items=30, q=None) -> Viewing:
    """Views an hour apart, from each learner's first moment on."""
    world = records(lines, courses=(tuple(range(n_items)),), n_items=n_items)
    if q is not None:
        concept_ids = np.array([f"K_{k}" for k in range(q.shape[1])])
        world = replace(world, concept_ids=concept_ids, q_matrix=sparse.csr_array(q))
    learner = np.repeat(np.arange(len(lines)), np.diff(world.viewed.indptr))
    begin = np.zeros(len(lines), dtype=int) if first is None else np.array(first)
    return Viewing(world, begin[learner] + world.places_of_views)


@given(
    shown=st.lists(st.integers(0, 9), unique=True, min_size=1, max_size=10),
    opened=st.sets(st.integers(0, 9), min_size=1),
    n=st.integers(1, 6),
)
def test_measures_of_a_list_equal_counting_by_loops(shown, opened, n):
    given = np.array(shown), np.array(sorted(opened)), n
    hits = [k for k, item in enumerate(shown[:n]) if item in opened]
    assert precision(*given) == pytest.approx(len(hits) / n)
    assert recall(*given) == pytest.approx(len(hits) / len(opened))
    ideal = sum(1 / np.log2(k + 2) for k in range(min(n, len(opened))))
    assert ndcg(*given) == pytest.approx(sum(1 / np.log2(k + 2) for k in hits) / ideal)


def test_discounted_gain_is_that_of_scikit_learn():
    from sklearn.metrics import ndcg_score

    rng = RNG(0)
    for _ in range(20):
        scores, opened = rng.random(12), rng.choice(12, 4, replace=False)
        relevant = np.isin(np.arange(12), opened)
        expected = ndcg_score(relevant[None].astype(int), scores[None], k=5)
        assert ndcg(np.argsort(-scores), opened, 5) == pytest.approx(expected)


def test_diversity_is_the_mean_of_one_less_cosine_over_pairs():
    vectors = RNG(1).normal(size=(4, 3))
    pairs = [(i, j) for i in range(4) for j in range(i)]
    cosines = [
        vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])
        for i, j in pairs
    ]
    assert diversity(vectors) == pytest.approx(1 - np.mean(cosines))
    assert diversity(vectors[:1]) == 1


def test_the_interval_of_a_difference_covers_it_as_often_as_it_says():
    rng, covered = RNG(2), 0
    for _ in range(200):
        ours = rng.normal(0.3, 1, 60)
        low, high = paired_interval(ours, np.zeros(60), rng, draws=300)
        covered += low <= 0.3 <= high
    # 190 are expected, with a standard deviation of 3.1; this is five of these below
    assert covered >= 174


def test_last_views_are_held_back_of_those_with_ten():
    lines = [list(range(12)), list(range(9)), list(range(20, 10, -1))]
    split = last(5)(viewing(lines))
    assert split.learner.tolist() == [0, 2]
    assert [each.tolist() for each in split.coming] == [[7, 8, 9, 10, 11], [15, 14, 13, 12, 11]]
    assert [each.tolist() for each in split.known.lines] == [
        list(range(7)),
        list(range(9)),
        [20, 19, 18, 17, 16],
    ]


def test_the_last_fifth_is_rounded_up():
    split = last_share(viewing([list(range(11))]))
    assert split.coming[0].tolist() == [8, 9, 10]


def test_at_a_moment_nobodys_future_is_seen():
    # the second learner begins when half of all views are over; the third has only three before
    lines = [list(range(14)), list(range(12)), list(range(12))]
    made = viewing(lines, first=[0, 40, 5])
    split = at_moment(0.5)(made)
    moment = np.sort(made.moments)[19]
    assert split.known.moments.max() < moment
    assert split.known.moments.size + sum(made.moments >= moment) == 38
    before = [sum(1 for k in range(1, 13) if 5 + k < moment)]
    assert split.learner.tolist() == [2]
    assert split.coming[0].tolist() == list(range(before[0], before[0] + 5))


def test_what_cannot_be_held_back_is_refused():
    with pytest.raises(InputError, match="no learner has 10 views"):
        last(5)(viewing([[1, 2, 3]]))
    with pytest.raises(InputError, match="no learner has 5 views before the cut"):
        at_moment(0.5)(viewing([[1, 2, 3]]))


def test_a_method_that_knows_scores_one_and_its_opposite_none():
    split = last(5)(viewing([list(range(12)), list(range(29, 12, -1))]))
    coming = dict(zip(split.learner.tolist(), split.coming, strict=True))

    def knows(context, asked):
        return np.isin(asked, coming[context.learner]).astype(float)

    assert measured(knows, split).precision.tolist() == [1, 1]
    assert measured(lambda c, a: -knows(c, a), split).recall.tolist() == [0, 0]
    for context, shown in zip(contexts(split), measured(knows, split).shown, strict=True):
        assert not set(shown.tolist()) & set(context.history.tolist())


def test_cases_of_concepts_are_the_unopened_resources_on_them():
    q = np.zeros((30, 3), dtype=np.int8)
    q[[7, 20, 21], 0] = 1
    q[[7, 3], 1] = 1  # 3 is opened before: no choice is left
    q[[11, 7, 22], 2] = 1
    split = last(5)(viewing([list(range(12))], q=q))
    found = of_concepts(split)
    told = [(case.opened, case.candidates.tolist(), case.weight) for case in found]
    assert told == [(7, [7, 20, 21], 1 / 3), (7, [7, 11, 22], 1 / 3), (11, [11, 22], 1)]
    assert [case.context.history.size for case in found] == [7, 7, 11]
    figures = measured_by_concept(lambda context, asked: -asked.astype(float), found)
    assert figures.hit.tolist() == [1, 1, 1]
    figures = measured_by_concept(lambda context, asked: asked.astype(float), found)
    np.testing.assert_allclose(figures.ndcg, [0.5, 0.5, 1 / np.log2(3)])


def test_the_blend_beats_counting_where_a_habit_is_planted():
    # half the learners go on by one place, half by two: only their own steps say which
    rng, lines = RNG(3), []
    for _ in range(120):
        pace = int(rng.integers(1, 3))
        start = int(rng.integers(0, 4))
        lines.append(list(range(start, start + 13 * pace, pace)))
    made = viewing(lines)
    cells = list(evaluate(made, RNG(4).normal(size=(30, 4)), ["last-1"], seeds=1))
    blend = cells[-1]
    assert blend.method == BLEND
    assert blend.low is not None
    assert blend.high is not None
    assert blend.low <= blend.gain <= blend.high
    best = max(cell.means["R@5"] for cell in cells[:-1])
    assert blend.gain == pytest.approx(blend.means["R@5"] - best)
    assert blend.means["NDCG@5"] > max(cell.means["NDCG@5"] for cell in cells[:-1])
    assert markdown(cells).count("\n| ") == 1 + len(cells)  # a heading, and a row for each


def test_what_is_trained_elsewhere_is_measured_beside_the_others():
    made = viewing([list(range(k, k + 12)) for k in range(12)])
    fits = []

    def fit(records, seed):
        fits.append((records.viewed.nnz, seed))
        return lambda context, asked: -np.abs(asked - context.history[-1] - 1.0)

    cells = list(evaluate(made, RNG(4).normal(size=(30, 4)), ["last-1"], 2, trained={"next": fit}))
    assert fits == [(12 * 11, 0), (12 * 11, 1)]  # fitted to what is known alone
    assert (cells[-1].method, cells[-1].means["R@5"], cells[-1].spread) == ("next", 1.0, 0.0)


def test_waits_are_hours_from_the_view_before():
    made = viewing([[3, 1, 2], [], [4, 0]])
    spread = np.concatenate([[7200, 3600, 0], [900, 0]])  # by resource: 1, 2, 3; 0, 4
    waits = replace(made, moments=spread).waits
    # the first learner opened 3 at 0 s, 1 at 7,200 s, and 2 earlier than that by its clock
    expected = [np.log1p([0, 2, 0]), [], np.log1p([0, 0.25])]
    assert len(waits) == 3
    for found, hours in zip(waits, expected, strict=True):
        np.testing.assert_allclose(found, hours)
