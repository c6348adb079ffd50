"""`kgplan engagement` as a person runs it."""

import json

from forked import run_kgplan

from kgplan.model.opening import open_planner
from kgplan.store.artifacts import ArtifactStore


def test_too_few_views_are_one_sentence(own_home):
    done = run_kgplan(own_home.home, "engagement", "evaluate")
    assert done.returncode == 2
    assert "view" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_says_that_it_is_no_affect(own_home):
    done = run_kgplan(own_home.home, "engagement", "evaluate", "--help")
    assert "labels of affect" in done.stdout


def test_the_stage_runs_by_its_command_and_says_in_a_note_why_nothing_is_told(own_home):
    ran = run_kgplan(own_home.home, "engagement", "train", "--seed", "4", "--json")
    assert ran.returncode == 0, ran.stderr
    (report,) = json.loads(ran.stdout)
    assert report["details"]["served"] is False
    assert "note: engagement is not told: no learner has more than 8 views" in ran.stderr
    stored = ArtifactStore(own_home.artifacts).current("engagement")
    assert (stored.version, stored.manifest["config"]) == (report["version"], {"seed": 4})


def test_who_has_no_figure_is_told_why_in_both_languages(mini_home):
    shown = run_kgplan(mini_home.home, "engagement", "show", "U_1", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert (told["chance"], told["reason"], told["learner_id"]) == (None, "no_model", "U_1")
    assert told["model_version"] == open_planner(mini_home).model_version
    english = run_kgplan(mini_home.home, "engagement", "show", "U_1", "--course", "C_1")
    assert "Nothing is said of the next video" in english.stdout
    chinese = run_kgplan(mini_home.home, "engagement", "show", "U_1", "--language", "zh")
    assert "无法判断下一个视频" in chinese.stdout


def test_a_course_that_is_not_there_is_said(mini_home):
    unknown = run_kgplan(mini_home.home, "engagement", "show", "U_1", "--course", "C_none")
    assert unknown.returncode == 2
    assert "C_none" in unknown.stderr
