"""Load rows from a file as a process of its own, and die at a chosen moment.

python graph_loader.py URL ROWS_JSON RUN_ID [MOMENT...]    the password in KGPLAN_GRAPH_PASSWORD

A moment is a number: the loader dies when it tells its progress for that time. With several, a
child dies at each in turn. Without any, the load runs to its end.
"""

import json
import os
import signal
import sys
from pathlib import Path

from kgplan.etl.load import GraphRows, load
from kgplan.graph.store import open_graph
from kgplan.progress import silent
from kgplan.settings import GraphAccess


def dying(moment: int):
    """A progress callback that ends the process as if the power had gone."""
    left = moment

    def tell(what, done, total):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


def main() -> None:
    url, path, run_id, *moments = sys.argv[1:]
    rows = GraphRows(**json.loads(Path(path).read_text(encoding="utf-8")))
    access = GraphAccess(password=os.environ.get("KGPLAN_GRAPH_PASSWORD", ""))

    def run(progress):
        with open_graph(url, access=access) as store:
            load(rows, store, run_id, progress)

    for moment in moments:
        child = os.fork()
        if child == 0:
            run(dying(int(moment)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"moment {moment}: ended with status {status}, not killed")
    if not moments:
        run(silent)


if __name__ == "__main__":
    main()
