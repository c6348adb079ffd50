"""How strong a prerequisite is, and instead of which: from the source to the graph and back."""

import pytest
from larger_ontology import ID

from kgplan.errors import ConstraintViolation, GraphUnavailable
from kgplan.etl.check import check_constraints
from kgplan.etl.export import read_rows, triples_of
from kgplan.etl.load import GraphRows, load, rows_of
from kgplan.etl.rdf import canonical_lines
from kgplan.graph.address import database_of
from kgplan.graph.designer import ask
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import PREDICTED, read_finished_snapshot

KG = "https://w3id.org/kgplan/ontology#"
OWL = "http://www.w3.org/2002/07/owl#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DECIMAL = "^^<http://www.w3.org/2001/XMLSchema#decimal>"
INTEGER = "^^<http://www.w3.org/2001/XMLSchema#integer>"


def lines_of(*edges: tuple[str, str, str, str | None, str | None]) -> list[str]:
    """N-Triples of concepts of one letter and edges: before, after, source, strength, group."""
    text = []
    for id_ in sorted({end for edge in edges for end in edge[:2]}):
        concept = f"<{ID}/concept/{id_}>"
        text += [f"{concept} <{RDF}type> <{KG}Concept>"]
        text += [f'{concept} <{KG}{key}> "{id_}"' for key in ("id", "name")]
    for before, after, source, strength, group in edges:
        ends, axiom = (
            (f"<{ID}/concept/{k}>" for k in (before, after)),
            f"<{ID}/axiom/{before}/{after}>",
        )
        head, tail = ends
        text += [
            f"{head} <{KG}dependencyPrerequisite> {tail}",
            f"{axiom} <{RDF}type> <{OWL}Axiom>",
            f"{axiom} <{OWL}annotatedSource> {head}",
            f"{axiom} <{OWL}annotatedProperty> <{KG}dependencyPrerequisite>",
            f"{axiom} <{OWL}annotatedTarget> {tail}",
            f'{axiom} <http://purl.org/dc/terms/source> "{source}"',
        ]
        text += [f'{axiom} <{KG}strength> "{strength}"{DECIMAL}'] if strength else []
        text += [f'{axiom} <{KG}anyOf> "{group}"{INTEGER}'] if group else []
    return canonical_lines("".join(f"{each} .\n" for each in text).encode())


SAID = lines_of(
    ("a", "c", "dependency", "0.75", "1"),
    ("b", "c", "dependency", "0", "1"),
    ("a", "b", "prediction", None, None),
    ("c", "d", "dependency", None, None),
)
UNSAID = lines_of(("a", "b", "prediction", None, None), ("c", "d", "dependency", None, None))


def rows(lines: list[str]) -> GraphRows:
    return rows_of(lines, graph_schema())


def told(graph) -> dict[str, tuple[float, int]]:
    """Both ends of each prerequisite -> its strength and its group."""
    after, before = graph.prerequisites.nonzero()
    ends = graph.concept_ids[before], graph.concept_ids[after]
    values = zip(graph.strength.tolist(), graph.group.tolist(), strict=True)
    return dict(zip(map("".join, zip(*ends, strict=True)), values, strict=True))


def test_what_the_source_says_is_kept_read_and_exported(place):
    with place.open() as store:
        report = load(rows(SAID), store, "run")
        graph = read_finished_snapshot(store)
        assert triples_of(read_rows(store), graph_schema()).lines == SAID
        assert load(rows(SAID), store, "run").changed is False
    assert graph.version == report.graph_version
    assert told(graph) == {"ac": (0.75, 1), "bc": (0, 1), "ab": (PREDICTED, 0), "cd": (1, 0)}


def test_what_the_source_takes_back_is_taken_back_and_counts_in_the_version(place):
    versions = []
    with place.open() as store:
        for strength in ("0.75", "0.5", None, "0"):
            edge = ("a", "c", "dependency", strength, None)
            versions.append(load(rows(lines_of(edge)), store, "run").graph_version)
            expected = 1 if strength is None else float(strength)
            assert told(read_finished_snapshot(store)) == {"ac": (expected, 0)}
    assert len(set(versions)) == 4


def test_a_designers_strength_and_group_stay_when_the_source_is_loaded_again(place):
    pair = {"head": "a", "tail": "b"}
    with place.open() as store:
        load(rows(SAID), store, "run")
        assert store.write("edit.set_prerequisite_of_strength", **pair, value=0.4) == 1
        assert store.write("edit.set_prerequisite_of_any_of", **pair, value=2) == 1
        nowhere = {"head": "b", "tail": "a"}
        assert store.write("edit.set_prerequisite_of_any_of", **nowhere, value=2) == 0
        (conflict,) = load(rows(SAID), store, "run").conflicts
        assert told(read_finished_snapshot(store))["ab"] == (0.4, 2)
        assert store.write("edit.set_prerequisite_of_strength", **pair, value=-1) == 1
        assert told(read_finished_snapshot(store))["ab"] == (PREDICTED, 2)
    assert conflict.reason == "a designer's differs from the source in strength, any_of"


def test_soft_edges_and_alternatives_are_found(place):
    with place.open() as store:
        load(rows(SAID), store, "run")
        database = database_of(place.url)
        soft, groups = (ask(store, database, name) for name in ("soft_edges", "alternatives"))
    assert [
        (row["prerequisite"] + row["name"], row["strength"], row["stated"]) for row in soft
    ] == [
        ("bc", 0, True),
        ("ac", 0.75, True),
        ("ab", PREDICTED, False),
    ]
    told = [(row["concept_id"], row["any_of"], row["prerequisite_id"]) for row in groups]
    assert told == [("c", 1, "a"), ("c", 1, "b")]


def test_a_strength_that_is_none_is_refused_when_the_graph_is_read(place):
    with place.open() as store:
        load(rows(SAID), store, "run")
        store.write("edit.set_prerequisite_of_strength", head="a", tail="b", value=1.5)
        with pytest.raises(ConstraintViolation, match=r"a -> b in the graph has the strength 1\.5"):
            read_finished_snapshot(store)


def test_a_graph_from_before_there_were_strengths_is_read_and_keeps_its_version(place):
    with place.open() as store:
        version = load(rows(UNSAID), store, "run").graph_version
    if place.url.startswith("ladybug"):
        import ladybug

        file = ladybug.Database(place.url.removeprefix("ladybug://"))
        with file, ladybug.Connection(file) as connection:
            for key in ("strength", "any_of"):
                connection.execute(f"ALTER TABLE PREREQUISITE_OF DROP {key}")
    with place.open(read_only=True) as store:
        graph = read_finished_snapshot(store)
        assert triples_of(read_rows(store), graph_schema()).lines == UNSAID
        if place.url.startswith("ladybug"):
            with pytest.raises(
                GraphUnavailable, match=r"before the ontology had strength, .* run `kgplan"
            ):
                ask(store, "ladybug", "soft_edges")
    assert told(graph) == {"ab": (PREDICTED, 0), "cd": (1, 0)}
    assert graph.version == version
    with place.open() as store:
        load(rows(SAID), store, "new")
        assert told(read_finished_snapshot(store))["ac"] == (0.75, 1)


@pytest.mark.parametrize(
    ("strength", "group", "rule"),
    [
        ("1.5", "1", "recordHasStrength"),
        ("-0.1", "1", "recordHasStrength"),
        ("1", "0", "recordHasGroup"),
    ],
)
def test_what_is_no_strength_and_no_group_falls_and_the_prerequisite_stays(strength, group, rule):
    result = check_constraints(lines_of(("a", "b", "dependency", strength, group)))
    assert [each.rule for each in result.violations] == [rule]
    assert result.n_dropped == 1
    assert result.properties["dependencyPrerequisite"] == 1


def test_strengths_and_groups_that_are_right_are_kept():
    result = check_constraints(SAID)
    assert (result.violations, result.triples) == ([], SAID)
