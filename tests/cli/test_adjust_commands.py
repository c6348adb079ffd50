"""`kgplan adjust`: the rules as a file, and a replay of a file of events."""

import json

import pytest
from forked import run_kgplan

from kgplan.adjusting import read_rules, usual_rules


@pytest.fixture
def answers(tmp_path):
    """A learner who answers wrong for an hour and a half, every three minutes."""
    path = tmp_path / "events.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for n in range(30):
            time = f"2024-03-01T{10 + n // 20:02}:{n % 20 * 3:02}:00Z"
            event = {"event_id": f"e{n:02}", "learner_id": "u", "item_id": "x1", "time": time}
            file.write(json.dumps(event | {"score": 0.0}) + "\n")
        file.write("no event\n")
    return path


def test_the_printed_rules_are_a_file_of_the_same_rules(tmp_path):
    done = run_kgplan(tmp_path, "adjust", "rules")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "ours.toml"
    path.write_text(done.stdout, encoding="utf-8")
    assert read_rules(path) == usual_rules()
    again = run_kgplan(tmp_path, "adjust", "rules", "--rules", path)
    assert again.stdout == done.stdout


def test_a_file_of_events_is_replayed_by_other_rules_too(tmp_path, answers):
    done = run_kgplan(tmp_path, "adjust", "replay", answers, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["learners"], found["plans"], found["events"]) == (1, 1, 30)
    counted = {tuple(each[:3]): each[4] for each in found["changes"]}
    # 30 wrong answers to the one step: strained, then stuck, which alerts once
    assert counted["strained", "questions", "begins"] == 1
    assert counted["stuck", "alert", "begins"] == 1
    assert "1 of the events are refused" in done.stderr

    rules = tmp_path / "calm.toml"
    rules.write_text('version = 1\nname = "calm"\n[strained]\nenter_ticks = 100\n')
    done = run_kgplan(tmp_path, "adjust", "replay", answers, "--rules", rules, "--json")
    found = json.loads(done.stdout)
    assert found["changes"] == []
    assert found["rules"].startswith("calm-")

    shown = run_kgplan(tmp_path, "adjust", "replay", answers)
    assert shown.returncode == 0, shown.stderr
    assert "alerts a plan and week" in shown.stdout


def test_what_cannot_be_replayed_is_said_in_a_sentence(tmp_path, answers):
    done = run_kgplan(tmp_path, "adjust", "replay")
    assert done.returncode == 2
    assert "kgplan etl run" in done.stderr
    rules = tmp_path / "wrong.toml"
    rules.write_text('version = 1\nname = "ours"\n[lagging]\nenter = 30\n')
    done = run_kgplan(tmp_path, "adjust", "replay", answers, "--rules", rules)
    assert done.returncode == 2
    assert "lagging.enter is 30; it goes from 0 to 1 (share)" in done.stderr.replace("\n", " ")
    done = run_kgplan(tmp_path, "adjust", "replay", answers, "--planted")
    assert done.returncode == 2
    assert "give one" in done.stderr
