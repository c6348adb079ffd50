"""Processes that are forked from one that has imported kgplan, which is what takes them longest.

Each has its own environment, folder, output and end, as one that is started has. What a program
does while it starts is seen only by starting it.
"""

import functools
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

# What commands take long to import. Not DuckDB: it starts a thread, and a fork has none of them.
IMPORTED = (
    *("kgplan.cli", "kgplan.model.current", "kgplan.model.names", "kgplan.planning", "pandas"),
    *("kgplan.graph.designer", "kgplan.graph.ladybug", "kgplan.pipeline.reembed", "rdflib"),
    *("kgplan.embedding.train", "kgplan.etl.check", "kgplan.store.events"),
)
KEPT = ("NUMBA_", "OMP_", "OPENBLAS_")  # settings of libraries; those of kgplan are each test's own


def run_kgplan(
    home: Path, *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess:
    """Run the command as a person would.

    Args:
        home: KGPLAN_HOME.
        *arguments: what is typed after `kgplan`.
        cwd: where; in the home if None.
        **environment: more of it.
    """
    environment = {"KGPLAN_HOME": str(home), **environment}
    return run("kgplan.cli:main", argv=arguments, cwd=cwd or home, environment=environment)


def run(
    function: str,
    *arguments: object,
    argv: tuple[object, ...] = (),
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess:
    """Call a function, named "module:function", in a process of its own."""
    server, own = _server()
    folder = Path(own.name)
    asked = {
        "function": function,
        "arguments": list(map(str, arguments)),
        "argv": ["kgplan", *map(str, argv)],
        "cwd": str(cwd or folder),
        "environment": environment or {},
        "outputs": [str(folder / "out"), str(folder / "err")],
    }
    server.stdin.write(json.dumps(asked) + "\n")
    server.stdin.flush()
    code = os.waitstatus_to_exitcode(int(server.stdout.readline()))
    out, err = (Path(path).read_text(encoding="utf-8") for path in asked["outputs"])
    return subprocess.CompletedProcess(asked["argv"], code, out, err)


@functools.cache
def _server() -> tuple[subprocess.Popen, tempfile.TemporaryDirectory]:
    """What forks, and a folder for outputs; it ends when nobody can ask it any more."""
    folder = tempfile.TemporaryDirectory(prefix="kgplan-forked-")
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    server = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **kept},
    )
    return server, folder


def serve() -> None:
    """Fork a process for each line, and answer how it ended."""
    for each in IMPORTED:
        importlib.import_module(each)
    importlib.import_module("unsynced").leave_it_to_the_system()
    gc.freeze()  # else the collector of each copy goes through everything, and copies it
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(become(json.loads(line)))  # Python's own end would go through everything, too
        print(os.waitpid(child, 0)[1], flush=True)


def become(asked: dict) -> int:
    """Take the place of a program that was started; its exit status."""
    os.chdir(asked["cwd"])
    os.environ.update(asked["environment"])
    sys.argv = asked["argv"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(asked["outputs"], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    module, _, name = asked["function"].partition(":")
    try:
        getattr(importlib.import_module(module), name)(*asked["arguments"])
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    serve()
