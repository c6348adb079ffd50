"""Who gets which arm: shares, independence, and that an assignment never moves."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, chisquare

from kgplan.planning.experiment import Arm, Assignment, Experiment

ARMS = (Arm("usual", "popularity", 1.0), Arm("new", "gain", 2.0), Arm("third", "kg-plppm", 1.0))
TRIAL = Experiment("spring", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", ARMS, "views", 28, 1.0)
LEARNERS = [f"U_{n}" for n in range(40_000)]


def test_arms_get_their_shares():
    counted = Counter(TRIAL.arm_of(learner).name for learner in LEARNERS)
    expected = {"usual": 10_000, "new": 20_000, "third": 10_000}
    p = chisquare([counted[name] for name in expected], list(expected.values())).pvalue
    assert p > 0.001


def test_arms_of_two_experiments_do_not_depend_on_each_other():
    """Neither another name alone, nor another salt alone, draws the same again."""
    for other in (replace(TRIAL, name="autumn"), replace(TRIAL, salt="another salt")):
        counted = Counter((TRIAL.arm_of(u).name, other.arm_of(u).name) for u in LEARNERS[:10_000])
        names = [arm.name for arm in ARMS]
        table = [[counted[one, two] for two in names] for one in names]
        assert chi2_contingency(table).pvalue > 0.001


def test_an_arm_is_what_sha256_says():
    """By `printf 'SALT\\0spring\\0U_0' | sha256sum`, whose first digits place the learner."""
    places = {"U_0": 0xA98A, "U_1": 0x25BA, "U_2": 0xAB0D, "U_3": 0xEC40}
    for learner, digits in places.items():
        share = digits / 0x10000
        arm = "usual" if share < 0.25 else "new" if share < 0.75 else "third"
        assert TRIAL.assignment(learner) == Assignment("spring", arm)


@given(st.text(max_size=30))
def test_an_arm_depends_on_the_id_alone(learner):
    again = Experiment(TRIAL.name, TRIAL.salt, ARMS, "finished", 60, 0.1)
    assert again.arm_of(learner) == TRIAL.arm_of(learner)


def test_more_weight_for_the_first_arm_takes_nobody_out_of_it():
    """An arm's part of the unit interval begins where it began."""
    wider = replace(TRIAL, arms=(replace(ARMS[0], weight=3.0), *ARMS[1:]))
    for learner in LEARNERS[:2_000]:
        if TRIAL.arm_of(learner).name == "usual":
            assert wider.arm_of(learner).name == "usual"
