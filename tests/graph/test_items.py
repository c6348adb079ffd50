"""Items in the graph, where they are asked for: mapped, checked, loaded, asked about, exported."""

from collections import defaultdict

import miniature
import pytest
from miniature import FUNCTION, SET
from neo4j_server import Place

from kgplan.errors import GraphUnavailable, InputError
from kgplan.etl.check import check_constraints
from kgplan.etl.export import read_rows, triples_of
from kgplan.etl.load import load, rows_of
from kgplan.etl.map import map_tables
from kgplan.graph.address import database_of
from kgplan.graph.designer import ask
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import read_finished_snapshot
from kgplan.store.artifacts import ArtifactStore

KG = "https://w3id.org/kgplan/ontology#"
ID = "https://w3id.org/kgplan/id"
# the order of each course, read from the miniature's files by hand: video_order, then course-video
PLACES = {"C_1": ["V_2", "V_1", "V_5"], "C_2": ["V_3", "V_4"], "C_3": ["V_6", "V_5"]}


@pytest.fixture(scope="module")
def without(mini_home):
    return map_tables(ArtifactStore(mini_home.artifacts).current("tables").path)


@pytest.fixture(scope="module")
def lines(mini_home):
    return map_tables(ArtifactStore(mini_home.artifacts).current("tables").path, items=True)


def test_items_are_triples_beside_the_others_and_keep_every_rule(lines, without):
    assert set(without) < set(lines)
    added = set(lines) - set(without)
    items = {row["id"] for row in miniature.MINI["entities/video.json"]}
    typed = {line for line in added if f"<{KG}Item>" in line}
    assert {line.split(">")[0].rpartition("/")[2] for line in typed} == items
    covered = {
        (line.split(">")[0].rpartition("/")[2], line.split("<")[-1].rstrip("> ."))
        for line in added
        if f"<{KG}itemCoversConcept>" in line
    }
    assert len(covered) == len(miniature.MINI["relations/video-concept.json"])
    result = check_constraints(lines)
    assert (result.n_dropped, result.classes["Item"]) == (0, len(items))
    assert result.violations == check_constraints(without).violations


ITEM, COURSE = f"<{ID}/item/V_1>", f"<{ID}/course/C_1>"
PLACE = f"<{ID}/axiom/C_1/V_1>"
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (f'{ITEM} <{KG}kind> "song" .', "itemHasKind"),
        (f'{ITEM} <{KG}name> "another" .', "itemHasOneName"),
        (f'{PLACE} <{KG}position> "-1"^^<{XSD}integer> .', "recordHasPosition"),
        (f"{COURSE} <{KG}itemCoversConcept> <{ID}/concept/K_x> .", "itemCoversConceptSubject"),
        (f"{COURSE} <{KG}courseHasItem> <{ID}/item/V_9> .", "courseHasItemObject"),
    ],
)
def test_each_rule_of_items_finds_what_breaks_it(lines, wrong, rule):
    result = check_constraints([*lines, wrong])
    assert rule in {each.rule for each in result.violations}
    assert wrong not in result.triples or rule == "itemHasOneName"  # of two the first stays


def test_an_item_without_a_kind_falls_with_all_that_hangs_on_it(lines):
    kindless = [line for line in lines if not line.startswith(f"{ITEM} <{KG}kind>")]
    result = check_constraints(kindless)
    assert not [line for line in result.triples if "/item/V_1>" in line or "/C_1/V_1>" in line]
    others = [line for line in kindless if "/item/V_1>" not in line and "/V_1>" not in line]
    assert result.triples == others


def loaded(place, lines, **options):
    with place.open() as store:
        return load(rows_of(lines, graph_schema()), store, f"run of {len(lines)}", **options)


def test_no_snapshot_or_version_knows_whether_items_are_there(place, lines, without):
    plain = loaded(place, without)
    with place.open(read_only=True) as store:
        before = read_finished_snapshot(store)
    full = loaded(place, lines)
    with place.open(read_only=True) as store:
        after = read_finished_snapshot(store)
    assert full.changed
    assert full.written["Item"] == len(miniature.MINI["entities/video.json"])
    assert full.graph_version == plain.graph_version == before.version == after.version
    assert after.triples.tolist() == before.triples.tolist()
    assert set(after.to_arrays()) == set(before.to_arrays())
    gone = loaded(place, without)
    assert gone.swept_nodes == full.written["Item"]
    with place.open(read_only=True) as store:
        assert triples_of(read_rows(store), graph_schema()).lines == without


def test_what_is_loaded_is_exported_and_answers_which_items_cover_a_concept(place, lines):
    loaded(place, lines)
    with place.open(read_only=True) as store:
        assert triples_of(read_rows(store), graph_schema()).lines == lines
        database = database_of(place.url)
        found = ask(store, database, "items_on_concept", concept_id=FUNCTION)
        shown = ask(store, database, "course_items", course_id="C_1")
    covering = [video for video, of in miniature.MINI["relations/video-concept.json"]]
    on_it = {v for v, of in miniature.MINI["relations/video-concept.json"] if of == FUNCTION}
    assert {(row["item_id"], row["course_id"], row["position"]) for row in found} == {
        (item, course, order.index(item))
        for course, order in PLACES.items()
        for item in order
        if item in on_it
    }
    assert {(row["name"], row["kind"]) for row in found} == {("集合与函数", "video")}
    assert [(row["position"], row["item_id"], row["concepts"]) for row in shown] == [
        (at, item, covering.count(item)) for at, item in enumerate(PLACES["C_1"])
    ]


def test_a_graph_without_items_says_so_instead_of_nothing(place, without):
    loaded(place, without)
    with (
        place.open(read_only=True) as store,
        pytest.raises(InputError, match="KGPLAN_ITEMS=1"),
    ):
        ask(store, database_of(place.url), "items_on_concept", concept_id=SET)


def test_every_course_has_its_items_in_its_own_order(lines):
    rows = rows_of(lines, graph_schema())
    order = defaultdict(dict)
    for row in rows.relationships["COURSE_HAS_ITEM"]:
        order[row["head"]][row["position"]] = row["tail"]
    assert {course: list(dict(sorted(at.items())).values()) for course, at in order.items()} == (
        PLACES
    )


def test_a_file_from_before_there_were_items_is_read_and_exported_without_them(tmp_path, without):
    """Such as an older kgplan made: by the ontology without its extension."""
    place, older = Place(f"ladybug://{tmp_path / 'graph.lbug'}"), graph_schema().in_snapshot
    with place.open(schema=older) as store:
        load(rows_of(without, older), store, "run")
    with place.open(read_only=True) as store:
        assert triples_of(read_rows(store), graph_schema()).lines == without
        assert read_finished_snapshot(store).concept_ids.size == len(
            miniature.MINI["entities/concept.json"]
        )
        with pytest.raises(GraphUnavailable, match="before the ontology had Item"):
            ask(store, database_of(place.url), "items_on_concept", concept_id=SET)
