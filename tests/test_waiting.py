import os
import subprocess
import sys
from pathlib import Path

PLAIN = {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
TESTS = """
import pytest
from waiting import wait_for

@pytest.fixture(scope="session")
def database():
    wait_for("a database", "apt-get install one")

@pytest.mark.parametrize("n", range(3))
def test_with_it(database, n):
    pass

def test_with_a_browser():
    wait_for("a browser", "apt-get install it")

def test_that_is_skipped():
    pytest.skip("waits no longer")

def test_alone():
    pass
"""


def test_one_line_says_how_many_tests_wait_for_what(tmp_path):
    done = run(tmp_path, ["-p", "xdist", "-n", "2"])
    lines = [line for line in done.stdout.splitlines() if line.startswith("Tests that wait")]
    (told,) = lines
    counts = {"3 for a database (apt-get install one)", "1 for a browser (apt-get install it)"}
    assert set(told.removeprefix("Tests that wait: ").split("; ")) == counts
    assert done.returncode == 0


def test_in_ci_nothing_waits(tmp_path):
    done = run(tmp_path, [], CI="true")
    assert "Tests that wait" not in done.stdout
    assert "CI must have a database: apt-get install one" in done.stdout
    assert done.returncode == 1


def run(folder: Path, options: list[str], **environment: str) -> subprocess.CompletedProcess:
    (folder / "conftest.py").write_text("from waiting import pytest_terminal_summary\n")
    (folder / "test_it.py").write_text(TESTS)
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=kept | PLAIN | environment,
    )
