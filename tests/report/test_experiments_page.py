"""What the page of experiments says follows the figures: each sentence is planted both ways."""

import json
from pathlib import Path

import pytest
from forked import run_kgplan

from kgplan.report.experiments_page import COMMANDS, page


def lines(saved, title):
    """The sentences below a heading of the page."""
    part = page(saved).partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line for line in part.splitlines() if line.startswith("- ")]


HOLDS, NOT, OPEN = "What holds", "What does not hold", "What the figures leave open"


def only(saved, words):
    """(heading, sentence) of the one sentence with these words."""
    found = [(title, each) for title in (HOLDS, NOT, OPEN) for each in lines(saved, title)]
    return next((title, each) for title, each in found if words in each)


def cell(row, column, value, low=None, high=None, published=None):
    low, high = (value if low is None else low), (value if high is None else high)
    names = ("row", "column", "value", "low", "high", "published")
    return dict(zip(names, (row, column, value, low, high, published), strict=True))


def paper(name, *cells, goal=None):
    return {"kg-plppm": {"tables": [{"name": name, "goal": goal, "cells": list(cells)}]}}


def test_of_nothing_nothing_is_said_but_what_to_run():
    text = page({})
    assert text.count("Nothing.") == 3
    for command in ("kgplan paper kg-plppm", "make simulate", "kgplan diagnose calibrate"):
        assert f"What `{command}` would say: it has not been run." in text
    assert "[try it on yours](guide/experiments.md)" in text


@pytest.mark.parametrize(
    ("interval", "title", "words"),
    [
        ((1.7, 1.5, 1.9), HOLDS, "in the same minutes, is reached by"),
        ((1.4, 1.3, 1.49), NOT, "in the same minutes, is missed by"),
        ((1.5, 1.4, 1.6), OPEN, "is neither reached nor missed by"),
    ],
)
def test_a_goal_is_reached_missed_or_open(interval, title, words):
    saved = paper("gain", cell("our default planner", "50%", *interval), goal=1.5)
    found, text = only(saved, "The goal of 1.5 times")
    assert found == title
    assert words in text
    assert f"{interval[0]:.2f} [{interval[1]:.2f}, {interval[2]:.2f}]" in text
    assert text.endswith("([figures](experiments/kg-plppm.md); `kgplan paper kg-plppm`)")


@pytest.mark.parametrize(
    ("cells", "title", "words"),
    [
        ([(0.2, 0.1, 0.3), (0.1, -0.1, 0.3)], HOLDS, "served brings more than a random order"),
        ([(0.0, -0.1, 0.1), (0.2, 0.1, 0.3)], OPEN, "served is not told apart from a random"),
        ([(-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)], NOT, "brings less than a random order"),
    ],
)
def test_a_rival_is_beaten_level_or_ahead(cells, title, words):
    columns = ("50%", "60%")
    row = [cell("our default planner", c, *each) for c, each in zip(columns, cells, strict=True)]
    found, text = only(paper("gain-random", *row), "a random order")
    assert found == title
    assert words in text
    won, lost = (sum(test(*each[1:]) for each in cells) for test in (
        lambda low, high: low > 0, lambda low, high: high < 0
    ))  # fmt: skip
    assert f"of 2 cells {won} are won, {2 - won - lost} level, {lost} lost" in text


def test_a_table_is_made_again_where_all_that_was_published_is_inside():
    row = ("KG-PLPPM, rule A", "2", 0.25, 0.2, 0.3)
    assert only(paper("1", cell(*row, 0.29)), "Table 1")[0] == HOLDS
    title, text = only(paper("1", cell(*row, 0.29), cell(*row, 0.35)), "Table 1")
    assert title == NOT
    assert "is not made again: 1 of 2" in text
    row = ("KG-PLPPM, our planner", "50%", 98.5, 98.0, 99.1)
    assert "is not made again" in only(paper("2", cell(*row, 144.62)), "Table 2")[1]
    assert "is made again" in only(paper("2", cell(*row, 98.2)), "Table 2")[1]


@pytest.mark.parametrize(("walks", "title"), [(0.54, NOT), (0.3, HOLDS)])
def test_a_degree_that_counts_walks_says_little_more(walks, title):
    row = "KG-PLPPM, rule A"
    cells = [cell(row, c, v) for c, v in (("degree", 0.55), ("by walks", walks))]
    found, text = only(paper("1-why", *cells, cell(row, "hits in cycles", 0.66)), "sequence degree")
    assert found == title
    assert ("says little more" in text) == (title == NOT)
    assert "66% of its hits" in text


@pytest.mark.parametrize(("low", "title"), [(0.70, HOLDS), (0.80, NOT)])
def test_who_is_above_what_a_valid_path_can_have_is_named(low, title):
    cells = [cell("a", "10 steps", 0.85, low, 0.9), cell("a", "10 steps, at most", 0.75, 0.7, 0.8)]
    found, text = only(paper("1-ceiling", *cells), "valid")
    assert found == title
    assert text.startswith("- No path of 10 steps" if title == HOLDS else "- a of 10 steps")


def result(contestant, mean, gap=None, half=0.01, setting="", seeds=2, making=0.0):
    return {
        "simulator": "kss",
        "setting": setting,
        "contestant": contestant,
        "sees_truth": contestant.endswith("truth"),
        "steps": 20,
        "effect": {"mean": mean, "half": half},
        "gap": None if gap is None else {"mean": gap, "half": half},
        "learners": 40,
        "seeds": seeds,
        "making": making,
        "seconds": 0.1,
    }


def run(title, *results, told=(), sweep=None, areas=None):
    return {
        "title": title,
        "arguments": f"--for {title}",
        "made": "2026-01-01",
        "told": list(told),
        "sweep": sweep,
        "areas": areas or {},
        "results": list(results),
    }


def simulated(*runs):
    return {"simulators": {"runs": list(runs)}}


@pytest.mark.parametrize(
    ("gaps", "title", "words"),
    [
        ((0.2, 0.1), HOLDS, "everywhere further than by random goals"),
        ((0.2, 0.005), OPEN, "nowhere less far than by random goals"),
        ((0.2, -0.1), NOT, "not everywhere as far as by random goals"),
    ],
)
def test_a_contestant_is_held_against_random_goals_in_each_world(gaps, title, words):
    worlds = [
        run(name, result("random-goal", 0.4), result("passes", 0.4 + gap, gap))
        for name, gap in zip("AB", gaps, strict=True)
    ]
    found, text = only(simulated(*worlds), "(`passes`)")
    assert found == title
    assert words in text
    assert "further on *A* (0.60, +0.20)" in text


def test_who_brings_learners_furthest_is_told_without_those_who_see_the_truth():
    first = [result("passes", 0.8, 0.4), result("a-star", 0.5, 0.1), result("x-truth", 0.9, 0.5)]
    title, text = only(simulated(run("A", *first)), "furthest")
    assert title == HOLDS
    assert "*A* `passes` 0.80" in text
    first[1] = result("a-star", 0.85, 0.1)
    title, text = only(simulated(run("A", *first)), "furthest")
    assert title == NOT
    assert "are not everywhere" in text
    assert "*A* `a-star` 0.85" in text


@pytest.mark.parametrize(
    ("last", "title", "words"),
    [
        (0.2, HOLDS, "stays above random goals"),
        (0.0, OPEN, "does not fall below random goals"),
        (-0.2, NOT, "falls below random goals"),
    ],
)
def test_a_lead_is_followed_along_a_setting(last, title, words):
    results = [
        result("passes", 0.8, 0.4, setting="wrong 0.0"),
        result("passes", 0.4 + last, last, setting="wrong 0.4"),
    ]
    sweep = {"setting": "wrong", "values": [0.0, 0.4]}
    swept = run("Wrong", *results, sweep=sweep, areas={"kss": {"passes": 0.71}})
    found, text = only(simulated(swept), "*Wrong*: `passes`")
    assert found == title
    assert words in text
    assert f"(0.80 {0.4 + last:.2f}, area under it 0.710)" in text
    assert ("level with them at 0.4" in text) == (title == OPEN)
    assert ("below them at 0.4" in text) == (title == NOT)


def test_the_gate_is_told_apart():
    gated = run("Gate", result("passes", 0.6, 0.2, setting="local True"))
    saved = simulated(gated, run("A", result("passes", 0.8, 0.4)))
    assert "come further than those of random goals: 0.60" in only(saved, "*Gate*")[1]
    assert "*Gate*" not in only(saved, "(`passes`)")[1]


@pytest.mark.parametrize(
    ("learned", "title", "words"),
    [
        (0.7, HOLDS, "come further than those"),
        (0.89, OPEN, "are not told apart from those"),
        (0.95, NOT, "come less far than those"),
    ],
)
def test_what_was_learned_from_rewards_has_its_cost_beside_it(learned, title, words):
    results = [result("passes", 0.9, 0.4), result("ppo", learned, 0.2, making=20.0)]
    found, text = only(simulated(run("A", *results)), "are not trained")
    assert found == title
    assert words in text
    assert "`ppo` 10 s of one processor for each seed" in text


@pytest.mark.parametrize(("said", "title"), [(-0.5, HOLDS), (-0.7, NOT)])
def test_a_fitted_simulator_says_how_well_it_tells_others(said, title):
    told = (
        f"kes: 9 of 2 others have a mean log-likelihood of {said} nats, -0.6 by each item's share"
    )
    found, text = only(simulated(run("Answers", result("passes", 0.5, 0.1), told=[told])), "nats")
    assert found == title
    assert f"{said:.3f} and -0.600" in text


def followed(difference, low, high, pairs=200, both=((450, 10), (60, 530))):
    first = {"outcome": "items later", "difference": difference, "low": low, "high": high}
    comparisons = [{"pairs": pairs, "differences": [first]}] * 4
    made = {"command": "`kgplan experiment followed --seed 0`"}
    return {"followed": {"made": made, "comparisons": comparisons, "both": both}}


@pytest.mark.parametrize(
    ("figures", "title", "words"),
    [
        ((11.0, 4.0, 17.0), HOLDS, "went further than others"),
        ((1.0, -4.0, 7.0), OPEN, "are not told apart from others"),
        ((-9.0, -14.0, -2.0), NOT, "went less far than others"),
        ((11.0, 4.0, 17.0, 40), OPEN, "too few to build on"),
        ((None, None, None, 4), OPEN, "4 pairs do not say"),
    ],
)
def test_who_followed_a_plan_went_further_or_did_not(figures, title, words):
    found, text = only(followed(*figures), "did what a plan would have said")
    assert found == title
    assert words in text
    assert "`kgplan experiment followed --seed 0`" in text


def test_a_plan_that_is_the_courses_order_is_said_to_be():
    assert only(followed(1, 0.5, 2), "To follow")[0] == NOT
    assert only(followed(1, 0.5, 2, both=((10, 450), (530, 60))), "To follow")[0] == HOLDS


def calibrated(auc, rival):
    figures = {"brier": [0.07, 0.066, 0.074], "ece": [0.02, 0.018, 0.022]}
    served = {"name": "attended", "served": True, "auc": auc, **figures}
    other = {"name": "V-DINA", "served": False, "auc": rival, **figures}
    made = {"command": "kgplan diagnose calibrate --seed 0"}
    return {"calibration": {"made": made, "methods": [other, served]}}


def test_goals_of_the_diagnosis_and_what_it_is_better_than():
    saved = calibrated([0.923, 0.917, 0.929], [0.788, 0.778, 0.798])
    assert "is reached with 0.923 [0.917, 0.929]" in only(saved, "the AUC wanted")[1]
    assert only(saved, "the Brier score wanted")[0] == HOLDS
    title, text = only(saved, "the calibration error wanted")
    assert title == NOT
    assert "at most 0.015, is missed" in text
    assert "(research/diagnosis.md#calibration)" in text
    assert only(saved, "orders held-back views better than V-DINA")[0] == HOLDS
    level = calibrated([0.80, 0.79, 0.81], [0.788, 0.778, 0.798])
    assert only(level, "as well as, as far as can be told, V-DINA")[0] == OPEN
    assert only(level, "the AUC wanted")[0] == NOT
    worse = calibrated([0.70, 0.69, 0.71], [0.788, 0.778, 0.798])
    assert only(worse, "worse than V-DINA")[0] == NOT


def test_the_page_in_the_documents_is_that_of_what_was_saved():
    folder = Path(__file__).parents[2] / "docs" / "experiments"
    names = [name for name in COMMANDS if (folder / f"{name}.json").exists()]
    saved = {name: json.loads((folder / f"{name}.json").read_text()) for name in names}
    assert names == list(COMMANDS)
    there = folder.with_suffix(".md").read_text(encoding="utf-8")
    assert page(saved) == there, "make it anew with `make experiments`"


def test_the_command_writes_the_page_and_refuses_what_it_cannot_read(tmp_path):
    folder = tmp_path / "experiments"
    folder.mkdir()
    saved = simulated(run("A", result("passes", 0.8, 0.4)))["simulators"]
    (folder / "simulators.json").write_text(json.dumps(saved))
    done = run_kgplan(tmp_path, "experiment", "page", folder, "--out", tmp_path / "e.md")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "e.md").read_text() == page({"simulators": saved})
    (folder / "followed.json").write_text("{}")
    done = run_kgplan(tmp_path, "experiment", "page", folder)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "is not what `kgplan experiment followed` saves" in said
    assert "Traceback" not in said
