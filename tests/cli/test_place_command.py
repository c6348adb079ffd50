"""`kgplan place`: questions in the terminal or from a file, and the plan that follows."""

import json

import pytest
from forked import run_kgplan
from typer.testing import CliRunner

from kgplan.cli import app
from kgplan.settings import read_settings


def test_answers_of_a_file_are_stored_and_the_next_plan_knows_them(own_home, tmp_path):
    home, answers = own_home.home, tmp_path / "answers.json"

    def place(said):
        answers.write_text(json.dumps(said), encoding="utf-8")
        done = run_kgplan(home, "place", "fresh", "C_1", "--answers", answers, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    first = place({})["questions"][0]["concept_id"]
    told = place({first: "yes"})
    asked = [each["concept_id"] for each in told["questions"]]
    assert len(asked) == len(set(asked))
    assert [each["value"] for each in told["questions"]] == [1.0] + [None] * (len(asked) - 1)
    assert told["reason"] in ("settled", "nothing_left", "enough")
    planned = json.loads(run_kgplan(home, "plan", "fresh", "C_1", "--json").stdout)
    assert [step["concept_id"] for step in planned["steps"]] == [
        step["concept_id"] for step in told["plan"]["steps"]
    ]
    assert first not in [step["concept_id"] for step in planned["steps"]]
    why = run_kgplan(home, "mastery", "fresh", first)
    assert "you said that you know it" in " ".join(why.stdout.split())


@pytest.mark.parametrize("said", ['{"栈": "maybe"}', '{"数组": 0.3}', "[]", "{"])
def test_a_file_that_answers_nothing_is_refused_in_a_sentence(own_home, tmp_path, said):
    answers = tmp_path / "answers.json"
    answers.write_text(said, encoding="utf-8")
    done = run_kgplan(own_home.home, "place", "fresh", "C_1", "--answers", answers)
    assert done.returncode == 2
    assert str(answers) in done.stderr.replace("\n", "")


def test_in_the_terminal_each_question_is_asked_until_it_is_over_or_stopped(own_home, monkeypatch):
    monkeypatch.setenv("KGPLAN_HOME", str(own_home.home))
    read_settings.cache_clear()
    done = CliRunner().invoke(app, ["place", "fresh", "C_1"], input="perhaps\n?\nq\n")
    read_settings.cache_clear()
    assert done.exit_code == 0, done.output
    assert done.output.count("Do you know") in (1, 2)
    assert "fresh in" in done.output
