// Fill the graph from rows. Every statement may run twice: the second run changes nothing.
// $run_id names the content being loaded; what a load does not touch keeps its older run_id and is
// swept at the end. Nodes and relationships without a run_id are people's own and stay.

// name: load.concept
// rows: [{id, name, name_en, explanation}]
UNWIND $rows AS row
MERGE (n:Concept {id: row.id})
SET n.name = row.name, n.name_en = row.name_en, n.explanation = row.explanation, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.course
// rows: [{id, name, about}]
UNWIND $rows AS row
MERGE (n:Course {id: row.id})
SET n.name = row.name, n.about = row.about, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.school
// rows: [{id, name, about}]
UNWIND $rows AS row
MERGE (n:School {id: row.id})
SET n.name = row.name, n.about = row.about, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.teacher
// rows: [{id, name, about}]
UNWIND $rows AS row
MERGE (n:Teacher {id: row.id})
SET n.name = row.name, n.about = row.about, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.field
// rows: [{id, name}]
UNWIND $rows AS row
MERGE (n:Field {id: row.id})
SET n.name = row.name, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.course_has_concept
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:Course {id: row.head})
MATCH (tail:Concept {id: row.tail})
MERGE (head)-[r:COURSE_HAS_CONCEPT]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.field_has_concept
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:Field {id: row.head})
MATCH (tail:Concept {id: row.tail})
MERGE (head)-[r:FIELD_HAS_CONCEPT]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.field_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:Field {id: row.head})
MATCH (tail:Course {id: row.tail})
MERGE (head)-[r:FIELD_HAS_COURSE]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.school_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:School {id: row.head})
MATCH (tail:Course {id: row.tail})
MERGE (head)-[r:SCHOOL_HAS_COURSE]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.school_has_teacher
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:School {id: row.head})
MATCH (tail:Teacher {id: row.tail})
MERGE (head)-[r:SCHOOL_HAS_TEACHER]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.teacher_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (head:Teacher {id: row.head})
MATCH (tail:Course {id: row.tail})
MERGE (head)-[r:TEACHER_HAS_COURSE]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.prerequisite_of
// rows: [{head, tail, sources}]  head is the prerequisite, tail builds on it
UNWIND $rows AS row
MATCH (head:Concept {id: row.head})
MATCH (tail:Concept {id: row.tail})
MERGE (head)-[r:PREREQUISITE_OF]->(tail)
SET r.run_id = $run_id, r.sources = row.sources
RETURN count(r) AS n;

// name: load.broader_concept
// rows: [{head, tail}]  head is the narrower concept
UNWIND $rows AS row
MATCH (head:Concept {id: row.head})
MATCH (tail:Concept {id: row.tail})
MERGE (head)-[r:BROADER_CONCEPT]->(tail)
SET r.run_id = $run_id
RETURN count(r) AS n;

// name: load.sweep_relationships
// What the source no longer has.
MATCH ()-[r]->()
WHERE r.run_id <> $run_id
DELETE r
RETURN count(r) AS n;

// name: load.sweep_nodes
// What the source no longer has, with its relationships.
MATCH (n)
WHERE n.run_id <> $run_id
DETACH DELETE n
RETURN count(n) AS n;

// name: load.graph_version
// The content hash of the whole graph, which plans name; it has no run_id, so it is never swept.
MERGE (n:GraphVersion {id: 'current'})
SET n.version = $version, n.loaded = $run_id
RETURN count(n) AS n;
