"""The preschool paper's measures on a few planted sessions, and figures beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error

from kgplan.errors import ConfigError
from kgplan.evaluation.papers.harness import LEARNER, Kept
from kgplan.evaluation.papers.intervals import MeanRatio, Ratio, draws, estimate
from kgplan.evaluation.papers.paper import experiment_of
from kgplan.evaluation.papers.preschool import MEASURES, METHODS, Session
from kgplan.evaluation.papers.sources import Generator
from kgplan.progress import silent

SMALL = {
    "learners": 20, "sessions": 1, "world_seed": 4, "encoder_epochs": 1, "epochs": 2,
    "width": 8, "hidden": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return Session(Generator(SMALL, Kept(tmp_path_factory.mktemp("kept")), silent))


def value(figure, values):
    drawn = draws(values[LEARNER], 50, seed=0)
    return estimate(MEASURES["windows"].figures[figure](values), drawn).value


@pytest.mark.parametrize("method", ["constant", "oracle", "network"])
def test_figures_are_those_of_scikit_learn(session, method):
    if method == "network":
        pytest.importorskip("torch")
    parameters = {"method": method, "modalities": ["log"], "seeds": [0]}
    values = MEASURES["windows"].compute(session, parameters)
    said = METHODS[method](session, parameters, 0)
    truth = session.world.state[session.test].ravel()
    state = said.state.ravel()
    assert value("accuracy", values) == pytest.approx(accuracy_score(truth, state))
    expected = f1_score(truth, state, average="macro")
    assert value("macro-F1", values) == pytest.approx(expected)
    if method == "oracle":
        assert np.isnan(value("MSE", values))  # it says states alone
    else:
        engaged = session.world.engagement[session.test].ravel()
        off = mean_squared_error(engaged, said.engagement.ravel())
        assert value("MSE", values) == pytest.approx(off)


def test_shuffled_truth_is_the_same_windows_in_another_order(session):
    pytest.importorskip("torch")
    true, shuffled = session.truth(False), session.truth(True)
    assert np.mean(true.state == shuffled.state) < 0.5
    np.testing.assert_array_equal(np.sort(true.state, None), np.sort(shuffled.state, None))


def test_a_mean_of_ratios_leaves_out_what_has_no_say():
    ones, nothing = np.ones(3), np.zeros(3)
    figure = MeanRatio((Ratio(ones, 2 * ones), Ratio(nothing, nothing), Ratio(ones, ones)))
    found = estimate(figure, draws(np.arange(3), 20, seed=0))
    assert (found.value, found.low, found.high, found.n) == (0.75, 0.75, 0.75, 3)


def test_its_file_names_what_there_is():
    experiment = experiment_of("preschool-multimodal")
    for table in experiment.tables:
        measure = MEASURES[table.measure]
        for row in table.rows:
            for column in table.columns:
                parameters = experiment.parameters_of(table, row, column)
                assert parameters.keys() <= measure.parameters
                assert (column.figure or table.figure) in measure.figures
                assert parameters.get("method", "oracle") in METHODS


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learners": 20}, "the experiment's model has no sessions"),
        (SMALL | {"colour": 1}, "the experiment's model: .*colour"),
    ],
)
def test_a_model_that_cannot_be_is_refused(tmp_path, settings, said):
    with pytest.raises(ConfigError, match=said):
        Session(Generator(settings, Kept(tmp_path), silent))
