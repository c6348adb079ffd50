"""One course and one concept, against the rows that they were made from."""

import dataclasses
from urllib.parse import quote

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_cases import hand_case, random_case
from scipy import sparse

from kgplan.data.links import Links
from kgplan.errors import UnknownConcept, UnknownCourse
from kgplan.graph.about import about_concept, about_course
from kgplan.graph.snapshot import snapshot_of

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25)
LINKS = Links("https://lms.example/{course_id}/{item_id}")


def drawn(seed):
    """A case whose videos cover any concepts, in courses of any order, some with a title."""
    case, rng = random_case(seed), np.random.default_rng(seed)
    records = case.records
    shape = records.q_matrix.shape
    shown = np.zeros(records.course_items.shape, dtype=np.int32)
    for row in shown:
        some = rng.permutation(row.size)[: rng.integers(0, row.size + 1)]
        row[some] = np.arange(1, some.size + 1)
    records = dataclasses.replace(
        records,
        q_matrix=sparse.csr_array((rng.random(shape) < 0.3).astype(np.int8)),
        course_items=sparse.csr_array(shown),
        item_seconds=np.where(rng.random(shape[0]) < 0.3, np.nan, rng.uniform(1, 999, shape[0])),
        item_names=rng.choice(np.array(["", "集合", "sets"]), size=shape[0]),
    )
    return case, records


def order_of(records, course):
    """Videos of a course in its order, by what the records' rows say."""
    row = records.course_items.toarray()[records.course_ids.tolist().index(course)]
    return [int(v) for v in np.argsort(row) if row[v] > 0]


def concepts_of(records, video):
    return records.concept_ids[np.flatnonzero(records.q_matrix.toarray()[video])].tolist()


@few
@given(seeds)
def test_a_course_tells_its_videos_in_order_and_each_concept_where_it_comes_first(seed):
    case, records = drawn(seed)
    for course in case.graph.course_ids.tolist():
        found = about_course(case.graph, records, LINKS, course)
        videos = order_of(records, course)
        assert [each.id for each in found.items] == records.item_ids[videos].tolist()
        for each, video in zip(found.items, videos, strict=True):
            seconds = records.item_seconds[video]
            assert each.title == records.item_names[video]
            assert each.minutes == (None if np.isnan(seconds) else pytest.approx(seconds / 60))
            assert each.url == f"https://lms.example/{quote(course)}/{quote(each.id)}"
            assert [concept.id for concept in each.concepts] == concepts_of(records, video)
        has = {r["tail"] for r in case.edges["course_has_concept"] if r["head"] == course}
        first = {}
        for place, video in enumerate(videos):
            for concept in concepts_of(records, video):
                first.setdefault(concept, place)
        expected = sorted(has, key=lambda k: (first.get(k, len(videos)), k))
        assert [(each.id, each.taught) for each in found.concepts] == [
            (concept, concept in first) for concept in expected
        ]
        at = records.course_ids.tolist().index(course)
        assert found.learners == int(records.enrolled.toarray()[:, at].sum())


@few
@given(seeds)
def test_a_concept_tells_the_courses_and_videos_on_it_and_its_neighbours(seed):
    case, records = drawn(seed)
    graph = nx.DiGraph([(r["head"], r["tail"]) for r in case.edges["prerequisite_of"]])
    graph.add_nodes_from(case.graph.concept_ids.tolist())
    for concept in case.graph.concept_ids.tolist():
        found = about_concept(case.graph, records, LINKS, concept)
        shown = {
            course: [
                str(records.item_ids[video])
                for video in order_of(records, course)
                if concept in concepts_of(records, video)
            ]
            for course in records.course_ids.tolist()
        }
        has = {r["head"] for r in case.edges["course_has_concept"] if r["tail"] == concept}
        expected = {course: on_it for course, on_it in shown.items() if on_it or course in has}
        told = {each.course_id: [video.id for video in each.items] for each in found.courses}
        assert told == expected
        assert list(told) == sorted(told, key=lambda course: (-len(told[course]), course))
        assert found.taught == any(expected.values())
        assert [each.id for each in found.prerequisites] == sorted(graph.predecessors(concept))
        assert [each.id for each in found.unlocks] == sorted(graph.successors(concept))


def test_fields_schools_and_teachers_are_told_by_name():
    case = hand_case()
    entities = case.entities | {
        "school": [{"id": "S_2", "name": "甲大学"}, {"id": "S_1", "name": None}],
        "teacher": [{"id": "T_1", "name": "Ada"}],
        "field": [{"id": "F_1", "name": "maths"}, {"id": "F_2", "name": "logic"}],
    }
    edges = case.edges | {
        "school_has_course": [{"head": each, "tail": "A"} for each in ("S_2", "S_1")],
        "teacher_has_course": [{"head": "T_1", "tail": "A"}],
        "field_has_course": [{"head": "F_1", "tail": "A"}],
        "field_has_concept": [{"head": each, "tail": "d"} for each in ("F_1", "F_2")],
    }
    graph = snapshot_of(entities, edges)
    told = about_course(graph, case.records, Links(), "A")
    assert (told.fields, told.schools, told.teachers) == (("maths",), ("S_1", "甲大学"), ("Ada",))
    assert about_concept(graph, case.records, Links(), "d").fields == ("logic", "maths")
    assert about_course(graph, case.records, Links(), "B").schools == ()


def test_where_no_lengths_titles_or_addresses_are_kept_none_is_told():
    case = hand_case()
    (video, *_) = about_course(case.graph, case.records, Links(), "A").items
    assert (video.title, video.minutes, video.url) == ("", None, None)


def test_a_course_or_concept_that_the_records_do_not_know_is_told_by_the_graph_alone():
    case = hand_case()
    entities = case.entities | {
        "course": [*case.entities["course"], {"id": "New", "name": "new"}],
        "concept": [*case.entities["concept"], {"id": "k", "name": "k", "name_en": None}],
    }
    added = {"head": "New", "tail": "k"}
    edges = case.edges | {"course_has_concept": [*case.edges["course_has_concept"], added]}
    graph = snapshot_of(entities, edges)
    course = about_course(graph, case.records, LINKS, "New")
    assert (course.items, course.learners) == ((), 0)
    assert [(each.id, each.taught) for each in course.concepts] == [("k", False)]
    concept = about_concept(graph, case.records, LINKS, "k")
    assert [(each.course_id, each.items) for each in concept.courses] == [("New", ())]
    assert not concept.taught


def test_unknown_ids_are_refused_with_close_matches():
    case = hand_case()
    with pytest.raises(UnknownCourse):
        about_course(case.graph, case.records, LINKS, "nowhere")
    with pytest.raises(UnknownConcept):
        about_concept(case.graph, case.records, LINKS, "nothing")
