"""`kgplan generate` from the command line."""

import json

from typer.testing import CliRunner

from kgplan.cli.main import app
from kgplan.errors import ConfigError

SMALL = ["--preset", "sample", "--learners", "30", "--courses", "10", "--concepts", "120"]


def test_sizes_come_from_the_preset_and_what_is_given(tmp_path):
    out = tmp_path / "small.zip"
    ran = CliRunner().invoke(app, ["generate", str(out), *SMALL, "--dirty", "0.05", "--json"])
    made = json.loads(ran.stdout)
    assert ran.exit_code == 0
    assert made["bytes"] == out.stat().st_size
    config = made["config"]
    assert [config[name] for name in ("learners", "courses", "concepts")] == [30, 10, 120]
    assert config["videos"] == round(15_031 * 10 / 190)  # as many a course as the preset has
    assert sum(kind["rows"] for kind in made["dirt"]) > 0


def test_people_are_told_what_to_run_next(tmp_path):
    ran = CliRunner().invoke(app, ["generate", str(tmp_path / "small"), *SMALL])
    assert ran.exit_code == 0
    assert "kgplan etl run" in ran.stdout


def test_help_shows_how_to_call_it():
    assert "kgplan generate big.zip" in CliRunner().invoke(app, ["generate", "--help"]).stdout


def test_a_size_that_no_world_has_is_an_error_with_a_way_out(tmp_path):
    ran = CliRunner().invoke(app, ["generate", str(tmp_path / "x"), *SMALL, "--views", "99999999"])
    assert isinstance(ran.exception, ConfigError)
    assert "give" in str(ran.exception)
    assert not (tmp_path / "x").exists()
