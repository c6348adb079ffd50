"""Resources of steps, ranked: what is told of them, and what the ranking leaves as it was."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import random_case
from scipy import sparse

from kgplan.data.wishes import Wishes
from kgplan.errors import ConfigError, UnknownConcept, UnknownCourse
from kgplan.planning import CurrentLearner, PlanOptions
from kgplan.planning.ranked import SHOWN
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays
from kgplan.resources.blend.fitting import BlendConfig, fit_blend
from kgplan.resources.ranker import usual_ranker
from kgplan.resources.simple import METHODS


def ordered(case):
    """The case with an order of views, and two further videos on each concept, in all courses."""
    records, rng = case.records, np.random.default_rng(len(case.edges))
    k = records.concept_ids.size
    ids = np.array([f"v_{c}{n}" for n in (1, 2, 3) for c in records.concept_ids.tolist()])
    order = np.argsort(ids)
    q = sparse.csr_array(np.tile(np.eye(k, dtype=np.int8), (3, 1))[order])
    viewed = np.tile(records.viewed.toarray(), (1, 3))[:, order]
    viewed *= rng.random(viewed.shape) < 0.6
    viewed = sparse.csr_array(viewed)
    viewed.eliminate_zeros()
    place = np.concatenate([rng.permutation(n) + 1 for n in np.diff(viewed.indptr)])
    has = np.tile(records.course_concepts.toarray(), (1, 3))[:, order]
    items = sparse.csr_array(np.cumsum(has, axis=1) * has)
    made = replace(
        records,
        item_ids=ids[order],
        q_matrix=q,
        viewed=viewed,
        viewed_order=place.astype(np.int64),
        course_items=items,
        item_seconds=None,
    )
    return replace(case, records=made)


def both(seed: int):
    """The same planner without and with a ranking."""
    case = ordered(random_case(seed))
    return case.planner(), case.planner(ranker=usual_ranker(case.records))


def blended(seed: int):
    """A planner whose blend was fitted to other learners on the same videos."""
    case = ordered(random_case(seed))
    records, rng = case.records, np.random.default_rng(seed)
    n = records.item_ids.size
    lines = [rng.permutation(n)[: int(rng.integers(4, n + 1))] for _ in range(80)]
    learner = np.repeat(np.arange(80), [line.size for line in lines])
    order = sparse.coo_array(
        (np.concatenate([np.arange(line.size) + 1 for line in lines]),
         (learner, np.concatenate(lines))), shape=(80, n),
    ).tocsr()  # fmt: skip
    viewed = sparse.csr_array((np.ones(order.nnz), order.indices, order.indptr), shape=order.shape)
    others = replace(records, viewed=viewed, viewed_order=order.data)
    blend = fit_blend(others, BlendConfig(ahead=1, moments=6, before=1, rounds=8))
    ranker = replace(usual_ranker(others), counts=blend.known.counts, chosen="blend", blend=blend)
    return case.planner(ranker=ranker)


def everyone(planner):
    return [(u, c) for u in planner.records.learner_ids.tolist() for c in planner.graph.course_ids]


def unranked(plan):
    """The plan without what a ranking adds."""
    steps = [
        replace(step, runners_up=(), resources=tuple(each.ranked(None) for each in step.resources))
        for step in plan.steps
    ]
    return replace(plan, steps=tuple(steps))


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from([{}, {"minutes": 9.0}, {"length": 3}]))
def test_what_a_gain_plan_opens_and_in_which_order_stays_the_planners(seed, chosen):
    plain, ranking = both(seed)
    for learner, course in everyone(plain):
        try:
            expected = plain.plan(learner, course, PlanOptions(**chosen))
        except ConfigError:
            continue
        assert unranked(ranking.plan(learner, course, PlanOptions(**chosen))) == expected


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["gain", "kg-plppm"]))
def test_each_step_names_what_it_opens_and_the_best_of_the_rest(seed, planner):
    _, ranking = both(seed)
    places, records = ranking.derived.resources, ranking.records
    for learner, course in everyone(ranking):
        plan = ranking.plan(learner, course, PlanOptions(planner=planner))
        own = ranking._learner(learner)
        for step in plan.steps:
            concept = ranking.graph.concepts.find(step.concept_id)
            on = {str(i) for i in records.item_ids[places.on(concept, course, own.courses).items]}
            finished = set(records.item_ids[own.shares >= 0.9].tolist())
            opens = [each.item_id for each in step.resources if each.item_id]
            others = [each.item_id for each in step.runners_up]
            assert len(opens) + len(others) <= max(SHOWN, len(opens))
            assert not set(opens) & set(others)
            assert set(others) <= on - finished
            assert len(others) == min(max(SHOWN - len(opens), 0), len(on - finished - set(opens)))
            assert [e.rank.place for e in step.runners_up] == sorted(
                e.rank.place for e in step.runners_up
            )
            for each in (*step.resources, *step.runners_up):
                if each.item_id in finished or each.item_id not in on:
                    assert each.rank is None
                    continue
                assert 1 <= each.rank.place <= each.rank.of == len(on - finished)
                assert set(each.rank.methods) <= set(METHODS)
                assert each.rank.because.endswith(".")
                assert {view.item_id for view in each.rank.earlier} <= set(
                    records.item_ids[own.shares > 0].tolist()
                )


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1))
def test_own_courses_come_first_and_then_the_score_decides(seed):
    _, ranking = both(seed)
    for learner, course in everyone(ranking)[:6]:
        own = ranking._learner(learner).courses
        for concept in ranking.graph.concept_ids.tolist():
            found = ranking.resources(learner, concept, course, n=50).resources
            keys = [
                (0 if e.course_id == course else 1 if e.course_id in own else 2, -e.rank.score)
                for e in found
            ]
            assert keys == sorted(keys)


def test_planners_that_name_a_choice_name_the_best_of_each_course():
    better = 0
    for seed in range(4):
        plain, ranking = both(seed)
        for learner, course in everyone(plain):
            options = PlanOptions(planner="kg-plppm")
            first, second = (p.plan(learner, course, options) for p in (plain, ranking))
            assert [s.concept_id for s in first.steps] == [s.concept_id for s in second.steps]
            for was, now in zip(first.steps, second.steps, strict=True):
                for each in now.resources:
                    alike = ranking.resources(learner, now.concept_id, course, n=50).resources
                    same = [e for e in alike if e.course_id == each.course_id and e.share < 0.8]
                    if each.rank is not None and each.share < 0.8 and same:
                        assert each.rank.score == max(e.rank.score for e in same)
                better += [e.item_id for e in was.resources] != [e.item_id for e in now.resources]
    assert better  # else nothing was tried


def current(planner, **told):
    nothing = np.empty(0)
    return CurrentLearner(
        planner.diagnosis.concept_ids, nothing.astype(int), nothing, nothing.astype(bool), **told
    )


def on_one_concept(planner):
    """A concept with several unseen resources, for a learner whom nothing names."""
    return planner.graph.concept_ids.tolist()[0]


def test_a_view_moves_the_next_ranking_and_is_told_in_it():
    _, ranking = both(2)
    concept = on_one_concept(ranking)
    new = ranking.resources("zed", concept, None)
    assert new.new
    item = ranking.records.item_ids[(ranking.records.viewed > 0).sum(axis=0).argmax()]
    seen = current(ranking, shares={str(item): 1.0}, seen_at={str(item): 5.0})
    told = [
        ranking.resources("zed", each, None, current=seen)
        for each in ranking.graph.concept_ids.tolist()
    ]
    assert not told[0].new
    rests_on = {view.item_id for each in told for r in each.resources for view in r.rank.earlier}
    assert rests_on == {item}
    assert item not in [r.item_id for each in told for r in each.resources]


def test_what_is_said_to_be_not_for_me_leaves_plans_and_rankings_at_once():
    tried = 0
    for seed in range(3):
        for planner in both(seed):
            for learner, course in everyone(planner)[:8]:
                for name in ("gain", "kg-plppm"):
                    options = PlanOptions(planner=name)
                    before = planner.plan(learner, course, options, current(planner))
                    opens = [r.item_id for s in before.steps for r in s.resources if r.item_id]
                    if not opens:
                        continue
                    wishes = Wishes(items_left_out=frozenset(opens[:1]))
                    now = current(planner, wishes=wishes)
                    after = planner.plan(learner, course, options, now)
                    named = [r.item_id for s in after.steps for r in (*s.resources, *s.runners_up)]
                    concept = before.steps[0].concept_id
                    found = planner.resources(learner, concept, course, n=50, current=now)
                    assert opens[0] not in [*named, *(r.item_id for r in found.resources)]
                    tried += 1
    assert tried > 9


@pytest.mark.parametrize("language", ["en", "zh"])
def test_why_is_said_in_both_languages_with_figures_only_where_asked_for(language):
    said = set()
    for seed in range(2):
        _, ranking = both(seed)
        for learner in [*ranking.records.learner_ids.tolist(), "zed"]:
            for concept in ranking.graph.concept_ids.tolist():
                for detail in ("words", "numbers"):
                    manner = PlanOptions(language=language, detail=detail)
                    for each in ranking.resources(learner, concept, None, manner).resources:
                        because = each.rank.because
                        assert because.endswith("." if language == "en" else "。")
                        assert not set("{}[]|") & set(because)
                        said.add((frozenset(each.rank.methods), detail))
                        bare = re.sub("v_[a-z][0-9]|“[^”]*”", "", because)
                        assert detail == "numbers" or not re.search(r"\d", bare), because
    assert len(said) > 4


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_blends_reasons_are_true_of_the_records_that_it_was_fitted_to(language):
    ranking = blended(3)
    counts, ids = ranking.ranker.counts, ranking.records.item_ids.tolist()
    followed, together = counts.followed.toarray(), counts.together.toarray()
    manner = PlanOptions(language=language, detail="numbers")
    said = set()
    for learner in ranking.records.learner_ids.tolist():
        for concept in ranking.graph.concept_ids.tolist():
            found = ranking.resources(learner, concept, None, manner, n=50).resources
            last = ranking._ranks.asker(ranking._learner(learner)).standing.history[-1:]
            for each in found:
                item, because = ids.index(each.item_id), each.rank.because
                shares = np.array(list(each.rank.methods.values()))
                assert np.abs(shares).sum() == pytest.approx(1)
                views = re.findall(r"(\d+) of (\d+) views|(\d+)次中有(\d+)次", because)
                for a, b, of, steps in views:
                    expected = followed[last[0], item], followed[last[0]].sum()
                    assert (int(a or steps), int(b or of)) == expected
                    assert expected[0] > 0
                    said.add("steps")
                for both, of in re.findall(r"\((\d+) of (\d+)\)", because):
                    row = together[:, item]
                    pairs = zip(row.tolist(), counts.viewers.tolist(), strict=True)
                    assert (int(both), int(of)) in pairs
                    said.add("together")
    assert said == ({"steps", "together"} if language == "en" else {"steps"})


def test_a_course_is_ranked_too_and_without_a_ranking_it_keeps_its_order():
    for seed in range(4):
        plain, ranking = both(seed)
        for learner, course in everyone(plain):
            found = [planner.resources(learner, None, course, n=50) for planner in (plain, ranking)]
            first, second = ([r.item_id for r in each.resources] for each in found)
            assert sorted(first) == sorted(second)
            records = plain.records
            at = records.courses.find(course)
            in_order = records.item_ids[records.in_order(at)].tolist()
            assert first == [each for each in in_order if each in first]
            assert all(each.rank is None for each in found[0].resources)
            assert (found[0].served, found[1].served) == (None, "simple methods")
            scores = [each.rank.score for each in found[1].resources]
            assert scores == sorted(scores, reverse=True)


def test_where_there_is_nothing_a_course_is_named():
    case = random_case(3)
    untaught = replace(case.records, q_matrix=sparse.csr_array(case.records.q_matrix.shape))
    planner = replace(case, records=untaught).planner()
    listed = planner.graph.course_concepts.tocoo()
    concept = str(planner.graph.concept_ids[listed.col[0]])
    found = planner.resources("zed", concept, None)
    having = min(planner.graph.course_ids[listed.row[listed.col == listed.col[0]]].tolist())
    assert found.resources == ()
    assert found.note == f"Nothing to open on {concept} is known; {having} has it."
    assert "没有" in planner.resources("zed", concept, None, PlanOptions(language="zh")).note


def test_unknown_ids_are_refused_with_near_ones():
    _, ranking = both(0)
    with pytest.raises(UnknownConcept):
        ranking.resources("u0", "nothing", None)
    with pytest.raises(UnknownCourse):
        ranking.resources("u0", None, "nothing")
    with pytest.raises(ConfigError, match="give a concept"):
        ranking.resources("u0", None, None)


def test_a_stored_planner_ranks_as_before():
    plain, ranking = both(5)
    for planner in (plain, ranking, blended(5)):
        arrays, values = planner_to_arrays(planner)
        again = planner_from_arrays(arrays, json.loads(json.dumps(values)))
        for learner, course in everyone(planner):
            assert again.plan(learner, course) == planner.plan(learner, course)
