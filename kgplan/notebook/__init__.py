"""kgplan in a notebook: the graph's answers and plans as pandas frames, a chain as a picture.

    from kgplan import notebook as kg
    kg.ask("leads_to", concept_id="K_缓存_计算机科学技术")
    kg.chain("K_缓存_计算机科学技术", depth=3)       # draws itself

Everything reads the graph and the model that the KGPLAN_ settings name. Needs `kgplan[notebook]`.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kgplan.errors import ConfigError, MissingExtra
from kgplan.graph.designer import ask as ask_store
from kgplan.graph.store import database_of, open_graph, server_of
from kgplan.model.opening import open_planner, open_snapshot
from kgplan.notebook.chain import Chain, chain_of
from kgplan.planning import PlanOptions
from kgplan.settings import read_settings

if TYPE_CHECKING:
    import pandas as pd
    import py2neo

__all__ = ["Chain", "ask", "chain", "frame", "plan", "py2neo_graph"]


def frame(rows: list[dict[str, Any]]) -> "pd.DataFrame":
    """Rows as a frame.

    Raises:
        MissingExtra: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise MissingExtra("notebook", "frames of pandas") from None
    return pd.DataFrame(rows)


def ask(question: str, **values: Any) -> "pd.DataFrame":
    """Put a question of the designers' library to the graph (docs/guide/designers.md).

    Args:
        question: its name, as in `kgplan graph ask --list`.
        **values: of its parameters.

    Raises:
        UnknownQuery, InputError: no such question, or its parameters do not fit.
    """
    settings = read_settings()
    database = database_of(settings.graph_url)
    with open_graph(settings.graph_url, True, settings.graph_access) as store:
        return frame(ask_store(store, database, question, **values))


def chain(concept_id: str, depth: int = 3) -> Chain:
    """What leads to a concept, in up to `depth` steps; draws itself in a notebook.

    Raises:
        UnknownConcept: no such id; the error holds close matches.
    """
    return chain_of(open_snapshot(read_settings()), concept_id, depth)


def plan(learner_id: str, course_id: str, **options: Any) -> "pd.DataFrame":
    """A learner's path, a row a step, with the terms as columns.

    Args:
        learner_id, course_id: as for `kgplan plan`.
        **options: any of `PlanOptions`: length, max_prerequisites, pin, exclude, ...
    """
    made = open_planner(read_settings()).plan(learner_id, course_id, PlanOptions(**options))
    rows = []
    for step in made.to_dict()["steps"]:
        terms, teaches = step.pop("terms"), step.pop("teaches")
        where = teaches[0] if teaches else {"course_id": None, "video_id": None}
        rows.append(step | terms | where)
    return frame(rows)


def py2neo_graph() -> "py2neo.Graph":
    """The Neo4j server of the settings as a py2neo graph: `run`, `match`, `to_data_frame`.

    py2neo is no longer maintained: this is for notebooks that already use it.

    Raises:
        MissingExtra: py2neo is not installed.
        ConfigError: the graph is not on a Neo4j server.
    """
    try:
        import py2neo
    except ModuleNotFoundError:
        raise MissingExtra("py2neo", "py2neo's graph") from None
    settings = read_settings()
    if database_of(settings.graph_url) != "neo4j":
        raise ConfigError(
            f"KGPLAN_GRAPH is {settings.graph_url!r}, and py2neo needs a Neo4j server;"
            " set it to neo4j://host:7687"
        )
    access = settings.graph_access
    # py2neo does not know the scheme neo4j:// of a single server's routing table
    parts = urlsplit(settings.graph_url)
    address = f"bolt://{parts.hostname}:{parts.port or 7687}"
    _, database = server_of(settings.graph_url, access)
    return py2neo.Graph(address, name=database, auth=(access.user, access.password))
