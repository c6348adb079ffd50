// Algorithm 1, a hop a query: what tests/oracles/cypher_walk.py asks.

// name: walk.course_concepts
// The concepts of one course; no row when the course has none or does not exist.
MATCH (:Course {id: $course_id})-[:COURSE_HAS_CONCEPT]->(concept:Concept)
RETURN concept.id AS id ORDER BY concept.id;

// name: walk.direct_prerequisites
// What a learner needs just before this concept.
MATCH (before:Concept)-[:PREREQUISITE_OF]->(:Concept {id: $concept_id})
RETURN before.id AS id ORDER BY before.id;
