"""Plans of the gain planner on the real sample: what must hold of each, whoever asks."""

import json
import subprocess
import sys
import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from sites import ids, videos

from kgplan.data.events import Event
from kgplan.data.wishes import Wishes
from kgplan.planning import PlanOptions
from kgplan.planning.live import LiveModel
from kgplan.planning.options import THETA
from kgplan.planning.stored import planner_from_arrays, planner_to_arrays


@pytest.fixture(scope="module")
def drawn(sample_planner):
    """Enrolments of the sample, with or without views, as (learner, course)."""
    records, graph = sample_planner.records, sample_planner.graph
    enrolled = records.enrolled.tocoo()
    some = np.random.default_rng(5).permutation(enrolled.nnz)[:60]
    pairs = [
        (str(records.learner_ids[enrolled.row[k]]), str(records.course_ids[enrolled.col[k]]))
        for k in some
    ]
    return [
        pair for pair in pairs if sample_planner.n_concepts(pair[1]) and pair[1] in graph.courses
    ]


@pytest.fixture(scope="module")
def plans(sample_planner, drawn):
    return {pair: sample_planner.plan(*pair, PlanOptions(length=10)) for pair in drawn}


@pytest.fixture(scope="module")
def requires(sample_planner):
    """The stated prerequisites as a graph, those inside a cycle left out."""
    graph = sample_planner.graph
    names, edges = graph.concept_ids, graph.prerequisites.tocoo()
    whole = nx.DiGraph(zip(names[edges.col].tolist(), names[edges.row].tolist(), strict=True))
    component = {
        node: number
        for number, nodes in enumerate(nx.strongly_connected_components(whole))
        for node in nodes
    }
    stated = zip(
        names[edges.col].tolist(), names[edges.row].tolist(), graph.strength.tolist(), strict=True
    )
    return nx.DiGraph(
        (before, after, {"strength": strength})
        for before, after, strength in stated
        if component[before] != component[after]
    )


def test_every_step_can_be_done_and_no_video_comes_twice(plans):
    for plan in plans.values():
        assert all(each.item_id for step in plan.steps for each in step.resources)
        assert all(step.resources for step in plan.steps)
        assert len(set(videos(plan))) == len(videos(plan))
        assert len(set(ids(plan))) == len(ids(plan))


def test_a_step_outside_the_course_leads_into_it_by_what_is_stated(sample_planner, plans, requires):
    fields = dict(
        zip(
            sample_planner.graph.concept_ids.tolist(),
            sample_planner.graph.concept_fields.tolist(),
            strict=True,
        )
    )
    outside = 0
    for (_, course), plan in plans.items():
        asked = set(concepts_of(sample_planner, course))
        for place, step in enumerate(plan.steps):
            if step.concept_id in asked:
                continue
            outside += 1
            later = [each.concept_id for each in plan.steps[place + 1 :]]
            inside = [each for each in later if each in asked]
            sure = nx.subgraph_view(
                requires, filter_edge=lambda a, b: requires[a][b]["strength"] >= 0.9
            )
            near = nx.single_source_shortest_path_length(sure, step.concept_id, cutoff=2)
            assert set(near) & set(inside)
            assert step.leads_to in later
            assert any(fields[each] == fields[step.concept_id] for each in inside)
    assert outside


def concepts_of(planner, course):
    row = planner.graph.course_concepts[[planner.graph.courses.find(course)]]
    return planner.graph.concept_ids[row.indices].tolist()


def test_a_plan_of_n_begins_the_plan_of_n_plus_1(sample_planner, drawn):
    for pair in drawn[:12]:
        growing = [sample_planner.plan(*pair, PlanOptions(length=n)) for n in (1, 2, 3, 5, 8)]
        for shorter, longer in pairwise(growing):
            assert ids(longer)[: len(shorter.steps)] == ids(shorter)


def test_what_was_watched_is_not_named(sample_planner, plans):
    records = sample_planner.records
    for (learner, _), plan in plans.items():
        row = records.viewed[[records.learners.find(learner)]]
        through = set(records.item_ids[row.indices[row.data >= 0.8]].tolist())
        assert not through & set(videos(plan))


def test_what_was_done_is_not_in_the_next_plan(sample_planner, plans):
    """The plan of a new learner names one video a concept, and more may be needed for it."""
    live, done = LiveModel(sample_planner.records, sample_planner.diagnosis), 0
    for (learner, course), plan in plans.items():
        for step in plan.steps[:1]:
            events = [
                Event(f"{k}", learner, time.time(), str(each.item_id), each.course_id, 1.0)
                for k, each in enumerate(step.resources)
            ]
            evidence = live.evidence(events)
            current = live.current(learner, evidence, Wishes()).learner
            after = sample_planner.plan(learner, course, plan.options, current)
            assert not {str(each.item_id) for each in step.resources} & set(videos(after))
            if not plan.new:
                assert step.concept_id not in ids(after)
                done += 1
    assert done > 10


def test_what_is_mastered_is_no_step(sample_planner, plans):
    for (learner, _), plan in plans.items():
        sure = {
            each.concept_id
            for each in sample_planner.mastery(learner)
            if each.identified and each.mastery >= THETA
        }
        assert not sure & set(ids(plan))


def test_the_answer_is_the_same_whatever_was_asked_before(sample_planner, plans):
    backwards = {pair: sample_planner.plan(*pair, plans[pair].options) for pair in reversed(plans)}
    assert backwards == plans


def test_a_planner_from_stored_arrays_gives_equal_plans(sample_planner, plans):
    again = planner_from_arrays(*planner_to_arrays(sample_planner))
    for pair, plan in list(plans.items())[:20]:
        assert again.plan(*pair, plan.options) == plan


ASK = """
import json, sys
from kgplan.model.opening import open_planner
from kgplan.planning import PlanOptions
from kgplan.settings import Settings
planner = open_planner(Settings(home=sys.argv[1]))
pairs = json.loads(sys.argv[2])
print(json.dumps([planner.plan(*pair, PlanOptions(length=10)).to_dict() for pair in pairs]))
"""


def test_a_fresh_process_gives_the_same_plans(sample_home, plans):
    pairs = list(plans)[:10]
    told = subprocess.run(
        [sys.executable, "-c", ASK, str(sample_home.home), json.dumps(pairs)],
        capture_output=True,
        check=True,
        text=True,
    )
    expected = [json.loads(json.dumps(plans[pair].to_dict())) for pair in pairs]
    assert json.loads(told.stdout) == expected
