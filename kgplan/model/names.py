"""Which course or concept does a person mean? By id or name, Chinese or English."""

from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from kgplan.data.records import LearnerRecords
from kgplan.data.search import SearchIndex
from kgplan.errors import AmbiguousName, NotFound, UnknownConcept, UnknownCourse
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.catalogue import ListedConcept, ListedCourse, list_concepts, list_courses
from kgplan.planning import PlanOptions

Listed = TypeVar("Listed", ListedCourse, ListedConcept)


class Names:
    """What a graph's courses and concepts are called.

    Args:
        graph: that has them.
        records: the sizes of courses.
    """

    def __init__(self, graph: GraphSnapshot, records: LearnerRecords) -> None:
        self._graph, self._records = graph, records

    @cached_property
    def courses(self) -> SearchIndex[ListedCourse]:
        """All courses, the richest in concepts first."""
        return SearchIndex(list_courses(self._graph, self._records))

    @cached_property
    def concepts(self) -> SearchIndex[ListedConcept]:
        """All concepts, the most needed first."""
        return SearchIndex(list_concepts(self._graph))

    def course(self, called: str) -> str:
        """The id of the course that is called so; errors as for `meant`."""
        return meant(called, self.courses, UnknownCourse)

    def concept(self, called: str) -> str:
        """The id of the concept that is called so; errors as for `meant`."""
        return meant(called, self.concepts, UnknownConcept)

    def options(self, options: PlanOptions) -> PlanOptions:
        """Options whose concepts are named by id; errors as for `meant`."""
        pin, exclude = (tuple(map(self.concept, each)) for each in (options.pin, options.exclude))
        return replace(options, pin=pin, exclude=exclude)


def meant(called: str, index: SearchIndex[Listed], unknown: type[NotFound]) -> str:
    """The id of what is called so: an id, or a whole name that nothing else has.

    Args:
        called: by a person; case, width and spaces do not count, see `folded`.
        index: of what there is.
        unknown: the error where nothing is called so.

    Raises:
        NotFound: of this class, with close matches.
        AmbiguousName: several have the name; they are listed with what tells them apart.
    """
    found = index.called(called)
    if len(found) == 1:
        return found[0].id
    if found:
        raise AmbiguousName(unknown.kind, called, {each.id: each.about for each in found})
    near = [match.entry for match in index.search(called, 3)] if called.strip() else []
    told = [f"{each.id} ({each.names[0]})" for each in near]
    raise unknown(called, [each.id for each in near], told)
