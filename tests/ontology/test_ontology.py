"""The Turtle files agree with OWL 2, with SHACL, with each other and with the specification."""

from importlib.resources import files

import owlrl
import pyshacl
import pytest
from rdflib import DCTERMS, OWL, RDF, RDFS, SH, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection

from kgplan.etl.shapes import shapes_text
from kgplan.graph.schema import graph_schema

KG = Namespace("https://w3id.org/kgplan/ontology#")
KGC = Namespace("https://w3id.org/kgplan/constraints#")
RML = Namespace("http://w3id.org/rml/")
XSD_STRING = URIRef("http://www.w3.org/2001/XMLSchema#string")
EX = Namespace("https://example.org/")
REASONER = Namespace("http://www.daml.org/2002/03/agents/agent-ont#")

# Classes and relations of the paper (Hou et al. 2025, 3.1-3.2), with their ends and graph names.
CLASSES = {"Concept", "Course", "School", "Teacher", "Field"}
OBJECT_PROPERTIES = {
    "courseHasConcept": ("Course", "Concept", "COURSE_HAS_CONCEPT"),
    "fieldHasConcept": ("Field", "Concept", "FIELD_HAS_CONCEPT"),
    "fieldHasCourse": ("Field", "Course", "FIELD_HAS_COURSE"),
    "schoolHasCourse": ("School", "Course", "SCHOOL_HAS_COURSE"),
    "schoolHasTeacher": ("School", "Teacher", "SCHOOL_HAS_TEACHER"),
    "teacherHasCourse": ("Teacher", "Course", "TEACHER_HAS_COURSE"),
    "dependencyPrerequisite": ("Concept", "Concept", "PREREQUISITE_OF"),
    "broaderConcept": ("Concept", "Concept", "BROADER_CONCEPT"),
}
DATA_PROPERTIES = {  # with their classes; None: any
    "id": (None, "id"),
    "name": (None, "name"),
    "englishName": ({"Concept"}, "name_en"),
    "explanation": ({"Concept"}, "explanation"),
    "about": ({"Course", "School", "Teacher"}, "about"),
}
ANNOTATIONS = {"strength", "anyOf"}
TERMS = CLASSES | set(OBJECT_PROPERTIES) | set(DATA_PROPERTIES) | ANNOTATIONS
# The extension by what learners open: items with a kind, their courses and their concepts.
ITEM_RELATIONS = {
    "courseHasItem": ("Course", "Item", "COURSE_HAS_ITEM"),
    "itemCoversConcept": ("Item", "Concept", "ITEM_COVERS_CONCEPT"),
}
ITEM_PROPERTIES = {"kind": ({"Item"}, "kind"), "address": ({"Item"}, "url")}
ITEM_TERMS = {"Item", "position", *ITEM_RELATIONS, *ITEM_PROPERTIES}


def parsed(name: str) -> Graph:
    text = (files("kgplan.ontology") / name).read_text(encoding="utf-8")
    return Graph().parse(data=text, format="turtle")


@pytest.fixture(scope="module")
def ontology() -> Graph:
    return parsed("learning.ttl")


@pytest.fixture(scope="module")
def items() -> Graph:
    return parsed("items.ttl")


@pytest.fixture(scope="module")
def mapping() -> Graph:
    return parsed("mapping.rml.ttl")


@pytest.fixture(scope="module")
def constraints() -> Graph:
    return Graph().parse(data=shapes_text(graph_schema()), format="turtle")


def declared(ontology: Graph, kind: URIRef) -> set[str]:
    terms = ontology.subjects(RDF.type, kind)
    return {term.removeprefix(KG) for term in terms if term.startswith(KG)}


def kg_terms(graph: Graph) -> set[str]:
    return {
        term.removeprefix(KG)
        for triple in graph
        for term in triple
        if isinstance(term, URIRef) and term.startswith(KG)
    }


def test_the_ontology_declares_the_terms_of_the_specification_and_no_others(ontology):
    assert declared(ontology, OWL.Class) == CLASSES
    assert declared(ontology, OWL.ObjectProperty) == set(OBJECT_PROPERTIES)
    assert declared(ontology, OWL.DatatypeProperty) == set(DATA_PROPERTIES)


def test_items_are_an_extension_that_declares_its_own_terms_alone(ontology, items):
    kinds = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
    found = set().union(*(declared(items, kind) for kind in kinds))
    assert found == ITEM_TERMS
    assert not kg_terms(ontology) & ITEM_TERMS
    (header,) = items.subjects(RDF.type, OWL.Ontology)
    (base,) = ontology.subjects(RDF.type, OWL.Ontology)
    assert (header, OWL.imports, base) in items


def test_the_ontology_has_one_version_iri(ontology):
    header = URIRef("https://w3id.org/kgplan/ontology")
    assert set(ontology.subjects(RDF.type, OWL.Ontology)) == {header}
    versions = set(ontology.objects(header, OWL.versionIRI))
    assert versions == {URIRef("https://w3id.org/kgplan/ontology/1.2.0")}


def test_every_term_has_one_label_and_one_comment_in_english_and_in_chinese(ontology, items):
    terms = declared(ontology, OWL.AnnotationProperty) | TERMS | ITEM_TERMS
    for term in terms:
        for annotation in (RDFS.label, RDFS.comment):
            texts = list((ontology + items).objects(KG[term], annotation))
            assert sorted(text.language for text in texts) == ["en", "zh"], (term, annotation)
            assert all(text.strip() for text in texts)


def test_every_object_property_has_the_ends_and_the_relationship_type_of_the_specification(
    ontology, items
):
    for graph, relations in ((ontology, OBJECT_PROPERTIES), (items, ITEM_RELATIONS)):
        for name, (domain, range_, type_) in relations.items():
            assert list(graph.objects(KG[name], RDFS.domain)) == [KG[domain]]
            assert list(graph.objects(KG[name], RDFS.range)) == [KG[range_]]
            assert list(graph.objects(KG[name], KG.relationshipType)) == [Literal(type_)]


def test_every_data_property_has_its_classes_texts_and_property_key(ontology, items):
    for graph, properties in ((ontology, DATA_PROPERTIES), (items, ITEM_PROPERTIES)):
        for name, (classes, key) in properties.items():
            domains = list(graph.objects(KG[name], RDFS.domain))
            if classes is not None:
                (domain,) = domains
                union = graph.value(domain, OWL.unionOf)
                domains = [domain] if union is None else list(Collection(graph, union))
            assert set(domains) == {KG[class_] for class_ in classes or ()}
            assert list(graph.objects(KG[name], RDFS.range)) == [XSD_STRING]
            assert list(graph.objects(KG[name], KG.propertyKey)) == [Literal(key)]


def test_every_class_has_its_node_label_and_the_classes_are_disjoint(ontology):
    for name in CLASSES:
        assert list(ontology.objects(KG[name], KG.nodeLabel)) == [Literal(name)]
    (disjoint,) = ontology.subjects(RDF.type, OWL.AllDisjointClasses)
    members = Collection(ontology, ontology.value(disjoint, OWL.members))
    assert set(members) == {KG[name] for name in CLASSES}


def test_an_item_is_none_of_the_others(items):
    assert list(items.objects(KG.Item, KG.nodeLabel)) == [Literal("Item")]
    (disjoint,) = items.subjects(RDF.type, OWL.AllDisjointClasses)
    members = Collection(items, items.value(disjoint, OWL.members))
    assert set(members) == {KG[name] for name in CLASSES | {"Item"}}


def test_a_prerequisite_is_irreflexive_asymmetric_and_stays_a_simple_property(ontology):
    types = set(ontology.objects(KG.dependencyPrerequisite, RDF.type))
    assert {OWL.IrreflexiveProperty, OWL.AsymmetricProperty} <= types
    # OWL 2 DL, global restrictions: neither axiom goes with a property that is not simple.
    assert OWL.TransitiveProperty not in set(ontology.objects(None, RDF.type))
    assert not set(ontology.triples((None, OWL.propertyChainAxiom, None)))


def test_owl_2_dl_keeps_the_sorts_of_properties_apart(ontology, items):
    sorts = (OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.Class)
    together = ontology + items
    for term in kg_terms(together):
        assert len(set(together.objects(KG[term], RDF.type)) & set(sorts)) == 1, term


def contradictions(ontology: Graph, *facts: tuple) -> list[str]:
    graph = Graph()
    for triple in [*ontology, *facts]:
        graph.add(triple)
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(graph)
    return [str(text) for text in graph.objects(None, REASONER.error)]


CONCEPT_PAIR = [(EX.a, RDF.type, KG.Concept), (EX.b, RDF.type, KG.Concept)]
ONE_WAY = (EX.a, KG.dependencyPrerequisite, EX.b)


def test_a_reasoner_finds_no_contradiction_in_what_is_right(ontology):
    course = [(EX.c, KG.courseHasConcept, EX.a), (EX.s, KG.schoolHasCourse, EX.c)]
    assert not contradictions(ontology, *CONCEPT_PAIR, ONE_WAY, *course)


@pytest.mark.parametrize(
    "wrong",
    [
        (EX.a, KG.dependencyPrerequisite, EX.a),
        (EX.b, KG.dependencyPrerequisite, EX.a),
        (EX.a, KG.courseHasConcept, EX.b),
    ],
    ids=["own prerequisite", "mutual prerequisites", "a concept in a course's place"],
)
def test_a_reasoner_finds_the_contradiction_in_what_is_wrong(ontology, wrong):
    assert contradictions(ontology, *CONCEPT_PAIR, ONE_WAY, wrong)


def test_the_mapping_makes_every_term_of_the_ontology_and_no_other(mapping):
    assert kg_terms(mapping) == TERMS


def test_the_mapping_of_items_makes_every_term_of_the_extension():
    assert kg_terms(parsed("items.rml.ttl")) == ITEM_TERMS | {"id", "name"}


def test_the_mapping_puts_the_classes_of_domain_and_range_at_the_ends_of_each_relation(
    ontology, mapping
):
    def class_of(term_map) -> URIRef:
        template = str(mapping.value(term_map, RML.template))
        return KG[template.removeprefix("https://w3id.org/kgplan/id/").split("/")[0].capitalize()]

    relations = 0
    for triples_map, made in mapping.subject_objects(RML.predicateObjectMap):
        predicate = mapping.value(made, RML.predicate)
        if predicate.removeprefix(KG) in OBJECT_PROPERTIES:
            relations += 1
            subject = class_of(mapping.value(triples_map, RML.subjectMap))
            object_ = class_of(mapping.value(made, RML.objectMap))
            assert subject == ontology.value(predicate, RDFS.domain)
            assert object_ == ontology.value(predicate, RDFS.range)
    assert relations == len(OBJECT_PROPERTIES)


def test_the_constraints_are_well_formed_shacl_core(constraints):
    conforms, _, text = pyshacl.validate(Graph(), shacl_graph=constraints, meta_shacl=True)
    assert conforms, text
    assert not set(constraints.subjects(SH.sparql, None))


def test_the_constraints_speak_of_ontology_terms_only(constraints):
    assert kg_terms(constraints) <= TERMS | ITEM_TERMS


def test_every_rule_has_a_target_a_severity_and_a_sentence(constraints):
    rules = {s for s in constraints.subjects(SH.severity, None) if isinstance(s, URIRef)}
    shapes = set(constraints.subjects(RDF.type, SH.NodeShape))
    assert rules == shapes | set(constraints.subjects(RDF.type, SH.PropertyShape))
    targets = (SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf)
    for rule in rules:
        assert any(constraints.value(rule, target, any=True) for target in targets), rule
        assert constraints.value(rule, SH.severity) in {SH.Warning, SH.Violation, KGC.Stop}
        assert constraints.value(rule, SH.message).language == "en"


def test_both_ends_of_every_relation_are_constrained_to_domain_and_range(
    ontology, items, constraints
):
    for name in [*OBJECT_PROPERTIES, *ITEM_RELATIONS]:
        for target, end in (
            (SH.targetSubjectsOf, RDFS.domain),
            (SH.targetObjectsOf, RDFS.range),
        ):
            required = {
                constraints.value(shape, SH["class"])
                for shape in constraints.subjects(target, KG[name])
            }
            assert (ontology + items).value(KG[name], end) in required


def test_the_source_of_a_prerequisite_is_an_owl_annotation(ontology, mapping):
    assert (DCTERMS.source, RDF.type, OWL.AnnotationProperty) in ontology
    made = set(mapping.objects(None, RML.predicate))
    assert {OWL.annotatedSource, OWL.annotatedProperty, OWL.annotatedTarget} <= made
    assert OWL.Axiom in set(mapping.objects(None, RML["class"]))
