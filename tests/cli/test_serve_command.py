"""What `kgplan serve` refuses to start with."""

import pytest
from typer.testing import CliRunner

from kgplan.cli import app
from kgplan.errors import ConfigError
from kgplan.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ITEM_IDS", "(x => y", "no pattern and template"),
        ("ITEM_IDS", "nowhere.csv", "cannot be read"),
        ("LINKS", "https://lms.example/{item}", "placeholder {item}"),
        ("BATCHES", "some", "'whole' or 'each'"),
        ("HOME_PAGES", "https://a.example lms.example", "names 'lms.example'"),
    ],
)
@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
def test_a_setting_of_no_use_is_told_before_anything_starts(
    tmp_path, monkeypatch, name, value, said, workers
):
    monkeypatch.setenv("KGPLAN_HOME", str(tmp_path))
    monkeypatch.setenv(f"KGPLAN_{name}", value)
    read_settings.cache_clear()
    try:
        ran = CliRunner().invoke(app, ["serve", "--dev", *workers])
    finally:
        read_settings.cache_clear()
    assert isinstance(ran.exception, ConfigError)  # `main` ends with 2 on it
    assert f"KGPLAN_{name}" in str(ran.exception)
    assert said in str(ran.exception)
    assert not list(tmp_path.iterdir())
