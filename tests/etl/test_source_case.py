"""CASE packages as other platforms write them, and our own, which comes back as it went."""

import json
from datetime import UTC, datetime
from string import ascii_letters

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_cases import extracted

from kgplan.errors import SourceError
from kgplan.graph.case import case_package
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import snapshot_of

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DOCUMENT, COUNT, ADD, SUM, FAR = (f"{k}{'a' * 7}-0000-4000-8000-000000000000" for k in range(5))
URI = "https://standards.example/ims/case/v1p1/"


def node(identifier, kind="CFItems", **rest):
    return {"title": "", "identifier": identifier, "uri": f"{URI}{kind}/{identifier}", **rest}


def association(kind, origin, destination):
    return {"associationType": kind, "originNodeURI": origin, "destinationNodeURI": destination}


PACKAGE = {
    "CFDocument": {"identifier": DOCUMENT, "title": "Numbers", "language": "en-US"},
    "CFItems": [
        # GUIDs are the same in capitals
        {
            "identifier": COUNT.upper(),
            "fullStatement": "Count to 100 by ones and by tens.",
            "abbreviatedStatement": "Count to 100",
            "humanCodingScheme": "K.CC.1",
        },
        {"identifier": ADD, "fullStatement": "Add within 20.", "notes": "Also in words."},
        {"identifier": SUM, "fullStatement": "Zusammenzählen", "language": "de"},
        "no object",
        {"fullStatement": "without an identifier"},
    ],
    "CFAssociations": [
        association("isChildOf", node(COUNT), node(DOCUMENT, "CFDocuments")),
        association("isChildOf", node(SUM), node(ADD)),
        association("isChildOf", node(SUM), node(COUNT)),
        association("isChildOf", node(FAR), node(COUNT)),
        association("precedes", node(COUNT.upper()), node(ADD)),
        # the address tells what has no identifier
        association("precedes", {"uri": f"{URI}CFItems/{ADD}"}, node(SUM)),
        association("precedes", node(ADD), node(FAR)),
        association("precedes", node(ADD), node(ADD)),
        association("isRelatedTo", node(ADD), node(COUNT)),
        association("exactMatchOf", node(ADD), node(FAR)),
        association(
            "exemplar",
            node(ADD),
            {"title": "Sums", "identifier": "", "uri": "https://lessons.example/sums"},
        ),
        association(
            "isRelatedTo", node("lesson-9", title="Ten", targetType="ext:lesson"), node(ADD)
        ),
        association("isRelatedTo", node("lesson-9", targetType="ext:lesson"), node(COUNT)),
        association("isRelatedTo", node(FAR, targetType="CASE"), node(COUNT)),
    ],
}


def packages(**named):
    return {f"{name}.json": json.dumps(content) for name, content in named.items()}


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    files = packages(numbers=PACKAGE, other={"a": 1})
    files["numbers.json"] = "\ufeff" + files["numbers.json"]
    return extracted(tmp_path_factory.mktemp("case"), files)


def test_items_are_concepts_with_their_names_and_parents(framework):
    assert framework.report.format == "case"
    assert framework.rows("concept") == [
        (COUNT, "Count to 100", None, "Count to 100 by ones and by tens."),
        (ADD, "Add within 20.", None, "Also in words."),
        (SUM, "Zusammenzählen", None, None),
    ]
    assert framework.rows("broader_concept") == [(COUNT, SUM), (ADD, SUM)]


def test_what_precedes_is_a_prerequisite_where_both_ends_are_there(framework):
    assert framework.rows("prerequisite", "before_id", "after_id", "source") == [
        (COUNT, ADD, "dependency"),
        (ADD, SUM, "dependency"),
    ]


def test_aligned_resources_are_items_of_the_framework(framework):
    sums = "https://lessons.example/sums"
    assert framework.rows("course", "course_id", "name") == [(DOCUMENT, "Numbers")]
    assert framework.rows("item", "item_id", "kind", "name", "url") == [
        (sums, "text", "Sums", sums),
        ("lesson-9", "text", "Ten", f"{URI}CFItems/lesson-9"),
    ]
    assert framework.rows("item_concept") == [(sums, ADD), ("lesson-9", COUNT), ("lesson-9", ADD)]
    # in the order of the items that they are about
    assert framework.rows("course_item") == [(DOCUMENT, sums, 1), (DOCUMENT, "lesson-9", 0)]


def test_what_is_not_read_is_told_with_its_place(framework):
    assert sorted(framework.rows("rejects", "file", "table_name", "line", "reason")) == [
        ("numbers.json", "concept", 4, "broken_row"),
        ("numbers.json", "concept", 4, "dangling_id"),
        ("numbers.json", "concept", 5, "missing_field"),
        ("numbers.json", "prerequisite", 7, "dangling_id"),
        ("numbers.json", "prerequisite", 8, "self_loop"),
    ]
    assert [note.partition(",")[0] for note in framework.report.notes] == [
        "associations exactMatchOf: 1",
        "associations isRelatedTo: 2",
    ]


def test_parts_of_a_package_may_lie_in_files_of_their_own(tmp_path, framework):
    parts = {name.lower(): {name: part} for name, part in PACKAGE.items()}
    found = extracted(tmp_path, packages(**parts))
    for table in ("concept", "broader_concept", "prerequisite", "item", "item_concept"):
        assert found.rows(table) == framework.rows(table)


def test_a_file_that_is_no_json_is_told_with_its_line(tmp_path):
    whole = json.dumps(PACKAGE, indent=1)
    cut = whole[: len(whole) // 2]
    line = cut.count("\n") + 1
    with pytest.raises(SourceError, match=rf"cut\.json:{line}: this is no JSON"):
        extracted(tmp_path, {"cut.json": cut})


def test_json_that_is_no_package_is_no_case(tmp_path):
    with pytest.raises(SourceError, match="nothing of a source that is known"):
        extracted(tmp_path, packages(settings={"named": "CFItems", "x": '"CFItems"'}))


def test_half_a_character_refuses_its_item_alone(tmp_path):
    items = [{"identifier": ADD, "fullStatement": "\ud83d"}, PACKAGE["CFItems"][2]]
    found = extracted(tmp_path, packages(numbers={"CFItems": items}))
    assert found.rows("concept", "concept_id") == [(SUM,)]
    assert found.rejects() == [
        ("numbers.json", 1, "broken_row", "a text holds half of a character")
    ]


# --- our own packages ---------------------------------------------------------------------------

IDS = st.text(ascii_letters + "0123_ /äß栈.", min_size=1, max_size=6).filter(
    lambda text: text == text.strip()
)
WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\ufffd"),
    min_size=1,
    max_size=9,
)


@st.composite
def graphs(draw):
    """Concepts with names, and pairs of them for both relations."""
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    concepts = [
        {"id": each, "name": draw(WORDS), "name_en": draw(st.none() | WORDS)} for each in ids
    ]
    pairs = st.sets(
        st.tuples(st.sampled_from(ids), st.sampled_from(ids)).filter(lambda p: p[0] != p[1]),
        max_size=8,
    )
    return concepts, draw(pairs), draw(pairs)


def went_out_and_came_back(graph, folder):
    concepts, narrower, before = graph
    entities = {each.name: [] for each in graph_schema().classes} | {"concept": concepts}
    edges = {each.name: [] for each in graph_schema().relations}
    edges["broader_concept"] = [{"head": head, "tail": tail} for head, tail in narrower]
    edges["prerequisite_of"] = [
        {"head": head, "tail": tail, "sources": ["dependency"]} for head, tail in before
    ]
    package = case_package(snapshot_of(entities, edges), WHEN)
    found = extracted(folder, {"case.json": json.dumps(package, ensure_ascii=False)})
    return (
        sorted(found.rows("concept", "concept_id", "name", "name_en")),
        {(narrower, broader) for broader, narrower in found.rows("broader_concept")},
        set(found.rows("prerequisite", "before_id", "after_id")),
        found.rejects(),
    )


@settings(max_examples=8, deadline=None)
@given(graphs())
def test_our_own_package_comes_back_as_it_went(tmp_path_factory, graph):
    found = went_out_and_came_back(graph, tmp_path_factory.mktemp("trip"))
    concepts, narrower, before = graph
    assert found == (sorted(tuple(c.values()) for c in concepts), narrower, before, [])
