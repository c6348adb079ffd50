"""One learner's state through events, held against the batch on the same rows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_cases import batch, diagnosed, hand_model
from planning_cases import algorithm_1, hand_case, random_case
from scipy import sparse

from kgplan.data.events import Event, Evidence, evidence_of
from kgplan.data.records import LearnerRecords, learned_concepts, observations
from kgplan.data.wishes import Wishes
from kgplan.diagnosis import infer
from kgplan.planning import CurrentLearner
from kgplan.planning.live import ANSWER_GUESS, ANSWER_SLIP, LiveModel

seeds = st.integers(0, 2**32 - 1)
NOTHING = Evidence()


def with_row(records: LearnerRecords, learner: str, views: dict, courses: set) -> LearnerRecords:
    """The records with one more learner, who comes last."""
    views_row = np.array([[views.get(v, 0.0) for v in records.item_ids.tolist()]])
    viewed = sparse.vstack([records.viewed, sparse.csr_array(views_row)], format="csr")
    enrolled_row = np.array([[c in courses for c in records.course_ids.tolist()]], np.int8)
    enrolled = sparse.vstack([records.enrolled, sparse.csr_array(enrolled_row)], format="csr")
    ids = np.append(records.learner_ids, learner)
    assert sorted(ids) == list(ids)
    return replace(records, learner_ids=ids, viewed=viewed, enrolled=enrolled)


def steps_of(plan):
    return [
        (s.concept_id, s.leads_to, s.terms.preference, pytest.approx(s.terms.mastery), s.doubt)
        for s in plan.steps
    ]


@settings(max_examples=25)
@given(seed=seeds, attended=st.booleans())
def test_a_new_learners_plan_is_that_of_the_same_learner_in_the_records(seed, attended):
    """Events of someone the batch has never seen, against a batch that has seen them."""
    rng = np.random.default_rng(seed)
    case = diagnosed(random_case(seed % 50), seed, attended)
    records, courses = case.records, set(case.records.course_ids[:2].tolist())
    views = {v: float(rng.choice([0.3, 1.0])) for v in records.item_ids if rng.random() < 0.4}
    events = [Event(f"c{c}", "zz", 0.0, course_id=c, enrols=True) for c in courses]
    events += [Event(f"e{v}", "zz", 0.0, v, min(courses), share) for v, share in views.items()]
    state = LiveModel(records, case.diagnosis).current("zz", evidence_of(events), Wishes())

    grown = with_row(records, "zz", views, courses)
    items = case.diagnosis.items
    seen = replace(case, records=grown, diagnosis=batch(grown, items, case.diagnosis.prior))
    for course in records.course_ids.tolist():
        options = algorithm_1(length=8)
        live = case.planner().plan("zz", course, options, state.learner)
        assert steps_of(live) == steps_of(seen.planner().plan("zz", course, options))


@settings(max_examples=25)
@given(seed=seeds, rng=st.randoms(use_true_random=False), of_records=st.booleans())
def test_mastery_after_any_events_is_that_of_inference_on_views_and_answers_together(
    seed, rng, of_records
):
    case = diagnosed(random_case(seed % 50), seed)
    records, items = case.records, case.diagnosis.items
    diagnosis = replace(case.diagnosis, of_records=of_records)
    model, learner = LiveModel(records, diagnosis), records.learner_ids[0]
    events = [
        Event(
            f"e{k}",
            learner,
            0.0,
            rng.choice(records.item_ids.tolist()),
            share=rng.choice([None, 0.0, 0.4, 1.0]),
            score=rng.choice([None, 0.0, 1.0]),
        )
        for k in range(8)
    ]
    state = None
    for k in range(1, len(events) + 1):  # one after the other, each on top of the last state
        state = model.current(learner, evidence_of(events[:k]), Wishes(), before=state)

    n = records.item_ids.size
    stored = observations(records)[[0]]
    seen = dict(zip(stored.indices.tolist(), stored.data.tolist(), strict=True))
    for event in events:
        (at,) = np.flatnonzero(records.item_ids == event.item_id).tolist()
        for item, value in ((at, event.share), (n + at, event.score)):
            if value is not None:
                seen[item] = max(value, seen.get(item, 0.0))
    columns = sorted(seen)
    row = sparse.csr_matrix(
        ([seen[c] for c in columns], columns, [0, len(columns)]), shape=(1, 2 * n)
    )
    q = sparse.csr_matrix(sparse.vstack([records.q_matrix, records.q_matrix]))
    expected = infer(
        row,
        q,
        np.append(items.slip, np.full(n, ANSWER_SLIP)),
        np.append(items.guess, np.full(n, ANSWER_GUESS)),
        case.diagnosis.prior,
        items.config,
    ).mastery
    assert state.learner.concept_ids.tolist() == records.concept_ids[expected.indices].tolist()
    np.testing.assert_array_equal(state.learner.mastery, expected.data)


@settings(max_examples=25)
@given(seed=st.integers(0, 49), attended=st.booleans())
def test_without_events_a_learner_is_as_in_the_batch(seed, attended):
    case = diagnosed(random_case(seed), seed, attended)
    planner, model = case.planner(), LiveModel(case.records, case.diagnosis)
    for learner in case.records.learner_ids.tolist():
        current = model.current(learner, NOTHING, Wishes()).learner
        for course in case.records.course_ids.tolist():
            plain = planner.plan(learner, course, algorithm_1(length=8))
            assert planner.plan(learner, course, algorithm_1(length=8), current) == plain
        assert planner.mastery(learner, None, current) == planner.mastery(learner)


def test_what_was_never_opened_weighs_anew_with_every_view():
    case = hand_model(attended=True)
    records, model = case.records, LiveModel(case.records, case.diagnosis)
    attendance = case.diagnosis.items.attendance_on(records)
    course = max(records.course_ids.tolist(), key=case.planner().n_concepts)
    mine = records.courses.known([course])
    items = records.expected[mine].indices[::-1].astype(np.int64)
    enrols, found = Event("c", "new", 0.0, course_id=course, enrols=True), []
    for n in range(items.size):
        names = records.item_ids[items[:n]].tolist()
        views = [Event(f"e{v}", "new", float(k), v, course, 1.0) for k, v in enumerate(names)]
        known = model.current("new", evidence_of([enrols, *views]), Wishes()).posterior
        weights = np.zeros(records.item_ids.size)
        weights[known.videos] = known.weights
        never = np.sort(items[n:])
        assert (weights[items[:n]] == 1).all()
        np.testing.assert_array_equal(weights[never], attendance.weights(items[:n], mine, never))
        found.append(weights[items[-1]])
    assert len(set(found)) > 1


def test_a_bad_answer_lowers_what_a_watched_video_had_raised():
    case = hand_model()
    model = LiveModel(case.records, case.diagnosis)

    def mastery(*events):
        state = model.current("new", evidence_of(events), Wishes())
        found = dict(zip(state.learner.concept_ids, state.learner.mastery, strict=True))
        return found["f"]

    watched = Event("e1", "new", 0.0, "v_f", share=1.0)
    wrong = Event("e2", "new", 0.0, "v_f", score=0.0)
    right = Event("e3", "new", 0.0, "v_f", score=1.0)
    prior = case.diagnosis.prior[5]
    assert mastery(wrong) < prior < mastery(watched) < mastery(watched, right)
    assert mastery(watched, wrong) < mastery(watched)
    assert mastery(watched, wrong, right) == mastery(watched, right)  # the best answer counts


DAY = 86_400.0


def viewed_and_answered(case, seed, learner):
    """Events of one learner on some items, each at a time of its own within 1,000 days."""
    rng = np.random.default_rng(seed)
    return [
        Event(
            f"e{k}", learner, float(rng.uniform(0, 1_000 * DAY)), str(item),
            share=float(rng.choice([0.0, 0.4, 1.0])), score=float(rng.choice([0.0, 1.0])),
        )
        for k, item in enumerate(rng.choice(case.records.item_ids, 6))
    ]  # fmt: skip


@settings(max_examples=25)
@given(
    seed=seeds,
    attended=st.booleans(),
    half_life=st.floats(1, 2_000),
    as_of=st.floats(1_000, 5_000),
)
def test_what_a_mastery_says_beyond_its_prior_is_halved_per_half_life_since_its_last_event(
    seed, attended, half_life, as_of
):
    case = diagnosed(random_case(seed % 50), seed, attended)
    records, model = case.records, LiveModel(case.records, case.diagnosis)
    learner = str(records.learner_ids[0])
    events = viewed_and_answered(case, seed, learner)
    now = model.current(learner, evidence_of(events), Wishes()).learner
    later = model.aged(now, as_of * DAY, half_life)
    prior = dict(zip(records.concept_ids.tolist(), case.diagnosis.prior.tolist(), strict=True))
    q = records.q_matrix.toarray() != 0
    items, names = records.item_ids.tolist(), records.concept_ids.tolist()
    for concept, before, after in zip(now.concept_ids, now.mastery, later.mastery, strict=True):
        times = [e.time for e in events if q[items.index(e.item_id), names.index(concept)]]
        beyond = max(before - prior[concept], 0.0)
        left = 0.5 ** ((as_of - max(times) / DAY) / half_life) if times else 1.0
        assert after == pytest.approx(before - beyond * (1 - left), abs=1e-12)
    never = model.aged(now, as_of * DAY, np.inf).mastery
    np.testing.assert_allclose(never, now.mastery, atol=1e-12)


@settings(max_examples=25)
@given(seed=seeds, share=st.sampled_from([0.4, 1.0]), days=st.floats(0, 5_000))
def test_one_more_full_view_never_leaves_less_of_any_of_its_concepts_later(seed, share, days):
    case = diagnosed(random_case(seed % 50), seed)
    records, model = case.records, LiveModel(case.records, case.diagnosis)
    row = seed % len(records.item_ids)
    learner, item = str(records.learner_ids[0]), str(records.item_ids[row])
    events = [e for e in viewed_and_answered(case, seed, learner) if e.item_id != item]
    moment = (1_000 + days) * DAY

    def at(seen):
        now = model.current(learner, evidence_of(seen), Wishes()).learner
        found = model.aged(now, moment, 100.0)
        prior = zip(records.concept_ids.tolist(), case.diagnosis.prior.tolist(), strict=True)
        return dict(prior) | dict(zip(found.concept_ids.tolist(), found.mastery, strict=True))

    less = at([*events, Event("last", learner, 1_000 * DAY, item, share=share)])
    more = at([*events, Event("last", learner, 1_000 * DAY, item, share=1.0)])
    covered = records.concept_ids[records.q_matrix[[row]].indices]
    assert all(more[c] >= less[c] - 1e-6 for c in covered.tolist())


def test_a_video_that_the_model_does_not_know_says_nothing_and_is_listed():
    case = hand_model()
    model = LiveModel(case.records, case.diagnosis)
    seen = evidence_of([Event("e1", "new", 0.0, "v_zz", share=1.0)])
    state = model.current("new", seen, Wishes())
    assert (state.learner.concept_ids.size, model.unknown(seen)) == (0, ["v_zz"])


def test_an_event_withdrawn_leaves_no_trace():
    case = hand_model()
    model = LiveModel(case.records, case.diagnosis)
    one = evidence_of([Event("e1", "learner", 0.0, "v_e", share=1.0)])
    two = evidence_of([Event(f"e{v}", "learner", 0.0, f"v_{v}", share=1.0) for v in "ef"])
    first = model.current("learner", one, Wishes())
    mastery = first.learner.mastery.copy()
    second = model.current("learner", two, Wishes(), before=first)
    back = model.current("learner", one, Wishes(), before=second)
    assert not np.array_equal(second.learner.mastery, mastery)
    np.testing.assert_array_equal(back.learner.mastery, mastery)


def test_an_erased_learner_who_returns_is_a_new_one():
    case = hand_model()
    model, seen = (
        LiveModel(case.records, case.diagnosis),
        evidence_of([Event("e1", "learner", 0.0, "v_e", share=1.0)]),
    )
    planner = case.planner()
    returned = model.current("learner", seen, Wishes(), in_records=False).learner
    new = model.current("nobody", seen, Wishes()).learner
    one, other = (
        planner.plan(name, "A", algorithm_1(), current)
        for name, current in (("learner", returned), ("nobody", new))
    )
    assert one.steps == other.steps


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), length=st.integers(1, 12), most=st.integers(0, 6))
def test_a_plan_keeps_to_what_was_said(seed, length, most):
    """Held and left out never appear; before a hard concept stand all its open prerequisites."""
    rng = np.random.default_rng(seed)
    case = random_case(seed % 60)
    concepts = case.records.concept_ids.tolist()
    word = {c: rng.choice(["held", "left_out", "too_hard", "-", "-", "-"]) for c in concepts}

    def said(what):
        return frozenset(c for c in concepts if word[c] == what)

    wishes = Wishes(said("held"), said("left_out"), said("too_hard"))
    model, planner = LiveModel(case.records, case.diagnosis), case.planner()
    learner = case.records.learner_ids[0]
    current = model.current(learner, NOTHING, wishes).learner
    required = {(e["head"], e["tail"]) for e in case.edges["prerequisite_of"]}
    for course in case.records.course_ids.tolist():
        options = algorithm_1(length, most)
        steps = planner.plan(learner, course, options, current).steps
        planned = [step.concept_id for step in steps]
        assert not set(planned) & (wishes.held | wishes.left_out)
        for step in steps:
            group = [s for s in steps if s.start_concept_id == step.start_concept_id]
            room = len(steps) < length and len(group) <= most
            # the walk takes what a hard concept needs, and ends there
            last = step.leads_to in wishes.too_hard
            if step.concept_id in wishes.too_hard and room and not last:
                before = {b for b, after in required if after == step.concept_id}
                open_ = before - wishes.held - wishes.left_out
                assert open_ <= set(planned)


def test_prerequisites_of_a_hard_concept_come_first_on_paper():
    """d needs b and c; said to be too hard, its path is c, b, d instead of a, b, d."""
    planner = hand_case().planner()
    mastery = {"a": 0.9, "b": 0.2, "c": 0.6, "d": 0.3, "e": 0.5, "f": 0.9}

    def path(**said):
        current = CurrentLearner(
            np.array(sorted(mastery)),
            np.arange(6),
            np.array([mastery[c] for c in sorted(mastery)]),
            np.zeros(6, bool),
            wishes=Wishes(**{name: frozenset(each) for name, each in said.items()}),
        )
        options = algorithm_1(length=5, max_prerequisites=2, neighbours=2)
        return "".join(s.concept_id for s in planner.plan("learner", "A", options, current).steps)

    assert path() == "eabdf"
    assert path(too_hard="d") == "ecbdf"
    assert path(too_hard="d", held="c") == "ebdf"
    assert path(left_out="b") == "ecdf"
    assert path(held="def") == ""


def test_learned_concepts_since_the_fit_enter_the_preference_as_those_before():
    case = hand_model()
    model = LiveModel(case.records, case.diagnosis)
    views = {f"v_{c}": 1.0 for c in "ace"}
    seen = evidence_of([Event(v, "learner", 0.0, v, "A", s) for v, s in views.items()])
    grown = with_row(case.records, "zz", views, {"A"})
    expected = learned_concepts(grown).matrix[[-1]].indices
    learned = model.current("learner", seen, Wishes()).learner.learned
    assert learned == set(case.records.concept_ids[expected].tolist())
