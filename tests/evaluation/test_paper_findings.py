"""What is said of a paper's tables follows their figures: each is planted both ways."""

import numpy as np
import pytest

from kgplan.evaluation.papers.experiment import Column, Row, Table
from kgplan.evaluation.papers.findings import of_gcn_attention_rl, of_kg_plppm
from kgplan.evaluation.papers.harness import Cell, Filled
from kgplan.evaluation.papers.intervals import Estimate


def planted(name, rows, columns=("50%",), published=None, goal=None):
    """A table: row -> a value for each column, or (value, low, high); None for nobody's."""
    cells = []
    for row, values in rows.items():
        line = []
        for column, value in zip(columns, values, strict=True):
            value = (np.nan,) * 3 if value is None else value
            found = value if isinstance(value, tuple) else (value, value - 0.01, value + 0.01)
            given = (published or {}).get(row)
            line.append(Cell(row, column, Estimate(*found, 9, 9), given))
        cells.append(tuple(line))
    table = Table(
        name=name,
        title=name,
        measure="m",
        goal=goal,
        rows=tuple(Row(title=row) for row in rows),
        columns=tuple(Column(title=column) for column in columns),
    )
    return Filled(table, tuple(cells))


def said(*tables):
    return "\n".join(of_kg_plppm({each.table.name: each for each in tables}))


def test_of_nothing_nothing_is_said():
    assert not said()


STEPS = ("4 steps", "4 steps, at most", "10 steps", "10 steps, at most")


def test_a_ceiling_names_who_is_above_it():
    low = {"a": (0.3, 0.9, 0.3, 0.75), "b": (0.5, 0.9, None, 0.75)}
    text = said(planted("1-ceiling", low, STEPS))
    assert 'path of 4 steps has a degree of 0.900 [0.890, 0.910] at most, in the mean: "a"' in text
    assert 'of 10 steps has a degree of 0.750 [0.740, 0.760] at most, in the mean: "a" has' in text
    assert "above it" not in text
    assert text.count('"b" has') == 1
    high = low | {"a": (0.3, 0.9, 0.8, 0.75)}
    above = said(planted("1-ceiling", high, STEPS)).splitlines()
    assert "above it" not in above[0]
    assert above[1].endswith("leaves out what is needed: a.")


@pytest.mark.parametrize(
    ("other", "published", "wanted"),
    [
        (95.0, 144.6, ("is not found", "not above KG-PLPPM", 'highest of all is "KG-PLPPM, our')),
        (105.0, 100.0, ("is found", "is above KG-PLPPM", 'highest of all is "random"')),
    ],
)
def test_who_is_highest_and_whether_the_published_value_is_there(other, published, wanted):
    ours = "KG-PLPPM, our planner"
    rows = {ours: (100.0,), "random": (other,), "the whole course, however long": (130.0,)}
    text = said(planted("2", rows, published={ours: published}))
    assert all(each in text for each in wanted)


@pytest.mark.parametrize(
    ("published", "wanted"),
    [
        (144.6, "none is as high as published"),
        (100.0, "the published value lies among them"),
        (80.0, "all are higher than published"),
    ],
)
def test_untouched_concepts_explain_or_do_not(published, wanted):
    ours = "KG-PLPPM, our planner"
    rows = {ours: (95.0,), "random": (120.0,)}
    text = said(planted("2-untouched", rows, published={ours: published}))
    assert 'from 95.0 ("KG-PLPPM, our planner") to 120.0 ("random")' in text
    assert wanted in text


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ((1.6, 1.45, 1.7), ("misses the goal of 1.5", "Of all methods nobody reaches")),
        ((1.6, 1.51, 1.7), ("reaches the goal of 1.5", 'methods "our default planner" reaches')),
    ],
)
def test_a_goal_is_reached_where_the_lower_end_is(value, wanted):
    rows = {"our default planner": (value,), "random": (1.2,)}
    text = said(planted("gain", rows, goal=1.5))
    assert all(each in text for each in wanted)
    assert 'the highest is "our default planner"' in text


# ---------------------------------------------------------------- GCN-Attention-RL


def said_of_rewards(*tables):
    return "\n".join(of_gcn_attention_rl({each.table.name: each for each in tables}))


@pytest.mark.parametrize(
    ("reward", "word"), [((0.02, 0.01, 0.03), "it may be on"), ((0.02, -0.01, 0.05), "stays off")]
)
def test_a_policy_may_be_on_only_where_all_of_its_interval_is_above_holding(reward, word):
    text = said_of_rewards(planted("over-hold", {"DQN": (reward,)}, ("reward",)))
    assert word in text
    assert not said_of_rewards()


def test_a_gap_between_rows_is_told_beside_the_published_one():
    rows = {"text only": (0.30,), "place only": (0.40,), "full": (0.45,)}
    printed = {"text only": 0.6, "place only": 0.62, "full": 0.73}
    text = said_of_rewards(planted("1", rows, ("P@5",), printed))
    assert "(place only), P@5: +0.050, published +0.110; their intervals are apart." in text
    same = said_of_rewards(planted("1", rows | {"full": (0.41,)}, ("P@5",), printed))
    assert "+0.010, published +0.110; their intervals overlap." in same


def test_the_price_of_delta_is_what_is_lost_from_none_to_most():
    rows = {"delta 0": (0.4, 0.5, 0.3, 0.2), "delta 4": (0.25, 0.4, 0.1, 0.2)}
    text = said_of_rewards(planted("delta", rows, ("P@5", "NDCG@5", "unmet", "diversity")))
    assert "costs 0.150 in P@5; unmet prerequisites go from 30% to 10%" in text
