import dataclasses
import string

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import algorithm_1, hand_case, make_case, random_case
from scipy import sparse

from kgplan.data.records import LearnerRecords
from kgplan.errors import ConfigError, UnknownConcept
from kgplan.planning import PlanOptions
from kgplan.planning.texts import TEXTS

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=20)


def ids(plan):
    return [step.concept_id for step in plan.steps]


def drawn(case, seed, share):
    """Some of a case's concepts."""
    rng = np.random.default_rng(seed)
    return tuple(c for c in case.graph.concept_ids.tolist() if rng.random() < share)


def mastery_of(case, learner):
    """concept -> mastery, the prior where nothing is stored."""
    d = case.diagnosis
    row = d.mastery[[d.learner_ids.tolist().index(learner)]].toarray()[0]
    stored = d.mastery[[d.learner_ids.tolist().index(learner)]].tocoo().col.tolist()
    return {c: float(row[k] if k in stored else d.prior[k]) for k, c in enumerate(d.concept_ids)}


def steps_by_loops(case, learner, course, options):
    """Steps 3 to 5 with what is left out, pinned and timed, as plain loops; S_P is the planner's.

    Returns concept ids, foundation first.
    """
    everything = algorithm_1(length=50, max_prerequisites=0, neighbours=options.neighbours)
    pinned_too = dataclasses.replace(everything, pin=options.pin)
    value = {
        step.concept_id: step.terms.value
        for step in case.planner().plan(learner, course, pinned_too).steps
    }
    mastery = mastery_of(case, learner)
    sim = similarity_of(case)
    edges = [(row["head"], row["tail"]) for row in case.edges["prerequisite_of"]]
    skip = options.theta
    out = set(options.exclude) | {c for c, m in mastery.items() if skip is not None and m >= skip}
    out -= set(options.pin)
    lengths = dict(zip(case.records.concept_ids, case.records.item_seconds / 60, strict=True))
    mean = float(np.nanmean(list(lengths.values())))
    taught = {row["tail"] for row in case.edges["course_has_concept"]}
    takes = {c: m if not np.isnan(m) and c in taught else mean for c, m in lengths.items()}
    left = np.inf if options.minutes is None else options.minutes
    planned = []

    def may(concept):
        if concept in planned or concept in out:
            return False
        if concept in options.pin:
            return True
        waiting = [c for c in options.pin if c not in planned]
        used = sum(takes[c] for c in planned + waiting)
        return len(planned) + len(waiting) < options.length and used + takes[concept] <= left + 1e-9

    result = []
    for start in sorted(value, key=lambda c: (c not in options.pin, -value[c], c)):
        if not may(start):
            continue
        path = [start]
        planned.append(start)
        while len(path) <= options.max_prerequisites:
            before = [p for p, after in edges if after == path[-1] and may(p)]
            if not before:
                break
            best = min(before, key=lambda p: (-(sim[p, path[-1]] + (1 - mastery[p])), p))
            path.append(best)
            planned.append(best)
        result += path[::-1]
    return result


def similarity_of(case):
    """Eq. (8) of every pair, by the pairs that the similarity gives one by one."""
    names = case.similarity.concept_ids.tolist()
    n = len(names)
    block = case.similarity.block(np.arange(n), np.arange(n))
    return {(a, b): float(block[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)}


@few
@given(
    seeds,
    st.integers(1, 12),
    st.integers(0, 6),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(1, 40),
)
def test_what_is_left_out_pinned_and_timed_is_planned_as_by_loops(seed, n, walked, skip, minutes):
    case = random_case(seed)
    exclude = drawn(case, seed, 0.2)
    pin = tuple(c for c in drawn(case, seed + 1, 0.15) if c not in exclude)[:n]
    options = algorithm_1(n, walked, 3, exclude=exclude, pin=pin, theta=skip, minutes=minutes)
    plan = case.planner().plan("u1", "A", options)
    assert ids(plan) == steps_by_loops(case, "u1", "A", options)


@few
@given(seeds, st.floats(0, 1))
def test_to_skip_what_is_mastered_is_to_exclude_it(seed, threshold):
    case = random_case(seed)
    mastered = [c for c, m in mastery_of(case, "u1").items() if m >= threshold]
    planner = case.planner()
    skipped = planner.plan("u1", "A", algorithm_1(8, theta=threshold))
    excluded = planner.plan("u1", "A", algorithm_1(8, exclude=tuple(mastered)))
    assert ids(skipped) == ids(excluded)


@few
@given(seeds)
def test_what_is_pinned_is_in_the_plan_and_what_is_excluded_is_not(seed):
    case = random_case(seed)
    exclude = drawn(case, seed, 0.3)
    pin = tuple(c for c in drawn(case, seed + 1, 0.3) if c not in exclude)[:6]
    plan = case.planner().plan("u2", "A", algorithm_1(6, exclude=exclude, pin=pin, minutes=1))
    assert set(pin) <= set(ids(plan))
    assert not set(exclude) & set(ids(plan))
    assert len(plan.steps) <= 6


@few
@given(seeds, st.integers(1, 60))
def test_the_minutes_of_a_plan_are_within_those_asked_for(seed, minutes):
    case = random_case(seed)
    plan = case.planner().plan("u0", "A", algorithm_1(12, minutes=minutes))
    assert plan.minutes <= minutes + 1e-9
    known = dict(zip(case.records.item_ids.tolist(), case.records.item_seconds, strict=True))
    mean = np.nanmean(case.records.item_seconds)
    first = {step.resources[0].item_id for step in plan.steps if step.resources}
    seconds = [mean if v is None or np.isnan(known[v]) else known[v] for v in first]
    untaught = sum(not step.resources for step in plan.steps)
    assert 60 * plan.minutes == pytest.approx(sum(seconds) + untaught * mean)


def test_a_video_on_two_concepts_is_watched_once():
    case = make_case(
        course_concepts={"A": "ab"},
        prerequisites=[],
        enrolled={"u": ""},
        watched={},
        mastery={},
        vectors={"a": [0.0], "b": [1.0]},
        minutes={"a": 10.0, "b": 10.0},
    )
    r = case.records
    both = LearnerRecords(
        **vars(r) | {"q_matrix": sparse.csr_array(np.array([[1, 1], [0, 0]], dtype=np.int8))}
    )
    plan = dataclasses.replace(case, records=both).planner().plan("u", "A", algorithm_1(minutes=10))
    assert ids(plan) == ["a", "b"]
    assert plan.minutes == 10


def test_minutes_need_records_with_lengths():
    with pytest.raises(ConfigError, match="the records hold no lengths of what there is to open"):
        hand_case().planner().plan("learner", "A", algorithm_1(minutes=30))
    assert hand_case().planner().plan("learner", "A", algorithm_1()).minutes is None


@few
@given(seeds)
def test_without_limits_a_path_towards_a_concept_has_all_that_leads_to_it(seed):
    case = random_case(seed)
    graph = nx.DiGraph([(r["head"], r["tail"]) for r in case.edges["prerequisite_of"]])
    graph.add_nodes_from(case.graph.concept_ids.tolist())
    rng = np.random.default_rng(seed)
    target = str(rng.choice(case.graph.concept_ids))
    plan = case.planner().plan_towards("u1", target, algorithm_1(50, 50))
    assert set(ids(plan)) == nx.ancestors(graph, target) | {target}
    assert ids(plan)[-1] == target
    for place, step in enumerate(plan.steps[:-1]):
        assert (step.concept_id, step.leads_to) in graph.edges
        assert step.leads_to in ids(plan)[place + 1 :]


@few
@given(seeds, st.integers(1, 8))
def test_a_walk_that_does_not_end_early_is_the_first_of_a_course_with_that_concept_alone(seed, n):
    case = random_case(seed)
    target = case.graph.concept_ids.tolist()[0]
    alone = make_alone(case, target)
    towards = ids(case.planner().plan_towards("u1", target, algorithm_1(n)))
    walked = ids(alone.planner().plan("u1", "only", algorithm_1(n)))
    assert towards[-len(walked) :] == walked


def make_alone(case, concept):
    """The same graph with a further course that has one concept."""
    from kgplan.graph.snapshot import snapshot_of

    entities = case.entities | {
        "course": [*case.entities["course"], {"id": "only", "name": "only"}]
    }
    has = [*case.edges["course_has_concept"], {"head": "only", "tail": concept}]
    edges = case.edges | {"course_has_concept": has}
    return dataclasses.replace(case, graph=snapshot_of(entities, edges))


def test_towards_a_concept_is_refused_where_it_cannot_be():
    planner = hand_case().planner()
    with pytest.raises(UnknownConcept, match="no concept 'q'"):
        planner.plan_towards("learner", "q")
    with pytest.raises(ConfigError, match="is excluded"):
        planner.plan_towards("learner", "d", algorithm_1(exclude=("d",)))
    with pytest.raises(ConfigError, match="use 'gain' or 'kg-plppm'"):
        planner.plan_towards("learner", "d", algorithm_1(planner="popularity"))


@few
@given(seeds)
def test_popularity_ranks_what_was_not_learned_by_the_number_who_learned_it(seed):
    case = random_case(seed)
    viewed = case.records.viewed.toarray() > 0  # one video covers one concept
    plan = case.planner().plan("u1", "A", algorithm_1(50, planner="popularity"))
    asked = [r["tail"] for r in case.edges["course_has_concept"] if r["head"] == "A"]
    names = case.records.concept_ids.tolist()
    count = {c: int(viewed[:, names.index(c)].sum()) for c in asked}
    row = case.records.learner_ids.tolist().index("u1")
    new = [c for c in asked if not viewed[row, names.index(c)]]
    assert ids(plan) == sorted(new, key=lambda c: (-count[c], c))
    assert all(step.role == "start" for step in plan.steps)


@few
@given(seeds)
def test_trans_cf_ranks_by_the_preference_alone(seed):
    case = random_case(seed)
    planner = case.planner()
    ranked = planner.plan("u1", "A", algorithm_1(50, planner="trans-cf"))
    preference = {
        step.concept_id: step.terms.preference
        for step in planner.plan("u1", "A", algorithm_1(50, max_prerequisites=0)).steps
    }
    assert [preference[c] for c in ids(ranked)] == sorted(
        (preference[c] for c in ids(ranked)), reverse=True
    )
    assert [step.terms.value for step in ranked.steps] == [preference[c] for c in ids(ranked)]


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(ConfigError, match="both pinned and excluded"):
        PlanOptions(pin=("a",), exclude=("a",))
    with pytest.raises(ConfigError, match="3 concepts are pinned, but the length is 2"):
        PlanOptions(length=2, pin=("a", "b", "c"))
    with pytest.raises(ConfigError, match="planner is 'best'"):
        PlanOptions(planner="best")


def test_every_sentence_is_there_in_both_languages_with_the_same_values():
    def values(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = TEXTS["en"], TEXTS["zh"]
    assert english.keys() == chinese.keys()
    for key in english:
        assert values(english[key]) == values(chinese[key]), key


def test_a_plan_in_chinese_has_the_same_steps_and_no_english_sentence():
    planner = hand_case().planner()
    english, chinese = (
        planner.plan("learner", "A", algorithm_1(6, language=name)) for name in ("en", "zh")
    )
    assert ids(english) == ids(chinese)
    for said in [*(step.because for step in chinese.steps), *chinese.notes]:
        assert not any(word in said for word in ("the", "you", "and"))
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said)
