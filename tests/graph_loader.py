"""Loads of rows from a file that die; each is run in a process of its own, by `forked`."""

import json
import os
import signal
from pathlib import Path

from kgplan.etl.bulk import bulk_load
from kgplan.etl.load import GraphRows, load
from kgplan.graph.neo4j_server import Neo4jServer
from kgplan.graph.store import open_graph
from kgplan.settings import GraphAccess, Settings


def die(*_args, **_kwargs):
    """End the process as if the power had gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def rows_in(path: str) -> GraphRows:
    """The rows that the file holds."""
    return GraphRows(**json.loads(Path(path).read_text(encoding="utf-8")))


def dying_load(url: str, password: str, path: str, run_id: str, moment: str) -> None:
    """Load the rows; die when progress is told for the time of that number."""
    left = int(moment)

    def tell(what, done, total):
        nonlocal left
        left -= 1
        if left == 0:
            die()

    with open_graph(url, access=GraphAccess(password=password)) as store:
        load(rows_in(path), store, run_id, tell)


def dying_bulk_load(url: str, home: str, path: str) -> None:
    """Load the rows in bulk; die when the server has stopped and the import begins."""
    Neo4jServer.admin = die
    bulk_load(rows_in(path), Settings(home=Path(home), graph=url), "run")
