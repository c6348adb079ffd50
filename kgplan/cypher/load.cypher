// Fill the graph from rows. Every statement may run twice: the second run changes nothing.
// $run_id names the content being loaded. Nodes and relationships that have no run_id, or whose
// source is 'designer', are people's own: etl/load.py leaves them out of the rows, and the sweeps
// pass them by.

// name: load.begin
// While the version is absent, what the graph holds is no finished version.
MERGE (n:GraphVersion {id: 'current'})
SET n.version = NULL, n.loaded = $run_id
RETURN count(n) AS n;

// name: load.finish
// The content hash of the whole graph, which plans name.
MERGE (n:GraphVersion {id: 'current'})
SET n.version = $version, n.loaded = $run_id
RETURN count(n) AS n;

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

// The sweeps: rows are what the source no longer has.

// name: load.sweep_course_has_concept
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Course {id: row.head})-[r:COURSE_HAS_CONCEPT]->(:Concept {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_field_has_concept
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Field {id: row.head})-[r:FIELD_HAS_CONCEPT]->(:Concept {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_field_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Field {id: row.head})-[r:FIELD_HAS_COURSE]->(:Course {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_school_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:School {id: row.head})-[r:SCHOOL_HAS_COURSE]->(:Course {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_school_has_teacher
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:School {id: row.head})-[r:SCHOOL_HAS_TEACHER]->(:Teacher {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_teacher_has_course
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Teacher {id: row.head})-[r:TEACHER_HAS_COURSE]->(:Course {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_prerequisite_of
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Concept {id: row.head})-[r:PREREQUISITE_OF]->(:Concept {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.sweep_broader_concept
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:Concept {id: row.head})-[r:BROADER_CONCEPT]->(:Concept {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: load.untie_concept_out
// ids: of nodes to sweep. What was derived for them goes: `kgplan similarity` can write it again.
UNWIND $ids AS id
MATCH (:Concept {id: id})-[r:SIMILAR_TO]->(:Concept)
DELETE r
RETURN count(r) AS n;

// name: load.untie_concept_in
// The same the other way round: the embedded database deletes in one direction at a time.
UNWIND $ids AS id
MATCH (:Concept)-[r:SIMILAR_TO]->(:Concept {id: id})
DELETE r
RETURN count(r) AS n;

// name: load.tied_concept
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:Concept {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_concept
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:Concept {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;

// name: load.tied_course
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:Course {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_course
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:Course {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;

// name: load.tied_school
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:School {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_school
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:School {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;

// name: load.tied_teacher
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:Teacher {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_teacher
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:Teacher {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;

// name: load.tied_field
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:Field {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_field
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:Field {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;
