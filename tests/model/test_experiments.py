"""The file of an experiment: what it may say, and one clear sentence where it does not."""

import tomllib

import pytest

from kgplan.errors import ConfigError
from kgplan.model.experiments import new_experiment, read_experiment

GOOD = """
version = 1
name = "spring"
salt = "0123456789abcdef"
primary = "views"
days = 14
least_effect = 0.5
[[arms]]
name = "usual"
planner = "popularity"
options = {length = 2}
[[arms]]
name = "new"
planner = "gain"
weight = 3
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "trial.toml"


def test_a_file_is_read(file):
    file.write_text(GOOD)
    found = read_experiment(file)
    assert (found.name, found.primary, found.days, found.least_effect) == (
        "spring",
        "views",
        14,
        0.5,
    )
    assert [(a.name, a.planner, a.weight, dict(a.options)) for a in found.arms] == [
        ("usual", "popularity", 1.0, {"length": 2}),
        ("new", "gain", 3.0, {}),
    ]
    assert found.shares == {"usual": 0.25, "new": 0.75}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "spring"', "", "name is missing"),
        ('name = "spring"', 'name = "Spring 1"', "name is 'Spring 1'"),
        ("version = 1", "version = 2", "version is 2"),
        ("days = 14", "days = 3", "days is 3"),
        ("days = 14", "dayz = 14", "there is no key dayz; did you mean 'days'"),
        ('primary = "views"', 'primary = "smiles"', "primary is 'smiles'"),
        ('salt = "0123456789abcdef"', 'salt = "x"', "salt is 'x'"),
        ('"gain"', '"gains"', "arms[1].planner is 'gains': there is no such planner; there"),
        ("weight = 3", "weight = 0", "arms[1].weight is 0"),
        ("weight = 3", "weigth = 3", "there is no key arms[1].weigth; did you mean 'weight'"),
        ('name = "new"', 'name = "usual"', "two arms have the name 'usual'"),
        ("{length = 2}", "{length = 99}", "length is 99; it goes from 1 to 50"),
        ("{length = 2}", '{length = "two"}', "are not all numbers"),
        ("{length = 2}", '{pin = ["a"]}', "an arm cannot set 'pin'; it may set length"),
        ("version = 1", "version = ", "trial.toml:2: the file is no TOML"),
        (GOOD[GOOD.index("[[arms]]\nname = \"new\""):], "", "arms is"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_sentence_with_its_place(file, old, new, told):
    assert GOOD.count(old)
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as refused:
        read_experiment(file)
    text = str(refused.value)
    assert str(file) in text
    assert told in text
    assert "\n" not in text
    assert "docs/guide/experiments.md" in text


def test_a_file_that_is_not_there_or_no_text_is_told(file):
    with pytest.raises(ConfigError, match=r"cannot be read: No such file.*kgplan experiment new"):
        read_experiment(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        read_experiment(file)


def test_a_new_file_is_one_that_can_be_read_and_has_a_salt_of_its_own(file):
    file.write_text(new_experiment("autumn", ["popularity", "gain"]))
    found = read_experiment(file)
    assert [arm.planner for arm in found.arms] == ["popularity", "gain"]
    other = tomllib.loads(new_experiment("autumn", ["popularity", "gain"]))
    assert len(found.salt) == 32
    assert found.salt != other["salt"]
