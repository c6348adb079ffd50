"""What is planted is there: shares, chains, twins, and the filter that knows the truth."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from kgplan.engagement.generator import (
    ENGAGED,
    MEANS,
    MODALITIES,
    STATES,
    STAYS,
    TWINS,
    GeneratorConfig,
    chains,
    filtered,
    generate,
    spectrogram,
)
from kgplan.errors import ConfigError


@pytest.fixture(scope="module")
def world():
    return generate(GeneratorConfig(learners=40, sessions=2, seed=1))


def test_states_stay_as_often_as_planted_and_take_the_shares():
    shares = np.tile([0.5, 0.2, 0.1, 0.1, 0.1], (400, 1))
    state = chains(shares, 60, np.random.default_rng(0))
    found = np.bincount(state.ravel(), minlength=5) / state.size
    np.testing.assert_allclose(found, shares[0], atol=0.02)
    stays = np.mean(state[:, 1:] == state[:, :-1])
    by_chance = (shares[0] ** 2).sum()  # a state that is drawn anew may be the same
    assert stays == pytest.approx(STAYS + (1 - STAYS) * by_chance, abs=0.01)


def test_engagement_is_that_of_its_state_in_the_mean(world):
    for k in range(len(STATES)):
        assert world.engagement[world.state == k].mean() == pytest.approx(ENGAGED[k], abs=0.03)
    assert world.engagement.min() >= 0
    assert world.engagement.max() <= 1


def test_twins_are_equal_in_their_modality_and_told_apart_by_another():
    for name, pairs in TWINS.items():
        for a, b in pairs:
            np.testing.assert_array_equal(MEANS[name][a], MEANS[name][b])
            others = [m for m in MODALITIES if m != name]
            assert max(np.abs(MEANS[m][a] - MEANS[m][b]).max() for m in others) > 0.5


@pytest.mark.parametrize("name", MODALITIES)
def test_inputs_show_their_states_but_not_their_twins(world, name):
    """Logistic regression on crude features, half of the learners held back."""
    x = world.inputs[name].reshape(world.state.size, -1)
    if name in ("visual", "audio"):
        picture = world.inputs[name].reshape(world.state.size, 32, -1)
        x = picture.reshape(len(x), 8, 4, -1, 4).mean(axis=(2, 4)).reshape(len(x), -1)
    elif name == "motion":
        series = world.inputs[name].reshape(world.state.size, 6, 300)
        x = np.concatenate([series.mean(axis=2), np.log(np.diff(series).std(axis=2))], axis=1)
    state = world.state.ravel()
    half = np.repeat(world.learner < 20, world.state.shape[1])

    def right(pair):
        here = np.isin(state, pair)
        mean, sd = x[half & here].mean(axis=0), x[half & here].std(axis=0) + 1e-9
        scaled = (x - mean) / sd
        told = LogisticRegression(C=0.02, max_iter=500).fit(scaled[half & here], state[half & here])
        said = told.predict_proba(scaled[~half & here])[:, 1]
        truth = state[~half & here] == told.classes_[1]
        pairs = said[truth][:, None] - said[~truth][None]
        return np.mean((pairs > 0) + 0.5 * (pairs == 0))  # area under the curve

    apart = max(
        ((a, b) for a in range(5) for b in range(a)),
        key=lambda pair: np.abs(MEANS[name][pair[0]] - MEANS[name][pair[1]]).sum(),
    )
    assert right(apart) > 0.65  # chance is .5, and twins come no higher than .62 below
    for twins in TWINS[name]:
        assert right(twins) == pytest.approx(0.5, abs=0.12)


def test_the_filter_that_knows_is_far_above_chance_and_better_with_more(world):
    def right(names):
        return np.mean(filtered(world, names).argmax(axis=-1) == world.state)

    assert right(("log",)) < right(("visual", "log")) < right(MODALITIES)
    assert right(MODALITIES) > 0.9
    posterior = filtered(world)
    np.testing.assert_allclose(posterior.sum(axis=-1), 1)
    # it is calibrated, as it is Bayes' rule on the model that drew the data
    top = posterior.max(axis=-1)
    hit = posterior.argmax(axis=-1) == world.state
    assert top.mean() == pytest.approx(hit.mean(), abs=0.02)


def test_the_filter_is_bayes_rule_by_enumeration():
    world = generate(GeneratorConfig(1, 1, 4, (), seed=2))
    shares, found = world.shares[0], filtered(world, ("log",))[0]
    centred = world.parameters["log"][0] - world.offsets["log"][0]
    fit = np.exp(-((centred[:, None] - MEANS["log"]) ** 2).sum(axis=-1) / 2)
    weight = np.zeros(5)
    for path in np.ndindex(5, 5, 5, 5):
        chance = shares[path[0]] * fit[0, path[0]]
        for t in range(1, 4):
            stays = STAYS * (path[t] == path[t - 1]) + (1 - STAYS) * shares[path[t]]
            chance *= stays * fit[t, path[t]]
        weight[path[-1]] += chance
    np.testing.assert_allclose(found[-1], weight / weight.sum(), atol=1e-9)


def test_a_tone_is_loudest_in_its_band():
    time = np.arange(8_000) / 8_000
    loudest = [
        spectrogram(np.sin(2 * np.pi * hz * time)[None].astype(np.float32))[0].mean(axis=1).argmax()
        for hz in (250, 700, 1_500, 3_000)
    ]
    assert loudest == sorted(set(loudest))


def test_splits_go_by_learner(world):
    parts = [set(world.learner[rows].tolist()) for rows in world.by_learner]
    assert [len(part) for part in parts] == [24, 8, 8]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]


def test_fewer_modalities_leave_the_others_as_they_are(world):
    again = generate(GeneratorConfig(learners=40, sessions=2, modalities=("log",), seed=1))
    assert list(again.inputs) == ["log"]
    np.testing.assert_array_equal(again.inputs["log"], world.inputs["log"])
    np.testing.assert_array_equal(again.state, world.state)


@pytest.mark.parametrize(
    ("given", "said"), [({"learners": 0}, "learners is 0"), ({"modalities": ("smell",)}, "'smell'")]
)
def test_what_cannot_be_drawn_is_refused(given, said):
    with pytest.raises(ConfigError, match=said):
        GeneratorConfig(**given)
