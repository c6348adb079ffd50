"""kgplan's ontology with a class, an attribute and two relations more, and a graph of them."""

from kgplan.graph.schema import GraphSchema, read_schema
from kgplan.ontology import ontology_text

ID = "https://w3id.org/kgplan/id"
MORE = """
kg:Exercise a owl:Class ;
    kg:nodeLabel "Exercise" ;
    kg:searchedBy kg:name ;
    owl:hasKey ( kg:id ) ;
    rdfs:label "exercise"@en , "习题"@zh .

kg:exerciseTrainsConcept a owl:ObjectProperty ;
    kg:relationshipType "EXERCISE_TRAINS_CONCEPT" ;
    rdfs:domain kg:Exercise ; rdfs:range kg:Concept .

kg:easierExercise a owl:ObjectProperty ;
    kg:relationshipType "EASIER_EXERCISE" ;
    kg:annotatedBy dcterms:source ;
    rdfs:domain kg:Exercise ; rdfs:range kg:Exercise .

kg:statement a owl:DatatypeProperty , owl:FunctionalProperty ;
    kg:propertyKey "statement" ;
    rdfs:domain kg:Exercise ; rdfs:range xsd:string ;
    rdfs:label "statement"@en , "题目"@zh .
"""
GRAPH = f"""
@prefix : <https://w3id.org/kgplan/ontology#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
<{ID}/concept/K_1> a :Concept ; :id "K_1" ; :name "栈" ; :englishName "stack" .
<{ID}/concept/K_2> a :Concept ; :id "K_2" ; :name "队列" .
<{ID}/exercise/E_1> a :Exercise ; :id "E_1" ; :name "出栈" ; :statement "弹出\\"a\\"" ;
    :exerciseTrainsConcept <{ID}/concept/K_1> , <{ID}/concept/K_2> .
<{ID}/exercise/E_2> a :Exercise ; :id "E_2" ; :name "入队" ;
    :exerciseTrainsConcept <{ID}/concept/K_2> .
"""
SOURCED = f"""
<{ID}/exercise/E_1> :easierExercise <{ID}/exercise/E_2> .
<{ID}/axiom/E_1/E_2> a owl:Axiom ; owl:annotatedSource <{ID}/exercise/E_1> ;
    owl:annotatedProperty :easierExercise ; owl:annotatedTarget <{ID}/exercise/E_2> ;
    dcterms:source "a teacher" , "measured" .
"""


def larger_text() -> str:
    """The ontology's Turtle."""
    return ontology_text("learning.ttl") + MORE


def larger_schema() -> GraphSchema:
    """What the graph then has."""
    return read_schema(larger_text())
