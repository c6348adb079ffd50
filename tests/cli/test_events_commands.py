"""`kgplan events` from a file to the records: what is said, in tables and in JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kgplan.cli import app
from kgplan.errors import ConfigError, InputError
from kgplan.settings import read_settings

PRODUCERS = Path(__file__).parent.parent / "api" / "producers" / "openedx.jsonl"


@pytest.fixture
def kgplan(tmp_path, monkeypatch):
    """Runs the command in a home of its own, where no model is."""
    monkeypatch.setenv("KGPLAN_HOME", str(tmp_path / "home"))
    read_settings.cache_clear()

    def run(*arguments):
        done = CliRunner().invoke(app, ["events", *map(str, arguments)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    yield run
    read_settings.cache_clear()


def test_a_file_is_checked_loaded_and_what_was_refused_is_listed_and_replayed(kgplan):
    rows = len(PRODUCERS.read_text().splitlines())
    checked = json.loads(kgplan("check", PRODUCERS, "--json"))
    assert (checked["number"], checked["unknown"]) == (rows, None)
    assert sum(each["number"] for each in checked["understood"]) == rows - 1
    assert [each["first_line"] for each in checked["refused"]] == [12]
    loaded = json.loads(kgplan("load", PRODUCERS, "--json"))
    assert (loaded["stored"], loaded["refused"], loaded["first_refused"][0][0]) == (rows - 1, 1, 12)
    assert json.loads(kgplan("load", PRODUCERS, "--json"))["repeated"] == rows - 1
    (reason,) = json.loads(kgplan("dead", "--json"))
    assert (reason["field"], reason["reason"], reason["number"]) == ("object.id", "is missing", 1)
    assert json.loads(kgplan("replay", "--json"))["refused"] == 1


def test_people_are_told_in_tables_and_sentences(kgplan):
    told = kgplan("check", PRODUCERS)
    for part in ("understood as", "answer", "refused, because", "no model is in use"):
        assert part in told
    told = kgplan("load", PRODUCERS)
    for part in ("23 stored", "1 refused", f"{PRODUCERS}:12 object.id is missing"):
        assert part in told
    assert "object.id" in kgplan("dead")
    assert "0 taken, 1 refused again" in kgplan("replay")


def test_nothing_was_refused_where_nothing_was_ever_kept(kgplan):
    assert json.loads(kgplan("dead", "--json")) == []


def test_the_zone_of_the_setting_counts_for_times_that_have_none(kgplan, monkeypatch, tmp_path):
    monkeypatch.setenv("KGPLAN_TIME_ZONE", "Asia/Shanghai")
    read_settings.cache_clear()
    file = tmp_path / "answers.csv"
    file.write_text("learner_id,item_id,time,score\nu,v,2026-03-01T10:00:00,1\n")
    assert json.loads(kgplan("load", file, "--json"))["stored"] == 1
    # the same moment, told with its zone, is the same event
    file.write_text("learner_id,item_id,time,score\nu,v,2026-03-01T02:00:00Z,1\n")
    assert json.loads(kgplan("load", file, "--json"))["repeated"] == 1
    monkeypatch.setenv("KGPLAN_TIME_ZONE", "Nowhere")
    read_settings.cache_clear()
    with pytest.raises(ConfigError, match="KGPLAN_TIME_ZONE is 'Nowhere'"):
        kgplan("load", file)


def test_a_file_that_is_none_is_refused_in_one_sentence(kgplan, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        kgplan("load", tmp_path / "none")
    with pytest.raises(InputError, match="cannot be read"):
        kgplan("check", tmp_path / "none")
