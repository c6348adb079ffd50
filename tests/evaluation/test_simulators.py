"""Laws of simulated learners, their marginal rates, and E_P."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learner_cases import diagnosed
from planning_cases import make_case
from scipy import sparse
from scipy.special import expit, logit

from kgplan.diagnosis.aging import AgingModel
from kgplan.errors import ConfigError, InputError
from kgplan.evaluation.papers.efficiency import recommended
from kgplan.evaluation.papers.paths import Asked, path_of
from kgplan.evaluation.papers.study import Study
from kgplan.evaluation.simulators.comparison import World, compare
from kgplan.evaluation.simulators.contestant import Classroom
from kgplan.evaluation.simulators.contestants import contestants
from kgplan.evaluation.simulators.episodes import Episode, effect
from kgplan.evaluation.simulators.kes import Kes, KesConfig, fit_held_out
from kgplan.evaluation.simulators.kss import EDGES, ORDER, Kss, KssConfig, said, ten_concepts
from kgplan.evaluation.simulators.mooc import (
    BACK,
    FAR,
    NEAR,
    NEXT,
    Mooc,
    MoocConfig,
    Views,
    course_platform,
    fit_views,
    halves,
    view_likelihood,
    views_of,
)
from kgplan.evaluation.simulators.protocol import GUESS, LEARN, PRIOR, SLIP, Seen
from kgplan.evaluation.simulators.rules import by_passes
from kgplan.evaluation.simulators.vdina import Vdina, VdinaConfig, halves_of
from kgplan.planning.policy import STEADY


def rng(seed=0):
    return np.random.default_rng(seed)


def kss(seed=0, **settings):
    return ten_concepts(KssConfig(**settings), rng(seed))


def small_kes(**settings):
    """Five concepts, ten items of one concept each, two classes."""
    right, guess = logit(np.full(10, 0.9)), logit(np.linspace(0.1, 0.3, 10))
    model = AgingModel(
        q_matrix=sparse.csr_matrix(np.repeat(np.eye(5), 2, axis=0)),
        difficulty=(right + guess) / 2,
        contrast=right - guess,
        prior_log_odds=logit(np.linspace(0.2, 0.6, 5)),
        learn=np.full(5, 0.2),
        forget=0.01,
        ability=np.array([-1.0, 1.0]),
        share=np.array([0.3, 0.7]),
        prior_slope=0.8,
        answer_slope=0.5,
        to_difficulty=None,  # of EM alone
        to_contrast=None,
        evidence=np.zeros(1),
        converged=True,
    )
    names = np.array([f"c{k}" for k in range(5)])
    return Kes(model, names, np.arange(1, 11), KesConfig(**settings))


def drawn_views(n_learners=60, n_videos=12, seed=0):
    """Learners who mostly go on to the next video, and sometimes leap or return."""
    random, video, starts = rng(seed), [], [0]
    for _ in range(n_learners):
        left = list(range(n_videos))
        at = 0
        for _ in range(random.integers(2, n_videos + 1)):
            video.append(left.pop(at))
            at = min(at if random.random() < 0.7 else random.integers(len(left) + 1), len(left) - 1)
        starts.append(len(video))
    return Views(np.array(video), np.array(starts))


def small_mooc(seed=0, **settings):
    tuning, test = halves(drawn_views(seed=seed))
    covers = np.repeat(np.eye(6, dtype=bool), 2, axis=0)
    platform = course_platform(
        np.arange(6).astype(str), sparse.csr_array((6, 6), dtype=bool), covers, np.full(6, 0.5)
    )
    return Mooc(fit_views(tuning, 12), tuning, test, covers, platform, MoocConfig(**settings))


@cache
def small_study():
    """Course A has a to f, b's videos need a's; ten learners opened some, in an order."""
    opened = ["abcd", "bcde", "acef", "bd", "abef", "cdef", "aef", "bcf", "abcdef", "ce"]
    learners = [f"l{n}" for n in range(len(opened))]
    case = diagnosed(
        make_case(
            course_concepts={"A": "abcdef", "B": "fg"},
            prerequisites=[("a", "b"), ("b", "c")],
            enrolled=dict.fromkeys(learners, "A"),
            watched=dict(zip(learners, opened, strict=True)),
            mastery={},
            vectors={name: [place] for place, name in enumerate("abcdefg")},
            minutes=dict(zip("abcdefg", [4, 3, 2, 5, 1, 8, 7], strict=True)),
        )
    )
    order = np.concatenate([rng(n).permutation(len(each)) + 1 for n, each in enumerate(opened)])
    records = replace(case.records, viewed_order=order)
    return Study(case.graph, records, case.similarity, case.diagnosis)


def small_vdina(seed=0, **settings):
    study = small_study()
    tuning, test = halves_of(study, 0, VdinaConfig(**{"least_concepts": 2, **settings}))
    platform = course_platform(
        study.graph.concept_names[study.asked(0)],
        sparse.csr_array((6, 6), dtype=bool),
        np.eye(6, dtype=bool),
        np.full(6, 0.5),
    )
    return Vdina(study, 0, tuning, test, platform)


SIMULATORS = {"kss": kss, "kes": small_kes, "mooc": small_mooc, "vdina": small_vdina}


# ------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("name", SIMULATORS)
def test_who_is_taught_everything_has_gained_all_there_was_to_gain(name):
    simulator = SIMULATORS[name]()
    learners = simulator.start(50, rng(1))
    start, full = simulator.score(learners), simulator.full(learners)
    assert (start <= full + 1e-12).all()
    assert (start < full).any()
    simulator.teach(learners)
    np.testing.assert_allclose(simulator.score(learners), full)


@pytest.mark.parametrize("name", SIMULATORS)
def test_a_seed_gives_the_same_learners_and_the_same_end(name):
    policy = contestants()["random-goal"].make(Classroom(SIMULATORS[name](), 6, 0))
    first, again = (effect(SIMULATORS[name](), policy, 40, 6, 3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, effect(SIMULATORS[name](), policy, 40, 6, 4))


@pytest.mark.parametrize("name", SIMULATORS)
def test_learners_of_tuning_are_others_than_those_of_the_test(name):
    simulator = SIMULATORS[name]()
    policy = contestants()["random-goal"].make(Classroom(simulator, 6, 0))
    tuning, test = (effect(simulator, policy, 40, 6, 3, tuning=half) for half in (True, False))
    assert not np.array_equal(tuning, test)


@pytest.mark.parametrize("name", SIMULATORS)
def test_the_first_learners_fare_the_same_when_the_others_leave(name):
    simulator = SIMULATORS[name]()
    policy = contestants()["order"].make(Classroom(simulator, 6, 0))
    whole, part = effect(simulator, policy, 40, 6, 3), effect(simulator, policy, 40, 6, 3, first=10)
    np.testing.assert_array_equal(part[:10], whole[:10])
    assert np.isnan(part[10:]).all()


@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize("who", [n for n, each in contestants().items() if not each.needs])
def test_every_contestant_names_a_concept_for_every_learner(name, who):
    simulator, contestant = SIMULATORS[name](), contestants()[who]
    policy = contestant.make(Classroom(simulator, 12, 0))
    size = simulator.platform.order.size
    for n in (4, 2):  # the same policy takes other learners
        episode = Episode.begin(simulator, n, 12, rng(2), sees_truth=contestant.sees_truth)
        for _ in range(12):
            concept = policy(episode.seen, rng(5))
            assert concept.shape == (n,)
            assert ((concept >= 0) & (concept < size)).all()
            episode.step(concept, rng(6))


def test_estimated_mastery_is_bayes_rule_written_out():
    seen = Seen(kss().platform, np.ones((1, 10), bool), 3, 3)
    p = PRIOR
    for right in (True, False, True):
        told = np.zeros((1, 10), int)
        told[0, 4] = 1 if right else -1
        seen.note(told)
        held, lacking = (1 - SLIP, GUESS) if right else (SLIP, 1 - GUESS)
        p = p * held / (p * held + (1 - p) * lacking)
        p += (1 - p) * LEARN
    assert seen.mastery[0, 4] == pytest.approx(p)
    assert seen.mastery[0, 3] == PRIOR
    counted = (seen.tries, seen.right, seen.streak, seen.lapses)
    assert [int(each[0, 4]) for each in counted] == [3, 2, 1, 0]


# -------------------------------------------------------------------------------------------- KSS


def taught(simulator, sequence, n=30, seed=1):
    learners = simulator.start(n, rng(seed))
    chances = rng(2)
    for concept in sequence:
        simulator.step(learners, np.full(n, concept), chances)
    return simulator.score(learners)


@settings(max_examples=15, deadline=None)
@given(st.permutations([0, 0, 3, 4, 4, 4, 8, 9]))
def test_without_strength_the_order_of_work_does_not_matter(sequence):
    simulator = kss(strength=0)
    np.testing.assert_allclose(taught(simulator, sequence), taught(simulator, sorted(sequence)))


def test_with_strength_foundations_first_is_better():
    ahead = [0, 0, 0, 0, 1, 1, 1, 1, 3, 3, 3, 3]
    simulator = kss(least_goals=10, most_goals=10)
    assert taught(simulator, ahead).mean() > taught(simulator, ahead[::-1]).mean() + 0.02


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_without_forgetting_mastery_never_falls(seed, strength, local):
    simulator = kss(strength=strength, local=local)
    learners, random = simulator.start(10, rng(seed)), rng(seed)
    before = simulator.mastery(learners)
    for _ in range(10):
        simulator.step(learners, random.integers(0, 10, 10), random)
        now = simulator.mastery(learners)
        assert (now >= before - 1e-12).all()
        before = now


def test_with_forgetting_what_is_not_worked_on_falls_towards_where_it_began():
    simulator = kss(forget=0.2, strength=0)
    learners = simulator.start(5, rng(0))
    first = learners.ability.copy()
    simulator.step(learners, np.zeros(5, int), rng(1))
    gained = (learners.ability - first)[:, 0]
    simulator.step(learners, np.full(5, 6), rng(1))
    np.testing.assert_allclose((learners.ability - first)[:, 0], 0.8 * gained)


def test_growth_is_that_of_the_rule_written_as_recursion():
    before = {k: [a for a, b in EDGES if b == k] for k in range(10)}
    after = {k: [b for a, b in EDGES if a == k] for k in range(10)}

    def promote(ability, concept, amount):
        ability[concept] = min(ability[concept] + amount, 5)
        for each in after[concept]:
            promote(ability, each, amount / 2)

    simulator = kss()
    learners, random = simulator.start(8, rng(3)), rng(4)
    plain = learners.ability.copy()
    for _ in range(15):
        concept = random.integers(0, 10, 8)
        for ability, k in zip(plain, concept.tolist(), strict=True):
            lacks = sum(5 - ability[each] for each in before[k])
            promote(ability, k, (5 - ability[k]) / 2 * np.exp(-lacks))
        simulator.step(learners, concept, random)
        np.testing.assert_allclose(learners.ability, plain)


def test_answers_are_right_as_often_as_the_logistic_model_says():
    simulator = kss(guess=0.2, slip=0.1)
    n = 20_000
    learners = simulator.start(1, rng(0))
    for name in ("goals", "gone", "ability", "first", "difficulty", "last"):
        setattr(learners, name, np.repeat(getattr(learners, name), n, axis=0))
    learners.ability[:, 6], learners.difficulty[:, 6] = 1.0, 3.1
    told = simulator.step(learners, np.full(n, 6), rng(1))
    able = 1.0 + (5 - 1.0) / 2  # concept 6 needs nothing
    expected = 0.2 + 0.7 * expit(1.7 * 5 * (able - 3.1))
    assert (told[:, 6] > 0).mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(n))
    assert (np.delete(told, 6, axis=1) == 0).all()


def test_work_far_from_the_last_counts_nothing_behind_the_gate():
    simulator = kss(local=True)
    learners = simulator.start(1, rng(0))
    simulator.step(learners, np.array([1]), rng(0))
    before = learners.ability.copy()
    simulator.step(learners, np.array([8]), rng(0))  # two steps on, by 3 and 4 or by 2
    np.testing.assert_array_equal(learners.ability, before)
    simulator.step(learners, np.array([3]), rng(0))  # builds on 1
    assert (learners.ability >= before).all()
    assert (learners.ability > before).any()


@pytest.mark.parametrize(("wrong", "missing"), [(0, 0), (0.25, 0), (0, 0.5), (0.5, 0.25)])
def test_so_many_edges_are_wrong_or_missing(wrong, missing):
    before, after = np.array(EDGES).T
    matrix = said(after, before, 10, wrong, missing, rng(1)).toarray()
    true = np.zeros((10, 10), bool)
    true[after, before] = True
    assert (matrix & true).sum() == 12 - round(12 * wrong) - round(12 * missing)
    assert (matrix & ~true).sum() == round(12 * wrong)
    assert not np.diag(matrix).any()
    assert not (matrix & true.T).any()


def test_a_cycle_makes_nobody_wait():
    matrix = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]], bool))
    simulator = Kss(matrix, np.arange(3), KssConfig(), rng())
    assert np.argwhere(simulator.platform.prerequisites.toarray()).tolist() == [[2, 1]]


@pytest.mark.parametrize(
    "settings", [{"strength": 2}, {"guess": 0.7, "slip": 0.4}, {"least_goals": 0}]
)
def test_a_setting_out_of_its_range_is_refused(settings):
    with pytest.raises(ConfigError, match="give"):
        KssConfig(**settings)


# -------------------------------------------------------------------------------------------- KES


def test_answers_and_states_have_the_models_marginal_rates():
    simulator, n = small_kes(days=30.0), 40_000
    learners = simulator.start(n, rng(0))
    able = np.array([-1.0, 1.0])
    prior = np.linspace(0.2, 0.6, 5)
    by_class = expit(np.log(prior / (1 - prior)) + 0.8 * able[:, None])
    tolerance = 4 * 0.5 / np.sqrt(n)
    mean = np.array([0.3, 0.7]) @ by_class
    np.testing.assert_allclose(learners.held.mean(axis=0), mean, atol=tolerance)
    told = simulator.step(learners, np.full(n, 2), rng(1))
    # items 4 and 5 ask for concept 2, answered 5 and 6 times; time leaves shares as they are
    guess = np.linspace(0.1, 0.3, 10)[4:6]
    odds = np.log(guess / (1 - guess)), np.full(2, np.log(0.9 / 0.1))
    low, high = (expit(each[None] + 0.5 * able[:, None]) @ np.array([5, 6]) / 11 for each in odds)
    held = by_class[:, 2]
    right = np.array([0.3, 0.7]) @ (held * high + (1 - held) * low)
    assert (told[:, 2] > 0).mean() == pytest.approx(right, abs=tolerance)
    learned = mean[2] + (1 - mean[2]) * 0.2
    assert learners.held[:, 2].mean() == pytest.approx(learned, abs=tolerance)
    np.testing.assert_allclose(
        np.delete(learners.held.mean(axis=0), 2), np.delete(mean, 2), atol=tolerance
    )


def test_within_a_session_nothing_is_forgotten():
    simulator = small_kes()
    learners, random = simulator.start(50, rng(0)), rng(1)
    before = learners.held.copy()
    for _ in range(10):
        simulator.step(learners, random.integers(0, 5, 50), random)
        assert (learners.held >= before).all()
        before = learners.held.copy()


def test_a_model_of_answers_says_more_of_others_than_shares_do():
    random, n, k = rng(0), 300, 4
    held = random.random((n, k)) < 0.5
    learner, item = np.repeat(np.arange(n), 12), np.tile(np.arange(12), n)
    p = np.where(held[learner, item // 3], 0.9, 0.15)
    right = (random.random(learner.size) < p).astype(float)
    q = sparse.csr_matrix(np.repeat(np.eye(k), 3, axis=0))
    found = fit_held_out(learner, item, right, np.zeros(learner.size), q, rng(1))
    assert (found.learners, found.held_out, found.answers) == (240, 60, 720)
    assert found.log_likelihood > found.base + 0.05
    # nobody who knows the truth says more; to know the states is worth more still
    known = np.where(right > 0, p, 1 - p)
    assert found.log_likelihood < np.log(known).mean()


# ------------------------------------------------------------------------------------------- MOOC


def test_views_come_in_their_order_and_only_of_the_course():
    viewed = sparse.csr_array(np.array([[1.0, 0.5, 0, 1], [0, 0, 1, 0], [0, 1, 0, 1]]))
    found = views_of(viewed, np.array([3, 1, 2, 1, 2, 1]), np.array([3, 0, 1]))
    assert found.video.tolist() == [2, 0, 1, 0, 2]  # of learner 0: items 1, 3, 0; of 2: 3, 1
    assert found.starts.tolist() == [0, 3, 5]


def test_weights_of_where_views_lead_are_the_planted_ones():
    planted, random = np.array([0.6, 0.2, 0.05, 0.15]), rng(0)
    video, starts = [], [0]
    for _ in range(400):
        free, at = np.ones(30, bool), int(random.integers(8, 16))
        free[at] = False
        own = [at]
        for _ in range(10):
            ahead, back = np.flatnonzero(free[at + 1 :]) + at + 1, np.flatnonzero(free[:at])
            groups = [ahead[:1], ahead[1:5], ahead[5:], back]
            weight = planted * [each.size > 0 for each in groups]
            at = int(random.choice(groups[random.choice(4, p=weight / weight.sum())]))
            free[at] = False
            own.append(at)
        video += own
        starts.append(len(video))
    model = fit_views(Views(np.array(video), np.array(starts)), 30)
    np.testing.assert_allclose(model.weight, planted, atol=0.03)
    assert (NEXT, NEAR, FAR, BACK) == (0, 1, 2, 3)
    # all leave behind their eleventh view, and nobody before
    assert model.leave[0, 0] < 0.05
    assert model.leave[0, 4] > 0.9


def test_the_fit_says_more_of_other_learners_than_any_video_next():
    tuning, test = halves(drawn_views(n_learners=200))
    said, plain = view_likelihood(fit_views(tuning, 12), test, 12)
    assert said > plain + 0.3


def test_where_nobody_follows_it_does_not_matter_what_is_recommended():
    simulator = small_mooc(follow=0)
    first, last = (lambda seen, rng, k=k: np.full(len(seen.goals), k) for k in (0, 5))
    np.testing.assert_array_equal(
        effect(simulator, first, 50, 5, 0), effect(simulator, last, 50, 5, 0)
    )


def test_who_follows_opens_what_is_recommended():
    simulator = small_mooc(follow=1)
    learners = simulator.start(50, rng(0))
    lacking = ~learners.opened[:, 10:].any(axis=1)
    told = simulator.step(learners, np.full(50, 5), rng(1))
    assert lacking.any()
    assert (told[lacking, 5] == 1).all()
    assert learners.opened[lacking, 10].all()


def test_who_left_opens_nothing_more():
    simulator = small_mooc()
    learners = simulator.start(80, rng(0))
    chances = rng(1)
    for _ in range(8):
        gone, opened = learners.gone.copy(), learners.opened.copy()
        simulator.step(learners, np.zeros(80, int), chances)
        np.testing.assert_array_equal(learners.opened[gone], opened[gone])
        assert learners.gone[gone].all()
    assert learners.gone.any()


# ------------------------------------------------------------------------------------------ V-DINA


def test_each_half_of_the_learners_is_cut_and_who_met_too_little_is_left_out():
    tuning, test = halves_of(small_study(), 0, VdinaConfig(least_concepts=3))
    people = [{each.state.of.learner for each in half} for half in (tuning, test)]
    assert people == [{0, 2, 5, 7}, {1, 4, 6, 8}]  # 3 and 9 met two concepts
    with pytest.raises(InputError, match="1 learners met 6 concepts"):
        halves_of(small_study(), 0, VdinaConfig(least_concepts=6))


def test_nobody_watches_longer_than_the_rest_of_the_own_path_took():
    simulator = small_vdina()
    learners, random = simulator.start(60, rng(0)), rng(1)
    minutes = simulator.study.minutes
    before, left = np.nan_to_num(learners.shares), learners.minutes.copy()
    for _ in range(8):
        simulator.step(learners, random.integers(0, 6, 60), random)
        watched = ((np.nan_to_num(learners.shares) - before) * minutes).sum(axis=1)
        np.testing.assert_allclose(watched + learners.minutes, left)
        assert (learners.gone == (learners.minutes <= 1e-9)).all()
    assert learners.gone.any()


def test_who_follows_a_path_gets_as_far_as_the_tables_say():
    """The simulator with one path is the measure behind Tables 2 to 4: shortest video first."""
    simulator, study = small_vdina(), small_study()
    _, cuts = halves_of(study, 0, VdinaConfig(least_concepts=2))
    asked = recommended(study, cuts, "shortest-first", Asked(4))["recommended"]
    for each, wanted in zip(cuts, asked, strict=True):
        alone = Vdina(study, 0, [each], [each], simulator.platform)
        learners = alone.start(1, rng(0))
        path = path_of("shortest-first", study, each.state, Asked(4)).concepts
        for concept in np.searchsorted(study.asked(0), path).tolist():
            alone.step(learners, np.array([concept]), rng(0))
        assert alone.score(learners)[0] * 6 == pytest.approx(wanted)


def test_what_is_seen_is_what_was_opened():
    simulator = small_vdina()
    learners = simulator.start(20, rng(0))
    np.testing.assert_array_equal(simulator.before(learners), learners.shares[:, :6] > 0)
    told = simulator.step(learners, np.full(20, 4), rng(0))  # e is of one minute
    assert (simulator.before(learners)[:, 4] == 1).all()
    assert (np.delete(told, 4, axis=1) == 0).all()


def test_what_was_watched_already_is_passed_by_without_a_minute():
    simulator = small_vdina()
    learners = simulator.start(20, rng(0))
    simulator.step(learners, np.full(20, 4), rng(0))
    shares, minutes = learners.shares.copy(), learners.minutes.copy()
    whole = (shares[:, 4] == 1) & ~learners.gone
    told = simulator.step(learners, np.full(20, 4), rng(0))
    assert whole.any()
    assert (told[whole, 4] == 1).all()
    np.testing.assert_array_equal(learners.shares[whole], shares[whole])
    np.testing.assert_array_equal(learners.minutes[whole], minutes[whole])


@pytest.mark.parametrize("settings", [{"percent": 100.0}, {"least_concepts": 0}])
def test_a_cut_that_leaves_nothing_is_refused(settings):
    with pytest.raises(ConfigError, match="give"):
        VdinaConfig(**settings)


# ------------------------------------------------------------------------------------- comparison


def test_an_oracle_that_teaches_everything_has_an_effect_of_one():
    class Teaching(Kss):
        def step(self, learners, concept, rng):
            self.teach(learners)
            return np.zeros(learners.goals.shape, int)

    before, after = np.array(EDGES).T
    matrix = sparse.csr_array((np.ones(12, bool), (after, before)), shape=(10, 10))
    world = World("kss", "", lambda seed: Teaching(matrix, np.array(ORDER), KssConfig(), rng(seed)))
    anything = contestants()["random"]
    (found,) = compare([world], [anything], [1], 30, 3)
    assert found.effect.mean == pytest.approx(1)
    assert found.effect.half == pytest.approx(0, abs=1e-9)
    assert found.learners == 90


def test_passes_beat_random_goals_where_prerequisites_matter():
    world = World("kss", "", lambda seed: kss(seed))
    asked = [contestants()[name] for name in ("random-goal", "passes")]
    for found in list(compare([world], asked, [5, 10, 20], 150, 3))[1::2]:
        assert found.gap is not None
        assert found.gap.mean - found.gap.half > 0.05


@pytest.mark.parametrize("wrong", [0.0, 0.4])
def test_the_planner_that_is_served_teaches_as_the_policy_says(wrong):
    """Answer by answer, with edges that are wrong too; until all goals are secure."""
    simulator = kss(3, wrong=wrong)
    classroom = Classroom(simulator, 12, 0)
    served, policy = (contestants()[name].make(classroom) for name in ("gain", "passes"))
    episode, chances = Episode.begin(simulator, 8, 12, rng(1)), rng(2)
    compared = 0
    for _ in range(12):
        seen = episode.seen
        said, expected = served(seen, rng()), policy(seen, rng())
        working = (seen.goals & (seen.streak < STEADY.goal)).any(axis=1)
        assert said[working].tolist() == expected[working].tolist()
        compared += int(working.sum())
        episode.step(said, chances)
    assert compared > 60


def test_a_trial_leaves_the_graph_where_prerequisites_do_nothing():
    simulator = kss(strength=0)
    classroom = Classroom(simulator, 20, 0)
    usual, tried, by_graph = (
        np.nanmean(effect(simulator, policy, 150, 20, 0))
        for policy in (
            contestants()["random-goal"].make(classroom),
            contestants()["passes-tried"].make(classroom),
            by_passes(classroom, STEADY),
        )
    )
    assert by_graph < usual < tried
