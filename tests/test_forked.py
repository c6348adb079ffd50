"""Is a process that is forked as good as one that is started?"""

import subprocess
import sys

import forked

SAYS = """
import os, sys
print(os.getcwd(), sys.argv[1:], os.environ.get("KGPLAN_GRAPH"), repr(sys.stdin.read()))
print("and more", file=sys.stderr)
sys.exit(3)
"""
FAULT = "import os; os.environ['KGPLAN_GRAPH'] = 'mine'; 1 / 0"


def test_it_has_a_folder_arguments_an_environment_and_an_end_of_its_own(tmp_path):
    given = {"cwd": tmp_path, "argv": ("a b", 1), "environment": {"KGPLAN_GRAPH": "x"}}
    done = forked.run("builtins:exec", SAYS, **given)
    expected = f"{tmp_path} ['a b', '1'] x ''\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, expected, "and more\n")
    fault = forked.run("builtins:exec", FAULT)
    assert (fault.returncode, fault.stdout) == (1, "")
    assert fault.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert " None ''" in forked.run("builtins:exec", SAYS).stdout
    killed = "import os; os.kill(os.getpid(), 9)"
    assert forked.run("builtins:exec", killed).returncode == -9


def test_a_command_says_what_it_says_when_it_is_started(tmp_path):
    command = ("plan", "somebody", "somewhere")
    started = subprocess.run(
        [sys.executable, "-c", "from kgplan.cli import main; main()", *command],
        capture_output=True,
        check=False,
        text=True,
        env={"KGPLAN_HOME": str(tmp_path), "COLUMNS": "200"},
    )
    done = forked.run_kgplan(tmp_path, *command)
    assert (done.returncode, done.stdout) == (started.returncode, started.stdout)
    assert done.stderr == started.stderr != ""
