import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles.cypher_walk import CypherWalk
from planning_cases import Case, algorithm_1, hand_case, make_case, random_case
from scipy import sparse

from kgplan.errors import ConfigError, UnknownCourse, UnknownLearner
from kgplan.etl.load import ABSENT
from kgplan.graph.store import open_graph
from kgplan.planning import PlanOptions
from kgplan.planning.derived import derive
from kgplan.planning.planners import planners

seeds = st.integers(0, 2**32 - 1)
options = st.builds(
    algorithm_1, st.integers(1, 12), st.integers(0, 6), neighbours=st.integers(1, 12)
)


def test_the_example_worked_on_paper():
    """Concepts on a line: a0 b1 d2 c3 e5 f6; alpha = 1, so sim is the normalised 1/(1+distance):
    distance 1 -> 1, 2 -> 8/15, 3 -> 3/10, 4 -> 4/25, 5 -> 1/15, 6 -> 0.

    The learner took B = {a, b, c} and learned a and c. With n = 2, for course A = {d, e, f}:
      S_P(d): nearest b 1, c 1       -> (0 + 1)/2             = 1/2     value 1/2 - .3   =  .2
      S_P(e): nearest c 8/15, b 4/25 -> (8/15)/(8/15 + 4/25)  = 10/13   value 10/13 - .5 =  .269
      S_P(f): nearest c 3/10, b 1/15 -> (3/10)/(3/10 + 1/15)  = 9/11    value 9/11 - .9  = -.082
    Order e, d, f. From e: nothing before it. From d: b 1 + .8 beats c 1 + .4; from b: a 1 + .1,
    d is planned (the cycle b <-> d); two steps made. From f: e is planned. Foundation first:
    """
    plan = (
        hand_case()
        .planner()
        .plan("learner", "A", algorithm_1(length=5, max_prerequisites=2, neighbours=2))
    )
    assert [step.concept_id for step in plan.steps] == ["e", "a", "b", "d", "f"]
    assert [step.role for step in plan.steps] == [
        "start",
        "prerequisite",
        "prerequisite",
        "start",
        "start",
    ]
    assert [step.leads_to for step in plan.steps] == [None, "b", "d", None, None]
    assert [step.start_concept_id for step in plan.steps] == ["e", "d", "d", "d", "f"]
    e, a, b, d, f = (step.terms for step in plan.steps)
    assert (e.preference, d.preference, f.preference) == pytest.approx((10 / 13, 1 / 2, 9 / 11))
    assert (e.value, d.value, f.value) == pytest.approx((10 / 13 - 0.5, 0.2, 9 / 11 - 0.9))
    assert (a.similarity, b.similarity) == pytest.approx((1, 1))
    assert (a.score, b.score) == pytest.approx((1.1, 1.8))


def test_the_walk_stops_where_the_length_is_reached():
    plan = hand_case().planner().plan("learner", "A", algorithm_1(length=2, neighbours=2))
    assert [step.concept_id for step in plan.steps] == ["e", "d"]


def test_a_new_learner_has_no_preference_and_the_prior_for_mastery():
    plan = hand_case().planner().plan("new", "A", algorithm_1(length=1))
    (step,) = plan.steps
    assert (step.concept_id, step.terms.preference, step.terms.mastery) == ("d", 0, 0.5)
    assert (step.identified, step.doubt) == (False, "no_evidence")
    assert (step.sd, step.evidence) == (0.5, 0)
    assert plan.new
    assert "Nothing that you watched or answered is known yet." in plan.notes


def test_a_course_without_concepts_gives_no_steps_and_says_so():
    plan = hand_case().planner().plan("learner", "Z", algorithm_1())
    assert plan.steps == ()
    assert plan.notes == ("Course Z has no concepts in the graph, so there is nothing to plan.",)


def test_a_length_beyond_what_there_is_gives_all_and_says_so():
    plan = hand_case().planner().plan("learner", "A", algorithm_1(length=50, neighbours=2))
    # a walk is a chain: from d it takes b and then a, and never comes back for c
    assert [step.concept_id for step in plan.steps] == ["e", "a", "b", "d", "f"]
    assert plan.notes == ("The course and what it builds on give 5 of the 50 steps asked for.",)


def test_each_doubt_is_named_in_its_own_words():
    case = make_case(
        course_concepts={"A": "abcd"},
        prerequisites=[],
        enrolled={"u": "A"},
        watched={"u": "abc"},
        mastery={"u": {"a": 0.1, "b": 0.1, "c": 0.55}},
        exchangeable={"u": "b"},
        vectors={name: [0.0] for name in "abcd"},
    )
    steps = case.planner().plan("u", "A", algorithm_1()).steps
    said = {step.concept_id: (step.doubt, step.because) for step in steps}
    assert {c: doubt for c, (doubt, _) in said.items()} == {
        "a": None,
        "b": "not_told_apart",
        "c": "weak_evidence",
        "d": "no_evidence",
    }
    assert len({because for _, because in said.values()}) == 4
    assert "only together with another concept" in said["b"][1]


def test_when_all_is_mastered_the_plan_is_called_a_review():
    case = make_case(
        course_concepts={"A": "ab"},
        prerequisites=[],
        enrolled={"u": "A"},
        watched={"u": "ab"},
        mastery={"u": {"a": 0.99, "b": 0.97}},
        vectors={"a": [0.0], "b": [1.0]},
    )
    plan = case.planner().plan("u", "A", algorithm_1(length=2))
    assert len(plan.steps) == 2
    assert "these steps are a review" in plan.notes[0]


def test_ties_break_by_concept_id():
    case = make_case(
        course_concepts={"A": "cab"},
        prerequisites=[],
        enrolled={"u": ""},
        watched={},
        mastery={},
        vectors={name: [0.0] for name in "abc"},
    )
    steps = case.planner().plan("u", "A", algorithm_1()).steps
    assert [step.concept_id for step in steps] == ["a", "b", "c"]


def test_a_concept_is_taught_by_the_course_asked_for_first():
    steps = hand_case().planner().plan("learner", "A", algorithm_1(length=5)).steps
    by_concept = {step.concept_id: step.resources for step in steps}
    assert [(r.course_id, r.item_id) for r in by_concept["d"]] == [("A", "v_d")]
    assert [(r.course_id, r.item_id) for r in by_concept["b"]] == [("B", "v_b")]


@pytest.mark.parametrize(
    ("watched", "first", "again"), [("", "v_a", False), ("a", "v_b", False), ("ab", "v_a", True)]
)
def test_of_a_course_the_first_video_that_was_not_watched_is_named(watched, first, again):
    case = make_case(
        course_concepts={"A": "ab"},
        prerequisites=[],
        enrolled={"u": "A"},
        watched={"u": watched},
        mastery={},
        vectors={"a": [0.0], "b": [1.0]},
    )
    both_on_a = sparse.csr_array(np.array([[1, 0], [1, 0]], dtype=np.int8))
    records = replace(case.records, q_matrix=both_on_a)
    plan = replace(case, records=records).planner().plan("u", "A", algorithm_1())
    (resources,) = (step.resources for step in plan.steps if step.concept_id == "a")
    assert [(r.item_id, r.again) for r in resources] == [(first, again)]


def test_unknown_ids_name_close_matches():
    planner = hand_case().planner()
    with pytest.raises(UnknownLearner, match=r"no learner 'learnr'; close matches: learner"):
        planner.mastery("learnr", "A")
    with pytest.raises(UnknownCourse):
        planner.plan("learner", "Q")


@pytest.mark.parametrize("planner", planners())
def test_a_learner_whom_nothing_names_is_planned_for_as_a_new_one(planner):
    options = PlanOptions(planner=planner, length=3)
    unknown, new = (hand_case().planner().plan(who, "A", options) for who in ("learnr", "new"))
    assert (unknown.new, unknown.steps) == (True, new.steps)


@pytest.mark.parametrize("bad", [{"length": 0}, {"length": 51}, {"max_prerequisites": -1}])
def test_options_out_of_range_are_refused(bad):
    with pytest.raises(ConfigError, match="it goes from"):
        PlanOptions(**bad)


@given(seeds, options)
def test_a_plan_repeats_nothing_and_each_prerequisite_leads_to_a_later_step(seed, chosen):
    case = random_case(seed)
    pairs = {(row["head"], row["tail"]) for row in case.edges["prerequisite_of"]}
    asked = {r["tail"] for r in case.edges["course_has_concept"] if r["head"] == "A"}
    plan = case.planner().plan("u0", "A", chosen)
    concepts = [step.concept_id for step in plan.steps]
    assert len(concepts) == len(set(concepts)) <= chosen.length
    for place, step in enumerate(plan.steps):
        if step.role == "prerequisite":
            assert (step.concept_id, step.leads_to) in pairs
            assert step.leads_to in concepts[place + 1 :]
        else:
            assert step.concept_id in asked
    # every concept of the course is planned before the plan may end early
    assert len(concepts) == chosen.length or asked <= set(concepts)


@given(seeds, options)
@example(2709, algorithm_1(12, 6, neighbours=3))  # a similarity that rounding puts below 0
@example(11, algorithm_1(12, 6, neighbours=2))  # and a sum of some that it puts above the whole
def test_the_terms_recompute_from_the_artifacts(seed, chosen):
    case = random_case(seed)
    for step in case.planner().plan("u1", "A", chosen).steps:
        known = case.diagnosis.mastery[[1]].toarray()[0]
        column = case.graph.concept_ids.tolist().index(step.concept_id)
        stored = column in case.diagnosis.mastery[[1]].tocoo().col
        prior, m = float(case.diagnosis.prior[column]), step.terms.mastery
        assert step.sd == pytest.approx(math.sqrt(m - m**2))
        assert step.evidence == pytest.approx(bits(m, prior) + bits(1 - m, 1 - prior))
        shared = bool(case.diagnosis.not_told_apart[[1]].toarray()[0, column])
        hardly_moved = 0.44 < m < 0.56  # the prior is .5
        expected = (
            "no_evidence"
            if not stored
            else "not_told_apart"
            if shared
            else "weak_evidence"
            if hardly_moved
            else None
        )
        assert (step.doubt, step.identified) == (expected, expected is None)
        assert step.terms.mastery == (known[column] if stored else case.diagnosis.prior[column])
        if step.role == "start":
            assert step.terms.value == step.terms.preference - step.terms.mastery
            assert 0 <= step.terms.preference <= 1
        else:
            later = case.graph.concept_ids.tolist().index(step.leads_to)
            expected = naive_similarity(case, column, later)
            assert step.terms.similarity == pytest.approx(expected, abs=1e-9)
            assert step.terms.score == step.terms.similarity + (1 - step.terms.mastery)


def bits(p: float, q: float) -> float:
    return p * math.log2(p / q) if p else 0.0


def naive_similarity(case: Case, i: int, j: int) -> float:
    """Eq. (8), loops over all pairs."""
    s = case.similarity
    n = s.concept_ids.size
    learned = s.learners.matrix().toarray().astype(int)
    shared = learned.T @ learned

    def semantic(a: int, b: int) -> float:
        return 1 / (1 + math.dist(s.vectors[a], s.vectors[b]))

    def cosine(a: int, b: int) -> float:
        return shared[a, b] / math.sqrt(shared[a, a] * shared[b, b]) if shared[a, b] else 0.0

    def scaled(part) -> float:
        values = [part(a, b) for a in range(n) for b in range(n) if a != b]
        low, high = min(values), max(values)
        return (part(i, j) - low) / (high - low) if high - low > 1e-12 else 0.0

    return s.alpha * scaled(semantic) + (1 - s.alpha) * scaled(cosine)


@given(seeds, options, st.integers(0, 3))
def test_similarities_held_in_memory_or_made_on_demand_give_one_plan(seed, chosen, kept):
    case = random_case(seed)
    held = case.planner().plan("u2", "A", chosen)
    few = derive(case.graph, case.records, case.diagnosis, case.similarity, kept=kept)
    made = case.planner(derived=few).plan("u2", "A", chosen)
    assert [s.concept_id for s in held.steps] == [s.concept_id for s in made.steps]
    for one, other in zip(held.steps, made.steps, strict=True):
        assert one.terms.value == pytest.approx(other.terms.value)


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_the_walk_by_cypher_hop_by_hop_makes_the_same_plans(tmp_path_factory, seed):
    case = random_case(seed)
    path = tmp_path_factory.mktemp("graph") / "graph.lbug"
    with open_graph(f"ladybug://{path}") as store:
        store.define_schema()
        for name, rows in [*case.entities.items(), *case.edges.items()]:
            absent = {"explanation": None, "about": None, "strength": ABSENT, "any_of": ABSENT}
            full = [absent | {"sources": []} | row for row in rows]
            store.write(f"load.{name}", rows=full, run_id="test")
        walk = CypherWalk(store, case.records, case.diagnosis, case.similarity)
        planner = case.planner()
        for learner in case.records.learner_ids.tolist():
            for course in case.graph.course_ids.tolist():
                chosen = algorithm_1(length=6, max_prerequisites=3, neighbours=4)
                expected = walk.walk(learner, course, chosen)
                steps = planner.plan(learner, course, chosen).steps
                assert [(s.concept_id, s.start_concept_id, s.leads_to) for s in steps] == [
                    (s.concept_id, s.start_concept_id, s.leads_to) for s in expected
                ]
                for step, other in zip(steps, expected, strict=True):
                    assert step.terms.mastery == other.mastery
                    assert step.terms.preference == pytest.approx(other.preference)
                    assert step.terms.similarity == pytest.approx(other.similarity)


def test_the_order_of_the_rows_does_not_change_a_plan():
    case = random_case(3)
    rng = np.random.default_rng(0)
    from kgplan.graph.snapshot import snapshot_of

    def shuffled(tables):
        return {k: [rows[i] for i in rng.permutation(len(rows))] for k, rows in tables.items()}

    again = snapshot_of(shuffled(case.entities), shuffled(case.edges))
    assert again.version == case.graph.version
    assert (again.prerequisites != case.graph.prerequisites).nnz == 0
