"""A script that starts what a test kills, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parent


@contextmanager
def in_own_process(script: Path) -> Iterator[subprocess.Popen]:
    """Run a script of the tests that is told and tells lines, until its input ends."""
    path = os.pathsep.join([str(TESTS), str(script.parent)])
    started = subprocess.Popen(
        [sys.executable, script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    yield started
    started.stdin.close()
    started.wait(30)
