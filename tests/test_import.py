import json
import subprocess
import sys

import kgplan

WATCHED = """
import json, os, signal, sys, threading, warnings

def state():
    return [dict(os.environ), os.getcwd(), sys.path[:], len(warnings.filters),
            threading.active_count(), [str(signal.getsignal(n)) for n in signal.valid_signals()]]

opened, before, modules = [], state(), set(sys.modules)
watching = True
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if watching and event == "open"
                 else None)
import kgplan
watching = False
print(json.dumps([state() == before, sorted(set(sys.modules) - modules), opened]))
"""


def test_importing_defines_names_and_does_nothing_else():
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True)
    unchanged, imported, opened = json.loads(done.stdout)
    assert unchanged
    assert imported == ["kgplan"]
    own = kgplan.__file__.rpartition("/")[0]
    assert [path for path in opened if not path.startswith(own)] == []
    assert {path.rpartition("/")[2].partition(".")[0] for path in opened} <= {"__init__"}


def test_names_are_there_when_asked_for():
    from kgplan.python import Model, open_model

    assert (kgplan.open, kgplan.Model) == (open_model, Model)
    assert set(kgplan.__all__) == set(dir(kgplan))
    assert not hasattr(kgplan, "nothing")
