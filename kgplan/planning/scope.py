"""What does a goal involve? Its concepts, what they need, and the videos that teach them.

A scope is the same for all learners. Prerequisites are condensed: an edge inside a cycle makes
nothing wait. Beside what is asked for, a scope has what that needs and somebody teaches, in the
field of what needs it and at most so many steps away.
Sizes: K concepts of the graph, V videos of the records; n, m of them in the scope.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.axis import on_axis
from kgplan.data.records import LearnerRecords
from kgplan.graph.health import components
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.native.sequence import Layout
from kgplan.planning.policy import Needs

NEAR = 2  # steps from what is asked for
ELSEWHERE = 4  # videos of other courses that a concept is learned with, the most focused first
NEEDED = 0.5  # strength from which a prerequisite is waited for
ABOUT = 0.2  # how central a concept is to a course that is about it,
OFTEN = 3  # and how many of its videos cover it
FEW = 3  # concepts under which a course without videos has no others teach it: it mentions them
SURE = 0.9  # strength from which it may lead out of the course: more than a prediction has
OTHER_FIELD = 0.5  # weight of a course's concept that is of another field than the course
PASSING = 0.2  # weight of a concept that the course only mentions, beside its main one


@dataclass(frozen=True)
class Scope:
    """What a goal involves.

    Attributes:
        concepts, videos: (n,), (m,) positions, ascending.
        layout: on these.
        asked: (n,) True for what the goal asks for.
        weight: (n,) what a gain of each counts; 0 for what is not asked for.
        in_course: (m,) True for videos of the course.
        own: (m,) True for these, and for others on what no video of the course covers.
        entries: (N,) where the layout's entries stand among all that these videos cover.
    """

    concepts: Ints
    videos: Ints
    layout: Layout
    asked: Array
    weight: Floats
    in_course: Array
    own: Array
    entries: Ints

    @property
    def has_videos(self) -> bool:
        """Whether the course has a video of its own."""
        return bool(self.in_course.any())

    @cached_property
    def practised(self) -> bool:
        """Whether all that the course has is answered, and nothing of it teaches."""
        return self.has_videos and bool(self.layout.asks[self.in_course].all())

    @cached_property
    def practice(self) -> Needs:
        """What each of the concepts waits for, and where the course comes to it."""
        layout, size = self.layout, self.concepts.size
        before = np.repeat(np.arange(size), np.diff(layout.waits_start))
        edges = sparse.coo_array(
            (np.ones(before.size, dtype=bool), (layout.waits, before)), shape=(size, size)
        ).tocsr()
        first = np.full(size, np.inf)
        item = np.repeat(np.arange(self.videos.size), np.diff(layout.video_start))
        np.minimum.at(first, layout.covers, layout.place[item])
        return Needs.of(edges, np.argsort(np.argsort(first, kind="stable")))


class Scopes:
    """Makes scopes.

    Args:
        graph: what the graph says.
        records: which videos there are.

    Attributes:
        covers: (V, K) stored where the video covers the concept, on the graph's axis.
        taught_by: (K, V) the same the other way round.
        needs: (K, K) what each concept waits for, see `_condensed`.
    """

    def __init__(self, graph: GraphSnapshot, records: LearnerRecords) -> None:
        self.graph, self.records = graph, records
        self.covers = on_axis(records.q_matrix, records.concept_ids, graph.concept_ids)
        self.taught_by = self.covers.T.tocsr()
        self.taught = np.diff(self.taught_by.indptr) > 0
        self._breadth = np.diff(self.covers.indptr)
        self._about = self._courses_about()
        edges = graph.prerequisites.tocoo()
        cycle = components(edges.col, edges.row, graph.concept_ids.size)
        self.needs = _condensed(graph, cycle, NEEDED)
        self._surely_needs = _condensed(graph, cycle, SURE)

    def of_course(self, course_id: str, asked: Ints, pinned: Ints) -> Scope:
        """The scope of a course.

        Args:
            course_id: of it.
            asked: (A,) positions of its concepts, and of what is pinned.
            pinned: those that are planned in any case, wherever they are taught.
        """
        row = self.records.courses.find(course_id)
        shown, places = np.zeros(0, np.int64), np.zeros(0)
        if row >= 0:
            stored = slice(*self.records.course_items.indptr[row : row + 2].tolist())
            shown = self.records.course_items.indices[stored].astype(np.int64)
            places = self.records.course_items.data[stored].astype(float)
        return self._scope(asked, shown, places, pinned)

    def towards(self, asked: Ints) -> Scope:
        """The scope of concepts that a path leads to."""
        none = np.zeros(0, np.int64)
        return self._scope(asked, none, np.zeros(0), none, near=max(self.taught.size, NEAR + 1))

    def _scope(
        self, asked: Ints, shown: Ints, places: Floats, pinned: Ints, near: int = NEAR
    ) -> Scope:
        is_asked = np.zeros(self.taught.size, dtype=bool)
        is_asked[asked] = True
        weight = self._weights(asked, shown)
        field = self._main_field(asked, weight)
        concepts = self._involved(asked, field, near, shown)
        elsewhere = self._elsewhere(concepts, shown, near)
        anywhere = self._elsewhere(pinned, shown, self.taught.size)
        videos = np.unique(np.concatenate([shown, elsewhere, anywhere]))
        place, in_course = np.full(videos.size, np.inf), np.isin(videos, shown)
        place[np.searchsorted(videos, shown)] = np.argsort(np.argsort(places, kind="stable"))
        by_video = self.covers[videos][:, concepts].tocsr()
        by_video.sort_indices()
        entries = by_video.tocoo()
        tier = np.where(in_course, 0, 1)
        by_concept = np.lexsort((entries.row, tier[entries.row], entries.col))
        require_start, any_start, any_of, waits_start, waits = self._requirements(
            concepts, is_asked, _first_places(by_video, np.where(in_course, place, np.inf))
        )
        layout = Layout(
            asked=np.flatnonzero(is_asked[concepts]),
            require_start=require_start,
            any_start=any_start,
            any_of=any_of,
            waits_start=waits_start,
            waits=waits,
            video_start=by_video.indptr.astype(np.int64),
            covers=by_video.indices.astype(np.int64),
            concept_start=np.searchsorted(entries.col[by_concept], np.arange(concepts.size + 1)),
            taught_by=entries.row[by_concept].astype(np.int64),
            tier=tier,
            place=place,
            asks=self.records.exercises[videos],
        )
        weights = np.zeros(self.taught.size)
        weights[asked] = weight
        inside = np.isin(self.covers[videos].indices, concepts)
        return Scope(
            concepts,
            videos,
            layout,
            is_asked[concepts],
            weights[concepts],
            in_course,
            in_course | self._serves(by_video, in_course, is_asked[concepts]),
            np.flatnonzero(inside),
        )

    def _involved(self, asked: Ints, field: str, near: int, shown: Ints) -> Ints:
        """What is asked for, and what it needs: taught, of the goal's field, and near.

        Out of a course it goes by what is surely needed; towards a concept by all that is. What the
        course has items on is never too far.
        """
        here = np.zeros(self.taught.size, dtype=bool)
        here[self.covers[shown].indices] = True
        found = np.zeros(self.taught.size, dtype=bool)
        found[asked] = True
        good = self.taught & (self.graph.concept_fields == field)
        edge, needs = asked, self._surely_needs if near == NEAR else self.needs
        step = 0
        while edge.size:
            before, step = _columns(needs, edge), step + 1
            edge = before[good[before] & ~found[before] & ((step <= near) | here[before])]
            found[edge] = True
        return np.flatnonzero(found)

    def _serves(self, by_video: sparse.csr_array, in_course: Array, asked: Array) -> Array:
        """(m,) True for videos on a concept that no video of the course covers."""
        uncovered = np.ones(asked.size, dtype=bool)
        uncovered[by_video[in_course].indices] = False
        return (by_video @ uncovered.astype(np.int64)) > 0

    def _elsewhere(self, concepts: Ints, shown: Ints, near: int) -> Ints:
        """Videos that the course does not show: of each concept those that cover the fewest.

        For a course only in courses that are about the concept: others but mention it.

        Args:
            concepts: to be learned.
            shown: videos of the course.
            near: as for `_scope`.
        """
        taught_by = self._about if near == NEAR else self.taught_by
        pairs = taught_by[concepts].tocoo()
        other = ~np.isin(pairs.col, shown)
        concept, video = pairs.row[other], pairs.col[other]
        if near == NEAR and not shown.size and np.unique(concept).size < FEW:
            return video[:0]
        order = np.lexsort((video, self._breadth[video], concept))
        concept, video = concept[order], video[order]
        rank = np.arange(concept.size) - np.searchsorted(concept, concept)
        return video[rank < ELSEWHERE]

    def _courses_about(self) -> sparse.csr_array:
        """(K, V) True where the video covers the concept, and a course of it is about that."""
        shown_in, covers = self.records.course_items, self.covers
        about = np.zeros(covers.nnz, dtype=bool)
        for row in np.flatnonzero(np.diff(shown_in.indptr)).tolist():
            shown = shown_in.indices[shown_in.indptr[row] : shown_in.indptr[row + 1]]
            sizes = self._breadth[shown]
            entries = np.repeat(covers.indptr[shown] - np.cumsum(sizes) + sizes, sizes)
            entries += np.arange(entries.size)
            concepts = covers.indices[entries]
            covered = np.unique(concepts).astype(np.int64)
            central = np.zeros(self.taught.size)
            central[covered] = self._central(covered, shown)
            field = self._main_field(covered, central[covered])
            times = np.bincount(concepts, minlength=central.size)
            good = (central >= ABOUT) & (times >= OFTEN) & (self.graph.concept_fields == field)
            about[entries] |= good[concepts]
        kept = covers.tocoo()
        shape = self.taught.size, covers.shape[0]
        return sparse.coo_array(
            (np.ones(int(about.sum()), dtype=bool), (kept.col[about], kept.row[about])), shape=shape
        ).tocsr()

    def _main_field(self, asked: Ints, weight: Floats) -> str:
        known, code = np.unique(self.graph.concept_fields[asked], return_inverse=True)
        return str(known[np.bincount(code, weight).argmax()]) if asked.size else ""

    def _requirements(
        self, concepts: Ints, is_asked: Array, first_place: Floats
    ) -> tuple[Ints, ...]:
        """`require_start` to `waits` of a layout."""
        inside = self.needs[concepts][:, concepts].tocoo()
        sure = self._surely_needs[concepts][:, concepts].tocoo()
        size = concepts.size
        stated = np.isin(inside.row * size + inside.col, sure.row * size + sure.col)
        # what is only predicted is overruled by a course that teaches it later
        kept = stated | ~(first_place[inside.col] > first_place[inside.row])
        after, before, group = inside.row[kept], inside.col[kept], inside.data[kept]
        # alternatives stand together, what is asked for first; the others stand alone
        alone = group == ALONE
        number = np.where(alone, -1 - np.arange(group.size), group)
        order = np.lexsort((before, ~is_asked[concepts[before]], number, after))
        after, before, number = after[order], before[order], number[order]
        begins = np.ones(after.size, dtype=bool)
        begins[1:] = (after[1:] != after[:-1]) | (number[1:] != number[:-1])
        any_start = np.append(np.flatnonzero(begins), after.size)
        require_start = np.searchsorted(after[begins], np.arange(concepts.size + 1))
        by_before = np.lexsort((after, before))
        waits_start = np.searchsorted(before[by_before], np.arange(concepts.size + 1))
        found = require_start, any_start, before, waits_start, after[by_before]
        return tuple(each.astype(np.int64) for each in found)

    def _weights(self, asked: Ints, shown: Ints) -> Floats:
        """(A,) how central each concept is to the goal.

        More for what more of the course's videos cover, and few others do; less for another
        field's. Of concepts of one name only those of the course's own field count, as the others
        are homonyms.
        """
        weight = PASSING + (1 - PASSING) * self._central(asked, shown)
        names = self.graph.concept_names[asked]
        mine = self.graph.concept_fields[asked] == self._main_field(asked, weight)
        homonym = ~mine & np.isin(names, names[mine])
        return weight * np.where(mine, 1.0, OTHER_FIELD) * ~homonym

    def _central(self, concepts: Ints, shown: Ints) -> Floats:
        """(n,) 1 for the concept that most of a course's videos cover, and few others do."""
        times = np.bincount(self.covers[shown].indices, minlength=self.taught.size)[concepts]
        if not times.any():
            return np.ones(concepts.size)
        everywhere = np.maximum(np.diff(self.taught_by.indptr)[concepts], 1)
        central = np.sqrt(times) * times / everywhere
        return central / central.max()


ALONE = -1
"""In place of a group's number: needed by itself."""


def _condensed(graph: GraphSnapshot, cycle: Ints, strength: float) -> sparse.csr_array:
    """(K, K) what each concept waits for: `ALONE`, or the number of a group of alternatives.

    Args:
        graph: what it says.
        cycle: (K,) the strongly connected component of each concept.
        strength: of an edge at least.
    """
    edges = graph.prerequisites.tocoo()
    waits = (cycle[edges.row] != cycle[edges.col]) & (graph.strength >= strength)
    group = np.where(graph.group > 0, graph.group, ALONE).astype(np.int64)
    return sparse.coo_array(
        (group[waits], (edges.row[waits], edges.col[waits])), shape=edges.shape
    ).tocsr()


def _first_places(by_video: sparse.csr_array, place: Floats) -> Floats:
    """(n,) where each concept is first taught; inf for never."""
    entries = by_video.tocoo()
    found = np.full(by_video.shape[1], np.inf)
    np.minimum.at(found, entries.col, place[entries.row])
    return found


def _columns(matrix: sparse.csr_array, rows: Ints) -> Ints:
    """Columns stored in any of the rows."""
    return np.unique(matrix[rows].indices).astype(np.int64)
