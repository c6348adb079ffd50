"""What the tables of KG-PLPPM measure: hand-computed cases, brute force, and the planners' own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_cases import diagnosed
from planning_cases import make_case, random_case
from scipy import sparse

from kgplan.data.records import observations
from kgplan.diagnosis import fit, infer
from kgplan.diagnosis.config import PUBLISHED, DiagnosisConfig, LearnerModelConfig
from kgplan.errors import InputError
from kgplan.evaluation.papers import kg_plppm
from kgplan.evaluation.papers.efficiency import (
    before_and_original,
    cut,
    original_path,
    recommended,
    sums,
)
from kgplan.evaluation.papers.harness import Kept
from kgplan.evaluation.papers.kg_plppm import MEASURES, Session, open_session
from kgplan.evaluation.papers.paper import experiment_of
from kgplan.evaluation.papers.paths import METHODS, Asked, path_of
from kgplan.evaluation.papers.sources import Sources
from kgplan.evaluation.papers.study import Enrolment, Path, Study
from kgplan.planning import PlanOptions
from kgplan.planning.fitting import fit_learners
from kgplan.progress import silent

SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=20)  # each makes a model and infers some learners


def study_of(case):
    return Study(case.graph, case.records, case.similarity, case.diagnosis)


def random_study(seed):
    return study_of(diagnosed(random_case(seed), seed))


def states(study):
    """Every learner with every course of theirs, as the records tell."""
    enrolled = study.records.enrolled.tocoo()
    pairs = zip(enrolled.row.tolist(), enrolled.col.tolist(), strict=True)
    return [study.now(Enrolment(u, c)) for u, c in pairs]


def names(study, concepts):
    return "".join(study.graph.concept_ids[concepts].tolist())


@pytest.fixture(scope="module")
def chain():
    """Course A has a to f; the learner watched b, d, a, in this order, and e of course B."""
    case = diagnosed(
        make_case(
            course_concepts={"A": "abcdef", "B": "eg"},
            prerequisites=[("a", "b"), ("b", "c"), ("d", "c"), ("g", "a"), ("c", "b"), ("e", "f")],
            enrolled={"learner": "AB", "new": "A"},
            watched={"learner": "abde"},
            mastery={},
            vectors={name: [place] for place, name in enumerate("abcdefgh")},
            minutes=dict(zip("abcdefgh", [4, 3, 2, 5, 1, 8, 7, 6], strict=True)),
        )
    )
    # along the stored entries, which are a, b, d, e
    records = replace(case.records, viewed_order=np.array([3, 1, 2, 4]))
    return study_of(replace(case, records=records))


LEARNER = Enrolment(0, 0)


# ---------------------------------------------------------------- states


@FEW
@given(SEEDS)
def test_the_state_of_the_records_has_the_mastery_of_the_diagnosis(seed):
    study = random_study(seed)
    for state in states(study):
        u = state.of.learner
        stored = study.derived.mastery[[u]].toarray()[0]
        reached = state.learner.reached
        assert state.learner.mastery[reached] == pytest.approx(stored[reached], abs=1e-6)
        assert state.learner.mastery[~reached] == pytest.approx(study.derived.prior[~reached])
        assert state.learner.learned.tolist() == study.derived.learned[[u]].toarray()[0].tolist()


@FEW
@given(SEEDS)
def test_many_learners_at_once_are_inferred_as_each_alone(seed):
    study = random_study(seed)
    all_states = states(study)
    together = study.masteries([state.shares for state in all_states])
    alone = [state.learner.mastery for state in all_states]
    assert together == pytest.approx(np.array(alone).reshape(together.shape), abs=1e-6)


def test_what_is_fitted_is_v_dina_as_published_and_is_kept(tmp_path):
    """Twelve learners with videos of a, b and c, of whom two take B, so that d's are new."""
    opened = ["abd", "cd", "a", "ab", "abc", "b", "a", "", "ab", "abc", "c", "a"]
    learners = [f"l{n:02}" for n in range(12)]
    case = make_case(
        course_concepts={"A": "abc", "B": "d"},
        prerequisites=[],
        enrolled=dict(zip(learners, ["AB"] * 2 + ["A"] * 10, strict=True)),
        watched=dict(zip(learners, opened, strict=True)),
        mastery={},
        vectors={name: [place] for place, name in enumerate("abcd")},
    )
    model, q = experiment_of("kg-plppm").model, case.records.q_matrix
    sources = Sources(
        case.graph, case.records, case.similarity, model, Kept(tmp_path), "f", silent, list
    )
    items = open_session(sources).study.diagnosis.items
    alone = fit(observations(case.records), q, DiagnosisConfig.from_dict(model))
    assert items.slip == pytest.approx(alone.slip)
    assert items.guess == pytest.approx(alone.guess)
    served = fit_learners(case.records, LearnerModelConfig(model=PUBLISHED)).mastery.items
    assert served.slip != pytest.approx(alone.slip)  # a new video's is drawn to the others'
    nothing = replace(case.records, viewed=case.records.viewed * 0)
    again = open_session(replace(sources, records=nothing))
    assert again.study.diagnosis.items.slip == pytest.approx(alone.slip)


# ---------------------------------------------------------------- paths


@FEW
@given(SEEDS, st.integers(0, 4))
def test_our_planners_paths_are_their_plans(seed, max_pre):
    study = random_study(seed)
    for state in states(study):
        learner = str(study.records.learner_ids[state.of.learner])
        course = study.course_id(state.of.course)
        for name in ("kg-plppm", "trans-cf", "popularity"):
            options = PlanOptions(planner=name, length=50, max_prerequisites=max_pre)
            plan = study.planner.plan(learner, course, options)
            path = path_of(name, study, state, Asked(max_pre))
            assert names(study, path.concepts) == "".join(s.concept_id for s in plan.steps)


def same_as_served(study):
    """Whether the default planner plans from each state what it plans from the records."""
    for state in states(study):
        learner = str(study.records.learner_ids[state.of.learner])
        options = PlanOptions(planner="gain", least_gain=0.0, minutes=20.0)
        plan = study.planner.plan(learner, study.course_id(state.of.course), options)
        path = path_of("gain", study, state, Asked(4, minutes=20.0))
        assert names(study, path.concepts) == "".join(s.concept_id for s in plan.steps)
        opened = [[study.records.item_ids[v] for v in step] for step in path.videos]
        assert opened == [[e.item_id for e in s.resources if e.item_id] for s in plan.steps]


@FEW
@given(SEEDS)
def test_the_default_planner_knows_of_a_state_what_it_knows_of_the_records(seed):
    same_as_served(random_study(seed))


def test_the_default_planner_knows_what_was_seen_last(chain):
    same_as_served(chain)
    half = cut(chain, LEARNER, 50, own_videos=True).state  # b, then d
    assert names(chain, np.argsort(half.seen_at)[-2:]) == "bd"


def walked_by_hand(study, state, start, nodes, stated):
    """Steps 4 and 5 of Algorithm 1 from one start, as the spec prints them, nothing shared."""
    graph, mastery = study.graph, state.learner.mastery
    walked = [start]
    while len(walked) < nodes:
        now, best, value = walked[-1], None, -np.inf
        for edge in range(*graph.prerequisites.indptr[now : now + 2]):
            before = graph.prerequisites.indices[edge]
            predicted = set(graph.prerequisite_sources[now, before]) == {"prediction"}
            if before in walked or (stated and predicted):
                continue
            score = study.derived.edge_similarity[edge] + 1 - mastery[before]
            if score > value:
                best, value = before, score
        if best is None:
            break
        walked.append(best)
    return walked[::-1]


@FEW
@given(SEEDS, st.integers(1, 5), st.booleans())
def test_rule_a_walks_from_every_start_alone(seed, nodes, stated):
    case = diagnosed(random_case(seed), seed)
    told = {
        pair: ["prediction"] if k % 3 == 0 else ["dependency", "prediction"]
        for k, pair in enumerate(case.graph.prerequisite_sources)
    }
    study = study_of(replace(case, graph=replace(case.graph, prerequisite_sources=told)))
    for state in states(study):
        path = path_of("walks-stated" if stated else "walks", study, state, Asked(nodes))
        learner = str(study.records.learner_ids[state.of.learner])
        course = study.course_id(state.of.course)
        options = PlanOptions(planner="kg-plppm", length=50, max_prerequisites=0)
        starts = study.planner.plan(learner, course, options).steps  # nothing is walked: by value
        at = study.graph.concepts.known([each.concept_id for each in starts]).tolist()
        hand = [walked_by_hand(study, state, start, nodes, stated) for start in at]
        assert path.concepts.tolist() == [k for each in hand for k in each]
        assert path.walks.tolist() == [n for n, each in enumerate(hand) for _ in each]


@FEW
@given(SEEDS)
def test_shared_relations_are_those_of_sets(seed):
    study = random_study(seed)
    has = {each: set() for each in study.graph.concept_ids.tolist()}
    for name, (heads, tails) in study.graph.relations.items():
        for head, tail in zip(heads.tolist(), tails.tolist(), strict=True):
            if name != "prerequisite_of":
                has.get(head, set()).add((name, ">", tail))
                has.get(tail, set()).add((name, "<", head))
    everything = np.arange(len(has))
    hand = [[len(a & b) / len(a | b) if a | b else 0.0 for b in has.values()] for a in has.values()]
    assert study.shared_relations(everything) == pytest.approx(np.array(hand))


def test_ontology_cf_likes_what_shares_courses_with_what_was_learned(chain):
    state = chain.now(LEARNER)
    path = path_of("ontology-cf", chain, state, Asked(4, neighbours=10, alpha=1.0))
    # c and f are of course A alone, as a, b and d are: all alike. e and g are of B: e of both.
    # S_P = (1 + 1 + 1 + .5) / (1 + 1 + 1 + 1 + .5) for each, of a b d f|c and e; g shares nothing.
    assert names(chain, path.concepts) == "cf"


def test_simple_orders(chain):
    state = chain.now(LEARNER)
    # left are c and f: 2 and 8 minutes, in this order in the course
    assert names(chain, path_of("shortest-first", chain, state, Asked(4)).concepts) == "cf"
    assert names(chain, path_of("course-order", chain, state, Asked(4)).concepts) == "cf"
    new = chain.now(Enrolment(1, 0))
    assert names(chain, path_of("shortest-first", chain, new, Asked(4)).concepts) == "ecbadf"
    assert names(chain, path_of("course-order", chain, new, Asked(4)).concepts) == "abcdef"
    assert names(chain, path_of("popularity", chain, new, Asked(4, steps=4)).concepts) == "abde"
    drawn = [path_of("random", chain, new, Asked(4, seed=n)).concepts for n in range(20)]
    assert {names(chain, np.sort(each)) for each in drawn} == {"abcdef"}
    assert len({names(chain, each) for each in drawn}) > 10
    backwards = path_of("whole-course-backwards", chain, new, Asked(4))
    assert names(chain, backwards.concepts) == "fedcba"
    assert [video for (video,) in backwards.videos] == backwards.concepts.tolist()


# ---------------------------------------------------------------- learning


def test_learning_takes_the_time_that_is_left_and_no_more(chain):
    shares = chain.shares_now(1)  # nothing was opened; c d e of 2, 5, 1 minutes
    path = Path(chain.graph.concepts.known(["c", "d", "e", "h"]))
    done = chain.watch(shares, 0, path, budget=4.5)
    assert done.minutes == 4.5
    assert done.shares[[2, 3, 4]] == pytest.approx([1.0, 0.5, 0.0])
    assert shares[2] == 0  # what was given is left as it was
    whole = chain.watch(shares, 0, path)
    assert whole.minutes == pytest.approx(2 + 5 + 1 + 6)
    again = chain.watch(whole.shares, 0, path)
    assert again.minutes == 0
    rest = chain.watch(done.shares, 0, path)
    assert rest.minutes == pytest.approx(whole.minutes - 4.5)
    assert rest.shares == pytest.approx(whole.shares, nan_ok=True)


@FEW
@given(SEEDS, st.floats(0, 30))
def test_minutes_are_those_of_what_was_watched(seed, budget):
    study = random_study(seed)
    for state in states(study):
        path = path_of("walks", study, state, Asked(4))
        done = study.watch(state.shares, state.of.course, path, budget)
        more = np.nan_to_num(done.shares) - np.nan_to_num(state.shares)
        assert (more >= 0).all()
        assert done.minutes == pytest.approx((more * study.minutes).sum())
        assert done.minutes <= budget + 1e-9


def test_the_least_watched_video_of_the_course_comes_first():
    case = make_case(
        course_concepts={"A": "ab", "B": "bc"},
        prerequisites=[],
        enrolled={"learner": "A"},
        watched={},
        mastery={},
        vectors={"a": [0], "b": [1], "c": [2]},
    )
    covers = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]], dtype=np.int8)  # all three cover b
    records = replace(case.records, q_matrix=sparse.csr_array(covers))
    study = study_of(diagnosed(replace(case, records=records)))

    def least(*shares):
        return study.least_watched(1, 0, np.array(shares))

    assert least(0.0, 0.0, np.nan) == 0  # equal: of the course, in its order
    assert least(0.5, 0.0, np.nan) == 1
    assert least(0.5, 0.2, np.nan) == 2  # another course's, as it is watched least
    assert least(1.0, 1.0, 0.7) == 2
    assert least(1.0, 1.0, 1.0) == -1


def test_the_original_path_is_in_the_order_of_views(chain):
    path = original_path(chain, LEARNER)
    assert names(chain, path.concepts) == "bdae"  # e was opened in A's video too
    assert original_path(chain, Enrolment(0, 1)).concepts.tolist() == [4]
    assert not original_path(chain, Enrolment(1, 0)).concepts.size


def test_records_without_an_order_have_no_original_path():
    study = random_study(1)
    with pytest.raises(InputError, match="in which order"):
        original_path(study, Enrolment(0, 0))


def test_a_cut_learns_the_first_part_and_times_the_rest(chain):
    half = cut(chain, LEARNER, 50, own_videos=True)
    assert names(chain, np.flatnonzero(half.state.shares > 0)) == "bd"
    assert half.minutes == 4 + 1  # a and e
    assert names(chain, np.flatnonzero(half.end > 0)) == "abde"
    assert half.state.learner.learned.tolist() == [k in "bd" for k in "abcdefgh"]
    most = cut(chain, LEARNER, 90, own_videos=True)  # 3.6 concepts: 3
    assert most.minutes == 1


def test_sums_are_of_the_course_and_zero_what_nothing_touched(chain):
    half = cut(chain, LEARNER, 50, own_videos=True)
    items, q = chain.diagnosis.items, sparse.csr_matrix(chain.records.q_matrix)
    watched = np.where(np.isnan(half.end), 0, half.end)
    # every video of A and B is due; that of h is not observed
    row = sparse.csr_matrix(
        (watched[:7], np.arange(7), [0, 7]), shape=(1, chain.records.item_ids.size)
    )
    hand = infer(row, q, items.slip, items.guess, chain.diagnosis.prior).mastery.toarray()[0]
    found = before_and_original(chain, [half])
    assert found["original"] == pytest.approx(hand[:6].sum())
    assert found["original_touched"] == pytest.approx(hand[[0, 1, 3, 4]].sum())
    assert found["minutes"] == [5]


@FEW
@given(st.sampled_from([50, 60, 70, 80, 90]), st.booleans())
def test_who_goes_on_as_before_gets_as_far(chain, k, own_videos):
    """Following the original rest in its own minutes is the original: ratio 1, by definition."""
    each = cut(chain, LEARNER, k, own_videos)
    done = chain.watch(each.state.shares, 0, each.rest, each.minutes)
    whole, _ = sums(chain, [0], [done.shares])
    assert whole == pytest.approx(before_and_original(chain, [each])["original"])


def test_a_recommended_path_is_followed_for_the_same_minutes(chain):
    each = cut(chain, LEARNER, 50, own_videos=True)  # b and d are learned; 5 minutes
    found = recommended(chain, [each], "shortest-first", Asked(4))
    # e, c and then 2 of a's 4 minutes
    ends = each.state.shares.copy()
    ends[[4, 2, 0]] = 1.0, 1.0, 0.5
    assert found["recommended"] == pytest.approx(sums(chain, [0], [ends])[0])
    assert found["used"] == [1]
    forever = recommended(chain, [each], "whole-course", Asked(4), timeless=True)
    ends[:6] = 1.0
    assert forever["recommended"] == pytest.approx(sums(chain, [0], [ends])[0])
    backwards = recommended(chain, [each], "whole-course-backwards", Asked(4), timeless=True)
    assert backwards["recommended"] == pytest.approx(forever["recommended"])


# ---------------------------------------------------------------- measures

COMMON = {"enrolments": 50, "sample_seed": 0, "neighbours": 10, "alpha": 0.7, "seed": 0}


def test_degrees_count_hits_cycles_and_walks(chain, monkeypatch):
    # a b, b c and c b are prerequisites, d c is one; b and c are on a cycle
    path = Path(chain.graph.concepts.known(list("abcdc")), walks=np.array([0, 0, 0, 1, 1]))
    monkeypatch.setattr(kg_plppm, "path_of", lambda *_: path)
    found = MEASURES["degree"].compute(
        Session(chain), COMMON | {"method": "walks", "max_pre": 4, "theta": 0.5}
    )
    assert found["degree"].tolist() == [0.75] * 3  # three enrolments; c d is none
    assert found["hits"].tolist() == [3] * 3
    assert found["in_cycles"].tolist() == [1] * 3
    assert found["by_walks"].tolist() == [0.75] * 3


def test_a_ceiling_is_of_paths_that_have_all_the_steps(chain, monkeypatch):
    """At theta 1 nothing is mastered: g leads to a in course A; in B nothing leads to e or g."""
    path = Path(chain.graph.concepts.known(list("ab")))
    monkeypatch.setattr(kg_plppm, "path_of", lambda *_: path)
    session = Session(chain)
    asked = COMMON | {"method": "walks", "max_pre": 4, "theta": 1.0}
    courses = [each.course for each in session.enrolments(50, 0, 0)]
    found = MEASURES["ceiling"].compute(session, asked | {"steps": 2})
    assert found["ceiling"].tolist() == [0.0 if course else 1.0 for course in courses]
    assert found["degree"].tolist() == [1.0] * 3
    longer = MEASURES["ceiling"].compute(session, asked | {"steps": 3})
    assert np.isnan(longer["degree"]).all()
    assert longer["ceiling"].tolist() == [0.0 if course else 1.0 for course in courses]


def test_figures_of_efficiency_by_hand():
    values = {
        "state": np.array([1.0, 2.0]),
        "original": np.array([2.0, 4.0]),
        "recommended": np.array([3.0, 4.0]),
        "original_touched": np.array([1.0, 0.0]),
        "recommended_touched": np.array([1.5, 1.0]),
    }
    figures = MEASURES["efficiency"].figures

    def value(name):
        ratio = figures[name](values)
        return ratio.above[ratio.says].sum() / ratio.below[ratio.says].sum()

    assert value("efficiency") == 125  # the mean of 150 and 100 %
    assert value("efficiency, untouched 0") == 150  # who touched nothing has no say
    assert value("gain ratio") == (2 + 2) / (1 + 2)


def test_figures_of_plans_by_hand(chain, monkeypatch):
    """A path c, b, a, g for course A: b and a, then a, then g are needed before."""
    path = Path(chain.graph.concepts.known(list("cbag")))
    monkeypatch.setattr(kg_plppm, "path_of", lambda *_: path)
    parameters = COMMON | {"method": "random", "max_pre": 4, "steps": 4, "theta": 1.0}
    found = MEASURES["plans"].compute(Session(chain), parameters)
    in_a = [n for n, each in enumerate(Session(chain).enrolments(50, 0, 0)) if each.course == 0]
    assert set(found["later"][in_a]) == {2}  # a behind b, g behind a; b and c are on a cycle
    assert set(found["raw_later"][in_a]) == {3}
    assert set(found["any_later"][in_a]) == {1}
    assert set(found["outside"][in_a]) == {1}
    assert set(found["from_theta"]) == {0}
    new = next(n for n in in_a if found["learner"][n] == 1)
    # the next video of the new learner is a's: c, b and g need not move, and stay
    assert (found["could_stay"][new], found["stayed"][new]) == (3, 3)
    # videos of c, b, a and g are opened, of a to f that are all below theta: 3 of 6
    assert found["coverage"][new] == 3 / 6


def test_a_sample_is_drawn_from_who_met_enough(chain):
    session = Session(chain)
    assert len(session.enrolments(50, 0, 0)) == 3
    assert session.enrolments(50, 0, 4) == [LEARNER]
    assert len(session.enrolments(2, 0, 0)) == 2
    with pytest.raises(InputError, match="met 9 of its concepts"):
        session.enrolments(50, 0, 9)


def test_what_a_method_does_not_read_makes_no_new_cell():
    read = MEASURES["efficiency"].read
    for name, method in METHODS.items():
        one = {"method": name, "max_pre": 2, "mastered_from": 0.95, "k": 50}
        other = {"method": name, "max_pre": 4, "mastered_from": 0.95, "k": 50}
        assert (read(one) != read(other)) == method.walks
        assert ("mastered_from" in read(one)) == method.timed


def test_observations_are_the_records(chain):
    assert chain.shares_now(0)[observations(chain.records)[[0]].indices].tolist() == (
        observations(chain.records)[[0]].data.tolist()
    )
