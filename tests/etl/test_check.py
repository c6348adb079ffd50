"""Every rule fires on its defect and on nothing else; what falls is exactly what must."""

import json
import random
import re
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, OWL, RDF
from rdflib import namespace as namespaces

from kgplan.errors import ConfigError, ConstraintViolation, InputError
from kgplan.etl.check import (
    CheckResult,
    Severity,
    check_constraints,
    declared_severities,
    prerequisite_cycles,
)
from kgplan.store.artifacts import ArtifactStore

ID = "https://w3id.org/kgplan/id/"
KG = "https://w3id.org/kgplan/ontology#"
PREFIXES = {"kg:": KG, "owl:": str(OWL), "dcterms:": str(DCTERMS), "id:": ID}


def term(short: str) -> str:
    if short == "a":
        return f"<{RDF.type}>"
    for prefix, namespace in PREFIXES.items():
        if short.startswith(prefix):
            return f"<{namespace}{short.removeprefix(prefix)}>"
    return short


def line(sentence: str) -> str:
    """An N-Triples line of three short terms."""
    subject, predicate, object_ = sentence.split(" ", 2)
    return f"{term(subject)} {term(predicate)} {term(object_)} ."


def entity(iri: str, class_: str, name: str) -> list[str]:
    id_ = iri.rsplit("/", 1)[1]
    return [f"{iri} a kg:{class_}", f'{iri} kg:id "{id_}"', f'{iri} kg:name "{name}"']


def prerequisite(before: str, after: str, source: str = "dependency") -> list[str]:
    record = f"id:axiom/{before}/{after}"
    return [
        f"id:concept/{before} kg:dependencyPrerequisite id:concept/{after}",
        f"{record} a owl:Axiom",
        f"{record} owl:annotatedSource id:concept/{before}",
        f"{record} owl:annotatedProperty kg:dependencyPrerequisite",
        f"{record} owl:annotatedTarget id:concept/{after}",
        f'{record} dcterms:source "{source}"',
    ]


A, B, C, COURSE = "id:concept/K_a", "id:concept/K_b", "id:concept/K_c", "id:course/C_1"
AB = "id:axiom/K_a/K_b"
ITEM, PLACE = "id:item/V_1", "id:axiom/C_1/V_1"
CLEAN = [
    *entity(A, "Concept", "甲"),
    *entity(B, "Concept", "乙"),
    *entity(C, "Concept", "丙"),
    *entity(COURSE, "Course", "课程"),
    *entity("id:school/S_1", "School", "学校"),
    *entity("id:teacher/T_1", "Teacher", "教师"),
    *entity("id:field/F_1", "Field", "学科"),
    f'{A} kg:englishName "a"',
    f'{A} kg:explanation "explained"',
    f'{COURSE} kg:about "described"',
    f"{COURSE} kg:courseHasConcept {A}",
    f"id:field/F_1 kg:fieldHasConcept {A}",
    f"id:field/F_1 kg:fieldHasCourse {COURSE}",
    f"id:school/S_1 kg:schoolHasCourse {COURSE}",
    "id:school/S_1 kg:schoolHasTeacher id:teacher/T_1",
    f"id:teacher/T_1 kg:teacherHasCourse {COURSE}",
    f"{C} kg:broaderConcept {A}",
    *prerequisite("K_a", "K_b"),
    *entity(ITEM, "Item", "视频"),
    f'{ITEM} kg:kind "video"',
    f"{ITEM} kg:itemCoversConcept {A}",
    f"{COURSE} kg:courseHasItem {ITEM}",
    f"{PLACE} a owl:Axiom",
    f"{PLACE} owl:annotatedSource {COURSE}",
    f"{PLACE} owl:annotatedProperty kg:courseHasItem",
    f"{PLACE} owl:annotatedTarget {ITEM}",
    f'{PLACE} kg:position "0"^^<http://www.w3.org/2001/XMLSchema#integer>',
]


def check(sentences: list[str], **options) -> CheckResult:
    return check_constraints([line(s) for s in sentences], **options)


def kept(result: CheckResult) -> set[str]:
    return set(result.triples)


def lines(sentences: list[str]) -> set[str]:
    return {line(s) for s in sentences}


NOBODY = "id:concept/K_nobody"
RELATIONS = {
    "courseHasConcept": (COURSE, A),
    "fieldHasConcept": ("id:field/F_1", A),
    "fieldHasCourse": ("id:field/F_1", COURSE),
    "schoolHasCourse": ("id:school/S_1", COURSE),
    "schoolHasTeacher": ("id:school/S_1", "id:teacher/T_1"),
    "teacherHasCourse": ("id:teacher/T_1", COURSE),
    "broaderConcept": (C, A),
    "courseHasItem": (COURSE, ITEM),
    "itemCoversConcept": (ITEM, A),
}
UNNAMED = ["id:concept/K_n a kg:Concept", 'id:concept/K_n kg:id "K_n"']

# rule -> (sentences added to the clean graph, those of them that must fall, the severity)
DECIMAL = "^^<http://www.w3.org/2001/XMLSchema#decimal>"
DEFECTS: dict[str, tuple[list[str], list[str], str]] = {
    "classIsKnown": ([f"{NOBODY} a kg:Nonsense"], [f"{NOBODY} a kg:Nonsense"], "drop"),
    "propertyIsKnown": ([f'{A} kg:nonsense "x"'], [f'{A} kg:nonsense "x"'], "drop"),
    "entityHasOneClass": ([f'{NOBODY} kg:id "K_nobody"'], [f'{NOBODY} kg:id "K_nobody"'], "drop"),
    "entityHasOneId": (
        ["id:concept/K_n a kg:Concept", 'id:concept/K_n kg:name "丁"'],
        ["id:concept/K_n a kg:Concept", 'id:concept/K_n kg:name "丁"'],
        "drop",
    ),
    "entityHasOneName": (UNNAMED, UNNAMED, "drop"),
    "englishNameIsText": ([f'{B} kg:englishName ""'], [f'{B} kg:englishName ""'], "drop"),
    "explanationIsText": (
        [f'{A} kg:explanation "later in the alphabet"'],
        [f'{A} kg:explanation "later in the alphabet"'],
        "drop",
    ),
    "aboutIsText": (
        [f"id:school/S_1 kg:about {A}"],
        [f"id:school/S_1 kg:about {A}"],
        "drop",
    ),
    "idIsKey": ([*entity("id:school/C_1", "School", "别的")], [], "stop"),
    **{
        f"{class_}Iri": (
            entity(f"id:other/{class_}", class_.capitalize(), "戊"),
            entity(f"id:other/{class_}", class_.capitalize(), "戊"),
            "drop",
        )
        for class_ in ("concept", "course", "school", "teacher", "field", "item")
    },
    **{
        f"{relation}Subject": (
            [f"{NOBODY} kg:{relation} {tail}"],
            [f"{NOBODY} kg:{relation} {tail}"],
            "drop",
        )
        for relation, (_, tail) in RELATIONS.items()
    },
    **{
        f"{relation}Object": (
            [f"{head} kg:{relation} {NOBODY}"],
            [f"{head} kg:{relation} {NOBODY}"],
            "drop",
        )
        for relation, (head, _) in RELATIONS.items()
    },
    "dependencyPrerequisiteSubject": (
        prerequisite("K_nobody", "K_a"),
        prerequisite("K_nobody", "K_a"),
        "drop",
    ),
    "dependencyPrerequisiteObject": (
        prerequisite("K_a", "K_nobody"),
        prerequisite("K_a", "K_nobody"),
        "drop",
    ),
    "notOwnBroader": ([f"{B} kg:broaderConcept {B}"], [f"{B} kg:broaderConcept {B}"], "drop"),
    "notOwnPrerequisite": (prerequisite("K_b", "K_b"), prerequisite("K_b", "K_b"), "drop"),
    "prerequisiteIsAsymmetric": (prerequisite("K_b", "K_a"), [], "warn"),
    "prerequisiteHasSource": (prerequisite("K_b", "K_c")[:1], [], "warn"),
    "recordHasBefore": (
        [f"{AB} owl:annotatedSource {NOBODY}"],
        [f"{AB} owl:annotatedSource {NOBODY}"],
        "drop",
    ),
    "recordHasAfter": (
        [f"{AB} owl:annotatedTarget {NOBODY}"],
        [f"{AB} owl:annotatedTarget {NOBODY}"],
        "drop",
    ),
    "recordHasProperty": (
        [f"{AB} owl:annotatedProperty kg:broaderConcept"],
        [f"{AB} owl:annotatedProperty kg:broaderConcept"],
        "drop",
    ),
    "recordHasSource": (
        prerequisite("K_b", "K_c")[:-1],
        prerequisite("K_b", "K_c")[1:-1],
        "drop",
    ),
    "itemHasKind": (
        [f'{ITEM} kg:kind "song"'],
        [f'{ITEM} kg:kind "song"'],
        "drop",
    ),
    "kindIsText": ([f'{ITEM} kg:kind "song"'], [f'{ITEM} kg:kind "song"'], "drop"),
    "addressIsText": ([f'{ITEM} kg:address ""'], [f'{ITEM} kg:address ""'], "drop"),
    "itemHasOneName": ([f'{ITEM} kg:name "题"'], [f'{ITEM} kg:name "题"'], "drop"),
    "recordHasPosition": (
        [f'{PLACE} kg:position "first"'],
        [f'{PLACE} kg:position "first"'],
        "drop",
    ),
    "sourceIsKnown": (
        [f'{AB} dcterms:source "hearsay"'],
        [f'{AB} dcterms:source "hearsay"'],
        "drop",
    ),
    "recordHasStrength": (
        [f'{AB} kg:strength "1.5"{DECIMAL}'],
        [f'{AB} kg:strength "1.5"{DECIMAL}'],
        "drop",
    ),
    "recordHasGroup": ([f'{AB} kg:anyOf "one"'], [f'{AB} kg:anyOf "one"'], "drop"),
    "recordHasPrerequisite": (
        prerequisite("K_b", "K_c")[1:],
        prerequisite("K_b", "K_c")[1:],
        "drop",
    ),
}


def test_a_clean_graph_keeps_every_triple_and_has_no_finding():
    result = check(CLEAN)
    assert result.triples == [line(s) for s in CLEAN]
    assert (result.violations, result.cycles, result.n_dropped) == ([], [], 0)
    assert result.rounds == 1


def test_there_is_a_defect_for_every_rule():
    assert {rule: severity for rule, (_, _, severity) in DEFECTS.items()} == declared_severities()


@pytest.mark.parametrize("rule", [rule for rule, (*_, s) in DEFECTS.items() if s != "stop"])
def test_the_rule_finds_its_defect_and_drops_just_what_offends(rule):
    added, falling, severity = DEFECTS[rule]
    result = check(CLEAN + added)
    assert rule in {v.rule for v in result.violations if v.severity == severity}
    assert kept(result) == lines(CLEAN + added) - lines(falling)
    assert result.n_dropped == len(falling)


def test_one_id_in_two_entities_stops_and_names_the_id_and_the_rule():
    with pytest.raises(ConstraintViolation, match=r"idIsKey: an id belongs to one entity.*C_1"):
        check(CLEAN + DEFECTS["idIsKey"][0])


def test_a_finding_names_node_rule_and_value():
    (found,) = (
        v for v in check(CLEAN + prerequisite("K_b", "K_a")).violations if v.node_id == "K_a"
    )
    assert (found.rule, found.severity) == ("prerequisiteIsAsymmetric", Severity.WARN)
    assert (found.node, found.node_name) == (f"{ID}concept/K_a", "甲")
    assert (found.value, found.value_name) == ("K_b", "乙")
    for word in ("prerequisiteIsAsymmetric", "K_a (甲)", "K_b (乙)"):
        assert word in str(found)


def test_a_concept_without_a_name_takes_its_relations_and_records_along():
    added = [
        *UNNAMED,
        f"{COURSE} kg:courseHasConcept id:concept/K_n",
        f"id:concept/K_n kg:broaderConcept {A}",
        *prerequisite("K_n", "K_a"),
        *prerequisite("K_b", "K_n", "prediction"),
    ]
    result = check(CLEAN + added)
    assert kept(result) == lines(CLEAN)
    assert result.n_dropped == len(added)
    rounds = {v.rule: v.round for v in result.violations}
    assert rounds["entityHasOneName"] == 1
    assert rounds["courseHasConceptObject"] == 2
    assert result.rounds >= 3


def test_of_two_names_the_first_stays_and_of_two_classes_the_one_that_the_ontology_has():
    assert "乙" < "后"
    assert "Aardvark" < "Concept"
    assert kept(check([*CLEAN, f'{B} kg:name "后"', f"{B} a kg:Aardvark"])) == lines(CLEAN)


@pytest.mark.parametrize(
    "rule", ["entityHasOneName", "courseHasConceptObject", "recordHasSource", "notOwnPrerequisite"]
)
def test_a_caller_may_turn_a_rule_into_a_warning_or_a_stop(rule):
    graph = CLEAN + DEFECTS[rule][0]
    warned = check(graph, severities={rule: "warn"})
    assert kept(warned) == lines(graph)
    assert rule in {v.rule for v in warned.violations if v.severity is Severity.WARN}
    with pytest.raises(ConstraintViolation, match=rule):
        check(graph, severities={rule: "stop"})


def test_a_caller_may_drop_what_is_only_a_warning_by_default():
    graph = CLEAN + prerequisite("K_b", "K_a")
    result = check(graph, severities={"prerequisiteIsAsymmetric": Severity.DROP})
    assert kept(result) == lines(CLEAN) - lines(prerequisite("K_a", "K_b"))
    assert not result.cycles


def test_an_unknown_rule_or_severity_is_refused_with_a_way_out():
    with pytest.raises(ConfigError, match="entityHasOneName"):
        check(CLEAN, severities={"entityHasOnName": "warn"})
    with pytest.raises(ConfigError, match="warn, drop, stop"):
        check(CLEAN, severities={"entityHasOneName": "ignore"})


def test_text_that_is_no_triple_is_refused():
    with pytest.raises(InputError, match="not N-Triples"):
        check_constraints(["<x:a> <x:b>"])


def test_counts_are_those_counted_by_hand():
    result = check(CLEAN)
    assert result.classes == {
        "Concept": 3, "Course": 1, "Field": 1, "Item": 1, "School": 1, "Teacher": 1, "owl:Axiom": 2,
    }  # fmt: skip
    assert result.properties["courseHasConcept"] == 1
    assert result.properties["id"] == result.properties["name"] == 8
    assert result.properties["dcterms:source"] == 1
    assert sum(result.classes.values()) + sum(result.properties.values()) == len(CLEAN)


def test_the_order_of_the_lines_changes_no_finding_and_no_byte_of_the_report():
    graph = [*CLEAN, *UNNAMED, *prerequisite("K_n", "K_a"), f'{B} kg:name "后"']
    graph += prerequisite("K_b", "K_a")
    shuffled = random.Random(3).sample(graph, len(graph))
    one, other = check(graph), check(shuffled)
    assert kept(one) == kept(other)
    assert json.dumps(one.report()) == json.dumps(other.report())


def test_progress_tells_how_many_triples_are_left_after_each_round():
    steps = []
    check(CLEAN + UNNAMED, progress=lambda *step: steps.append(step))
    total = len(CLEAN) + len(UNNAMED)
    assert steps == [("round 1", len(CLEAN), total), ("round 2", len(CLEAN), total)]


# ---------------------------------------------------------------- laws, on random dirty graphs

NODES = [A, B, C, COURSE, "id:school/S_1", NOBODY]
DIRT = st.one_of(
    st.builds(
        "{} kg:{} {}".format,
        st.sampled_from(NODES),
        st.sampled_from([*RELATIONS, "dependencyPrerequisite"]),
        st.sampled_from(NODES),
    ),
    st.builds(
        '{} kg:{} "{}"'.format,
        st.sampled_from(NODES),
        st.sampled_from(["name", "englishName", "about"]),
        st.sampled_from(["", "x", "乙"]),
    ),
    st.builds(
        "{} a kg:{}".format,
        st.sampled_from(NODES),
        st.sampled_from(["Concept", "Course", "Nonsense"]),
    ),
)


@settings(max_examples=40, deadline=None)
@given(
    dirt=st.lists(DIRT, max_size=12, unique=True),
    missing=st.sets(st.sampled_from(CLEAN), max_size=3),
)
def test_what_is_left_of_a_dirty_graph_is_clean_and_what_fell_is_listed(dirt, missing):
    graph = sorted((set(CLEAN) | set(dirt)) - missing)
    result = check(graph)
    listed = {text for violation in result.violations for text in violation.dropped}
    assert kept(result) | listed == lines(graph)
    assert not kept(result) & listed
    assert result.n_dropped == len(listed)
    left = [text.removesuffix(" .").split(" ", 2) for text in result.triples]
    classes = {s: o for s, p, o in left if p == term("a")}
    ends = RELATIONS | {"dependencyPrerequisite": (A, B)}
    for s, p, o in left:  # no dangling end, by a plain loop
        name = p.removeprefix(f"<{KG}").removesuffix(">")
        if name in ends:
            head, tail = ends[name]
            assert classes[s] == term(f"kg:{head[3:].split('/')[0].capitalize()}")
            assert classes[o] == term(f"kg:{tail[3:].split('/')[0].capitalize()}")
            assert s != o
    for node, class_ in classes.items():
        if class_ != term("owl:Axiom"):
            for key in ("id", *(() if class_ == term("kg:Item") else ("name",))):
                assert [p for s, p, _ in left if s == node].count(term(f"kg:{key}")) == 1
    again = check_constraints(result.triples)
    assert (again.triples, again.n_dropped) == (result.triples, 0)


# ---------------------------------------------------------------- cycles


@given(
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30, unique=True),
)
def test_cycles_are_the_strongly_connected_components_that_networkx_finds(pairs):
    before, after = np.array(pairs, dtype=int).reshape(-1, 2).T
    found = prerequisite_cycles(before, after, 12)
    graph = nx.DiGraph(pairs)
    expected = {
        frozenset(component)
        for component in nx.strongly_connected_components(graph)
        if len(component) > 1 or any(graph.has_edge(node, node) for node in component)
    }
    assert {frozenset(members.tolist()) for members in found} == expected
    sizes = [members.size for members in found]
    assert sizes == sorted(sizes, reverse=True)


def test_a_cycle_through_a_hundred_thousand_concepts_is_found_without_recursion():
    ring = np.arange(100_000)
    (members,) = prerequisite_cycles(ring, np.roll(ring, -1), ring.size)
    np.testing.assert_array_equal(members, ring)


def test_the_check_looks_for_no_prefix_of_a_nodes_iri(monkeypatch):
    """Each look walks over all namespaces met so far: with one a node the check was quadratic."""
    looks = []
    insert = namespaces.insert_trie
    monkeypatch.setattr(
        namespaces, "insert_trie", lambda trie, value: looks.append(value) or insert(trie, value)
    )
    for n in (10, 100):
        ring = [f"K_{k}" for k in range(n)]
        nodes = [each for name in ring for each in entity(f"id:concept/{name}", "Concept", name)]
        pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
        (cycle,) = check([*nodes, *(each for pair in pairs for each in prerequisite(*pair))]).cycles
        assert len(cycle.concepts) == n
    assert not [value for value in looks if value.startswith(ID)]


def test_a_cycle_is_reported_by_name_with_its_pairs_and_their_sources():
    graph = [
        *CLEAN,
        *prerequisite("K_b", "K_c", "prediction"),
        *prerequisite("K_c", "K_a"),
        'id:axiom/K_c/K_a dcterms:source "prediction"',
        *entity("id:concept/K_d", "Concept", "丁"),
        *prerequisite("K_c", "K_d"),
    ]
    result = check(graph)
    assert not result.violations
    (cycle,) = result.cycles
    assert cycle.concepts == (("K_a", "甲"), ("K_b", "乙"), ("K_c", "丙"))
    assert cycle.pairs == (
        ("K_a", "K_b", ("dependency",)),
        ("K_b", "K_c", ("prediction",)),
        ("K_c", "K_a", ("dependency", "prediction")),
    )


# ---------------------------------------------------------------- the real sample


@pytest.fixture(scope="module")
def sample(sample_home) -> tuple[Path, CheckResult]:
    """Its tables, and what is found in the triples that they were mapped to."""
    store = ArtifactStore(sample_home.artifacts)
    triples = store.current("triples")
    assert triples.metrics["dropped"] == 0  # so that these are all that were mapped
    lines = (triples.path / "triples.nt").read_text(encoding="utf-8").split("\n")[:-1]
    return store.current("tables").path, check_constraints(lines)


def rows_of(tables: Path, name: str) -> list[tuple]:
    return [tuple(row.values()) for row in pq.read_table(tables / f"{name}.parquet").to_pylist()]


def test_every_entity_and_relation_of_the_real_tables_is_in_the_checked_graph(sample):
    tables, result = sample
    assert result.n_dropped == 0
    for class_ in ("concept", "course", "school", "teacher", "field"):
        assert result.classes[class_.capitalize()] == len(rows_of(tables, class_))
    for relation in RELATIONS.keys() - {"courseHasItem", "itemCoversConcept"}:  # not asked for
        table = "_".join(re.findall("[A-Z]?[a-z]+", relation.replace("Has", ""))).lower()
        assert result.properties[relation] == len(rows_of(tables, table)), relation
    pairs = rows_of(tables, "prerequisite")
    assert result.properties["dcterms:source"] == len(pairs)
    assert result.properties["dependencyPrerequisite"] == len({pair[:2] for pair in pairs})


def test_real_prerequisites_break_asymmetry_only_and_their_cycles_are_those_of_networkx(sample):
    tables, result = sample
    pairs = {(before, after) for before, after, *_ in rows_of(tables, "prerequisite")}
    mutual = {(a, b) for a, b in pairs if (b, a) in pairs}
    assert {(v.node_id, v.value) for v in result.violations} == mutual
    assert {v.rule for v in result.violations} == {"prerequisiteIsAsymmetric"}
    components = nx.strongly_connected_components(nx.DiGraph(pairs))
    expected = {frozenset(component) for component in components if len(component) > 1}
    assert {frozenset(id_ for id_, _ in c.concepts) for c in result.cycles} == expected
    names = dict(row[:2] for row in rows_of(tables, "concept"))
    for cycle in result.cycles:
        inside = {id_ for id_, _ in cycle.concepts}
        assert dict(cycle.concepts) == {id_: names[id_] for id_ in inside}
        assert {pair[:2] for pair in cycle.pairs} == {
            (a, b) for a, b in pairs if a in inside and b in inside
        }
