"""Experiments of papers: intervals that hold what they say, cells that are computed once."""

from dataclasses import fields

import numpy as np
import pytest

from kgplan.diagnosis import DiagnosisConfig
from kgplan.errors import AxisMismatch, ConfigError
from kgplan.evaluation.papers.experiment import read_experiment
from kgplan.evaluation.papers.harness import LEARNER, Kept, Measure, fill
from kgplan.evaluation.papers.intervals import Ratio, draws, estimate, mean_of
from kgplan.evaluation.papers.paper import PAPERS, experiment_of

# ---------------------------------------------------------------- intervals


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(1)
    drawn, n = draws(np.arange(60), 400, seed=0), 600
    samples = rng.exponential(size=(n, 60))
    found = [estimate(mean_of(sample), drawn) for sample in samples]
    share = np.mean([each.low <= 1.0 <= each.high for each in found])
    # by theory just under .95 for 60 skewed values; 4 standard errors of a share are .036
    assert 0.90 < share < 0.97


def test_interval_of_a_mean_is_as_wide_as_the_central_limit_says():
    values = np.random.default_rng(2).normal(size=500)
    found = estimate(mean_of(values), draws(np.arange(500), 4000, seed=0))
    half = 1.96 * values.std() / np.sqrt(500)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.06)


def test_repeating_each_learner_changes_nothing_as_learners_are_drawn_whole():
    values = np.random.default_rng(3).normal(size=30)
    once = estimate(mean_of(values), draws(np.arange(30), 200, seed=5))
    often = estimate(mean_of(np.tile(values, 4)), draws(np.tile(np.arange(30), 4), 200, seed=5))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert (often.n, often.learners) == (120, 30)


def test_a_ratio_is_of_the_sums_and_leaves_out_who_has_no_say():
    figure = Ratio(np.array([1.0, 5.0, np.nan, 9.0]), np.array([2.0, 1.0, 4.0, 0.0]))
    found = estimate(figure, draws(np.arange(4), 50, seed=0))
    assert found.value == 6 / 3  # not the mean of .5 and 5
    assert found.n == 2
    nobody = estimate(mean_of(np.full(3, np.nan)), draws(np.arange(3), 50, seed=0))
    assert np.isnan([nobody.value, nobody.low, nobody.high]).all()
    assert nobody.n == 0


def test_a_difference_is_paired():
    rng = np.random.default_rng(4)
    values = 100 * rng.normal(size=80)
    drawn = draws(np.arange(80), 500, seed=0)
    found = estimate(mean_of(values + 1), drawn, other=mean_of(values))
    # each alone is known to +-20; what all gain alike is known exactly
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_values_of_other_enrolments_are_refused():
    with pytest.raises(AxisMismatch):
        estimate(mean_of(np.ones(3)), draws(np.arange(2), 50, seed=0))


# ---------------------------------------------------------------- cells

TEXT = """
paper = "kg-plppm"
version = 3
title = "t"
source = "s"
resamples = 50
parameters = { times = 1 }
[[tables]]
name = "a"
title = "A"
measure = "line"
figure = "mean"
columns = [{ title = "one", parameters = { add = 1 } }, { title = "two", parameters = { add = 2 } }]
rows = [
  { title = "single", published = [2.5, 2.5] },
  { title = "double", parameters = { times = 2 } },
]
[[tables]]
name = "b"
title = "B"
measure = "line"
figure = "mean"
against = { times = 1 }
columns = [{ title = "two", parameters = { add = 2 } }]
rows = [{ title = "double", parameters = { times = 2 } }]
"""


class Counted:
    """A measure that counts what it is asked, and breaks off when told to."""

    def __init__(self):
        self.asked, self.breaks_at = [], None

    def compute(self, data, parameters):
        if len(self.asked) == self.breaks_at:
            raise KeyboardInterrupt
        self.asked.append((parameters["times"], parameters["add"]))
        return {LEARNER: np.arange(3), "x": data * parameters["times"] + parameters["add"]}

    def measures(self):
        figures = {"mean": lambda values: mean_of(values["x"])}
        return {"line": Measure(self.compute, frozenset({"times", "add"}), figures)}


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "e.toml").write_text(TEXT)
    return read_experiment(tmp_path / "e.toml")


def run(experiment, counted, folder):
    data = np.array([1.0, 2.0, 3.0])
    return fill(experiment, counted.measures(), lambda: data, Kept(folder))


def test_cells_are_filled_and_those_that_are_alike_computed_once(experiment, tmp_path):
    counted = Counted()
    first, second = run(experiment, counted, tmp_path / "cells")
    found = [[cell.found.value for cell in line] for line in first.cells]
    assert found == [[3, 4], [5, 6]]  # mean of times * (1, 2, 3) + add
    assert [cell.gap for cell in first.cells[0]] == [0.5, 1.5]
    assert [cell.gap for cell in first.cells[1]] == [None, None]
    assert second.cell("double", "two").found.value == 6 - 4
    assert sorted(counted.asked) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_run_that_was_stopped_goes_on_where_it_was(experiment, tmp_path):
    stopped, whole = Counted(), run(experiment, Counted(), tmp_path / "other")
    stopped.breaks_at = 2
    with pytest.raises(KeyboardInterrupt):
        run(experiment, stopped, tmp_path / "cells")
    again = Counted()
    assert run(experiment, again, tmp_path / "cells") == whole
    assert len(again.asked) == 2
    assert not set(again.asked) & set(stopped.asked)


def test_without_a_missing_cell_nothing_is_opened(experiment, tmp_path):
    whole = run(experiment, Counted(), tmp_path)

    def data():
        raise AssertionError

    assert fill(experiment, Counted().measures(), data, Kept(tmp_path)) == whole


def test_a_cell_that_is_not_whole_is_computed_again(experiment, tmp_path):
    whole, again = run(experiment, Counted(), tmp_path), Counted()
    broken, empty, *_ = sorted(tmp_path.glob("*.npz"))
    broken.write_bytes(broken.read_bytes()[:100])
    empty.write_bytes(b"")
    assert run(experiment, again, tmp_path) == whole
    assert len(again.asked) == 2


def test_another_model_has_other_cells(experiment, tmp_path):
    again = Counted()
    run(experiment, Counted(), tmp_path)
    run(experiment.model_copy(update={"model": {"damping": 0.2}}), again, tmp_path)
    assert len(again.asked) == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('measure = "line"', 'measure = "lime"', "no measure 'lime'; it is one of line"),
        ('figure = "mean"', 'figure = "median"', "no figure 'median'; it is one of mean"),
        ("times = 2", "tiems = 2", "no parameter 'tiems'; it is one of add, times"),
        ("published = [2.5, 2.5]", "published = [2.5]", "1 published values for 2 columns"),
        ("resamples = 50", "resamples = 5", "resamples"),
        ("version = 3", "version = 3\nextra = 1", "extra"),
        ("version = 3", "version = ", "cannot be read"),
    ],
)
def test_what_no_experiment_has_is_said(old, new, said, tmp_path):
    path = tmp_path / "e.toml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(ConfigError, match=said.replace("[", r"\[")):
        run(read_experiment(path), Counted(), tmp_path)


def test_tables_are_chosen_by_name(experiment):
    assert [table.name for table in experiment.only(["b"]).tables] == ["b"]
    assert experiment.only([]) == experiment
    with pytest.raises(ConfigError, match="no table '5'; the tables are a, b"):
        experiment.only(["5"])


# ---------------------------------------------------------------- the experiments that there are


@pytest.mark.parametrize("name", PAPERS)
def test_every_cell_of_a_paper_can_be_asked_for(name, tmp_path):
    """Names of measures, figures and parameters are right in each file."""
    paper, experiment = PAPERS[name], experiment_of(name)
    assert experiment.paper == name

    def data():
        raise EOFError  # all names were looked at

    with pytest.raises(EOFError):
        fill(experiment, paper.measures, data, Kept(tmp_path))


def test_published_values_agree_with_each_other():
    """What the paper prints in several tables is the same: the file was copied right."""
    tables = {table.name: table for table in experiment_of("kg-plppm").tables}
    by_length = {row.title: row.published for row in tables["4"].rows}
    by_percent = {row.title: row.published for row in tables["2"].rows}
    at_half = {row.title: row.published for row in tables["3"].rows}
    assert by_length["length 4"] == by_percent["KG-PLPPM, our planner"]
    assert tuple(row[0] for row in by_length.values()) == at_half["KG-PLPPM, our planner"]
    for name in ("Trans-CF", "Ontology-CF"):
        assert at_half[name][1] == by_percent[name][0]  # length 4, 50 %
    degrees = {row.title: row.published for row in tables["1"].rows}
    assert degrees["KG-PLPPM, rule A"] == (0.2895, 0.4751, 0.5531, 0.5855, 0.6023)


def test_every_setting_of_the_published_diagnosis_stands_in_the_file():
    model = experiment_of("kg-plppm").model
    assert set(model) == {field.name for field in fields(DiagnosisConfig)}
    assert DiagnosisConfig.from_dict(model).link == "compensatory"


def test_an_unknown_paper_is_said():
    with pytest.raises(ConfigError, match="one of kg-plppm"):
        experiment_of("kg-plpmm")
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        experiment_of("none.toml")
