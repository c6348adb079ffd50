"""A package that is not ours: what it brings is found by its entry point, in its own process."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path


def install(folder: Path, text: str, group: str, entry: str) -> Path:
    """Put the package `elsewhere` into a folder.

    Args:
        folder: that is there.
        text: of its one module.
        group, entry: its entry point, as "name = elsewhere:THING".
    """
    (folder / "elsewhere.py").write_text(text, encoding="utf-8")
    about = folder / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
    return folder


def told_where_installed(
    folder: Path, home: Path, script: str, *arguments: str, sent: str | None = None
) -> str:
    """What a script prints where the package is installed.

    Args:
        folder: of the package.
        home: KGPLAN_HOME.
        script, *arguments: of Python.
        sent: its standard input.
    """
    path = os.pathsep.join([str(folder), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        input=sent,
        env=os.environ | {"PYTHONPATH": path, "KGPLAN_HOME": str(home)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
