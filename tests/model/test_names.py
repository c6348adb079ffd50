import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_cases import hand_case

from kgplan.data.search import Entry, SearchIndex, folded
from kgplan.errors import AmbiguousName, UnknownCourse
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import snapshot_of
from kgplan.model.names import Names

COURSES = {"C_1": ("Sets", "F_1", "S_1"), "C_2": ("Sets", "F_2", "S_1"), "C_3": ("Ｇraphs", "", "")}
TEXTS = st.text("ab ＡB", max_size=3)


@pytest.fixture(scope="module")
def names():
    """Two courses of one name, of two fields, the second richer in concepts; and a third one."""
    entities = {each.name: [] for each in graph_schema().classes}
    entities["course"] = [{"id": id_, "name": name} for id_, (name, _, _) in COURSES.items()]
    entities["concept"] = [{"id": f"K_{k}", "name": "", "name_en": ""} for k in range(1_200)]
    entities["field"] = [{"id": "F_1", "name": "one"}, {"id": "F_2", "name": "two"}]
    entities["school"] = [{"id": "S_1", "name": "a school"}]
    edges = {each.name: [] for each in graph_schema().relations}
    for id_, (_, field, school) in COURSES.items():
        edges["field_has_course"] += [{"head": field, "tail": id_}] * bool(field)
        edges["school_has_course"] += [{"head": school, "tail": id_}] * bool(school)
    edges["course_has_concept"] = [
        {"head": "C_2", "tail": row["id"]} for row in entities["concept"]
    ]
    return Names(snapshot_of(entities, edges), hand_case().records)


def test_an_id_or_a_whole_name_is_understood_however_it_is_written(names):
    assert [names.course(text) for text in ("C_2", "c_1", "Graphs", " gRAPHS ")] == [
        *("C_2", "C_1", "C_3", "C_3")
    ]


def test_a_name_of_several_is_answered_with_what_tells_them_apart(names):
    with pytest.raises(AmbiguousName) as caught:
        names.course("sets")
    assert str(caught.value) == (
        "2 courses are called 'sets'; give an id:\n"
        "  C_2  (two, a school, concepts: 1,200, learners: 0)\n"
        "  C_1  (one, a school, concepts: 0, learners: 0)"
    )
    assert list(caught.value.candidates) == ["C_2", "C_1"]


def test_a_part_of_a_name_is_no_name_and_a_typo_is_told_with_what_was_meant(names):
    for text in ("Grap", "Grahps"):
        with pytest.raises(UnknownCourse, match=r"close matches: C_3 \(Ｇraphs\)$") as caught:
            names.course(text)
        assert caught.value.near == ["C_3"]
    for nothing in ("", " "):
        with pytest.raises(UnknownCourse, match="list them with `kgplan courses`"):
            names.course(nothing)


@given(st.dictionaries(TEXTS.filter(bool), TEXTS), TEXTS)
def test_what_is_called_so_is_what_a_walk_over_all_finds(named, text):
    index = SearchIndex([Entry(id_, (name,)) for id_, name in named.items()])
    same = [id_ for id_, name in named.items() if folded(text) in (folded(id_), folded(name))]
    expected = [text] if text in named else same if folded(text) else []
    assert [entry.id for entry in index.called(text)] == expected
