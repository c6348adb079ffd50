"""Which courses may a learner take next, by the model in use?"""

from collections.abc import Mapping
from threading import Lock

from kgplan.graph.definition import Definitions, read_abouts
from kgplan.graph.store import open_graph
from kgplan.planning import Planner
from kgplan.planning.recommending import Recommender
from kgplan.settings import Settings


def open_recommender(planner: Planner, settings: Settings) -> Recommender:
    """The recommender of the courses in use.

    Raises:
        GraphUnavailable: what is said of courses cannot be read.
    """
    with open_graph(settings.graph_url, read_only=True, access=settings.graph_access) as store:
        return recommender_of(planner, read_abouts(store))


def recommender_of(planner: Planner, abouts: Mapping[str, str]) -> Recommender:
    """The recommender of a planner's courses; `abouts` has what is said of each, by id."""
    names = planner.graph.course_name
    texts = {course: f"{names(course)} {about}" for course, about in abouts.items()}
    return Recommender(planner.graph, planner.records, texts)


class Recommenders:
    """The recommender of the planner that answers, made when it is first asked for.

    Args:
        abouts: what is said of courses; by names alone while they cannot be read.
    """

    def __init__(self, abouts: Definitions) -> None:
        self._abouts, self._lock = abouts, Lock()
        self._made: tuple[Planner, str | None, Recommender] | None = None

    def of(self, planner: Planner, mark: str) -> Recommender:
        """The planner's recommender.

        Args:
            planner: that answers.
            mark: differs whenever the graph may have changed.
        """
        with self._lock:
            made = self._made
            if made is None or made[0] is not planner or made[1] != mark:
                texts = self._abouts.all(mark)
                read = None if texts is None else mark  # asked for again next time
                made = self._made = planner, read, recommender_of(planner, texts or {})
            return made[2]
