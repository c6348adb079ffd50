"""`kgplan engagement` as a person runs it."""

from forked import run_kgplan


def test_too_few_views_are_one_sentence(own_home):
    done = run_kgplan(own_home.home, "engagement", "evaluate")
    assert done.returncode == 2
    assert "view" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_says_that_it_is_no_affect(own_home):
    done = run_kgplan(own_home.home, "engagement", "evaluate", "--help")
    assert "labels of affect" in done.stdout
