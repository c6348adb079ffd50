"""What is a concept? As the graph says it; read when it is first asked for, and after each change.

Snapshots do without these texts: no plan needs them, and most who open a graph never ask.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock

from kgplan.errors import GraphUnavailable
from kgplan.graph.store import GraphStore, open_graph
from kgplan.settings import GraphAccess

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds that a reader waits for the texts


def read_definitions(store: GraphStore) -> dict[str, str]:
    """Concept -> what it is, of all concepts of which the graph says so."""
    return {row["id"]: row["definition"] for row in store.read("definition.all")}


def read_abouts(store: GraphStore) -> dict[str, str]:
    """Course -> what is said of it, of all courses of which the graph says something."""
    return {row["id"]: row["about"] for row in store.read("definition.courses")}


class Definitions:
    """What concepts are, or what is said of courses, as one graph says it.

    All are read at once: a graph in a file is then opened as seldom as it changes, and keeps no
    load out.

    Args:
        read: gives id -> text.
    """

    def __init__(self, read: Callable[[], Mapping[str, str]] = dict) -> None:
        self._read, self._lock = read, Lock()
        self._texts: Mapping[str, str] | None = None
        self._mark = ""

    @classmethod
    def of_graph(
        cls,
        url: str,
        access: GraphAccess,
        texts: Callable[[GraphStore], Mapping[str, str]] = read_definitions,
    ) -> "Definitions":
        """Those of the graph at this address; `texts` reads them."""
        quick = replace(access, query_seconds=PATIENCE, retry_seconds=0)

        def read() -> Mapping[str, str]:
            with open_graph(url, read_only=True, access=quick) as store:
                return texts(store)

        return cls(read)

    def of(self, concept_id: str, mark: str) -> str | None:
        """What a concept is; "" where the graph does not say, None while it cannot be read.

        Args:
            concept_id: of the concept.
            mark: as for `all`.
        """
        texts = self.all(mark)
        return None if texts is None else texts.get(concept_id, "")

    def all(self, mark: str) -> Mapping[str, str] | None:
        """Every text by id; None while they cannot be read.

        Where they were read before, what the graph said then holds until it can be read again.

        Args:
            mark: differs whenever the graph may have changed.
        """
        if not self._lock.acquire(timeout=PATIENCE):
            return None
        try:
            if self._texts is None or self._mark != mark:
                self._texts, self._mark = self._read(), mark
        except GraphUnavailable as error:
            log.warning("the graph's texts cannot be read: %s", error)
        finally:
            self._lock.release()
        return self._texts
