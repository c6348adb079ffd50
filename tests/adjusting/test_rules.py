"""The file of rules: its values are the method's, its comments its bounds, its errors say where."""

from importlib.resources import files

import pytest

from kgplan.adjusting.rules import keys, read_rules, rules_text, usual_rules
from kgplan.errors import ConfigError

# As section 6 of the specification has them.
PUBLISHED = {
    "lagging": (0.30, 2, 0.15, 2, 60),
    "strained": (0.50, 2, 0.30, 2, 60),
    "stuck": (0.60, 4, 0.40, 2, 60),
    "ahead": (0.90, 2, 0.75, 2, 60),
}


@pytest.fixture
def file(tmp_path):
    def write(text: str):
        path = tmp_path / "rules.toml"
        path.write_text('version = 1\nname = "ours"\n' + text, encoding="utf-8")
        return path

    return write


def test_usual_values_are_those_of_the_specification():
    rules = usual_rules()
    for name, values in PUBLISHED.items():
        threshold = getattr(rules, name)
        assert tuple(vars(threshold).values()) == values
    assert (rules.load.stay, rules.tick.every, rules.limits.idle) == (30, 15, 14)
    assert (rules.limits.a_day, rules.limits.a_week, rules.limits.reverse) == (1, 3, 24)
    assert (rules.effects.offers, rules.effects.offers_lagging) == (3, 5)
    assert (rules.effects.tasks, rules.effects.tasks_eased) == (5, 3)
    assert (rules.effects.hard, rules.effects.hard_stretched) == (0.3, 0.4)
    assert (rules.signals.window, rules.signals.least_due, rules.effects.weak) == (14, 20, 0.7)


def test_the_file_that_comes_says_units_and_bounds_as_the_code_has_them(file):
    text = (files("kgplan.adjusting") / "rules.toml").read_text(encoding="utf-8")
    assert text == rules_text(usual_rules())


def test_what_a_file_leaves_out_is_as_usual_and_its_version_is_another(file):
    rules = read_rules(file("[lagging]\nenter = 0.5\n"))
    assert rules.lagging.enter == 0.5
    assert rules.lagging.leave == 0.15
    assert rules.strained == usual_rules().strained
    other = read_rules(file("[lagging]\nenter = 0.6\n"))
    assert rules.version.startswith("ours-")
    assert rules.version != other.version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[lagging]\nenter = 1.5\n", "lagging.enter is 1.5; it goes from 0 to 1 (share)"),
        ("[stuck]\nenter_ticks = 2.5\n", "stuck.enter_ticks is 2.5; give a whole number"),
        ("[load]\nstay = true\n", "load.stay is True; give a number (minutes)"),
        ("[lagging]\nleave = 0.4\n", "lagging.leave is 0.4; it lies below lagging.enter"),
        ("[lag]\nenter = 1\n", "no section 'lag'; there are tick, signals, lagging"),
        ("[ahead]\nfrom = 1\n", "ahead has no key 'from'; it has enter, enter_ticks"),
        ("enter = 1\n", "no section 'enter'"),
        ("[effects]\nhard = nan\n", "effects.hard is nan; it goes from 0 to 1"),
        ("[effects\n", "rules.toml:3: the file is no TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(file, text, said):
    path = file(text)
    with pytest.raises(ConfigError) as caught:
        read_rules(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_of_another_version_or_without_name_is_refused(tmp_path):
    path = tmp_path / "rules.toml"
    for text, said in (
        ('version = 2\nname = "ours"\n', "version is 2; this kgplan reads version 1"),
        ("version = 1\n", "name is None; give small letters"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            read_rules(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rules(tmp_path / "none.toml")


def test_each_number_keeps_its_bounds(file):
    """One below the lowest and one above the highest value of each key are refused."""
    for key in keys():
        for value in (key.bound.low - 1, key.bound.high + 1):
            with pytest.raises(ConfigError, match=f"{key.section}.{key.name} is"):
                read_rules(file(f"[{key.section}]\n{key.name} = {value}\n"))
