// Read all that a load compares the source with, a label or a type a statement.

// name: found.tombstone
// What people removed and no load may bring back. A node's tombstone has its label as type and no
// tail.
MATCH (n:Tombstone)
RETURN n.type AS type, n.head AS head, n.tail AS tail;

// name: found.concept
MATCH (n:Concept)
RETURN n.id AS id, n.name AS name, n.name_en AS name_en, n.explanation AS explanation,
  n.run_id AS run_id, n.source AS source;

// name: found.course
MATCH (n:Course)
RETURN n.id AS id, n.name AS name, n.about AS about, n.run_id AS run_id, n.source AS source;

// name: found.school
MATCH (n:School)
RETURN n.id AS id, n.name AS name, n.about AS about, n.run_id AS run_id, n.source AS source;

// name: found.teacher
MATCH (n:Teacher)
RETURN n.id AS id, n.name AS name, n.about AS about, n.run_id AS run_id, n.source AS source;

// name: found.field
MATCH (n:Field)
RETURN n.id AS id, n.name AS name, n.run_id AS run_id, n.source AS source;

// name: found.course_has_concept
MATCH (h:Course)-[r:COURSE_HAS_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.field_has_concept
MATCH (h:Field)-[r:FIELD_HAS_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.field_has_course
MATCH (h:Field)-[r:FIELD_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.school_has_course
MATCH (h:School)-[r:SCHOOL_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.school_has_teacher
MATCH (h:School)-[r:SCHOOL_HAS_TEACHER]->(t:Teacher)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.teacher_has_course
MATCH (h:Teacher)-[r:TEACHER_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;

// name: found.prerequisite_of
MATCH (h:Concept)-[r:PREREQUISITE_OF]->(t:Concept)
RETURN h.id AS head, t.id AS tail, r.sources AS sources, r.run_id AS run_id, r.source AS source;

// name: found.broader_concept
MATCH (h:Concept)-[r:BROADER_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail, r.run_id AS run_id, r.source AS source;
