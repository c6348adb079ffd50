// Read the whole graph into arrays, a class or a relation a statement.

// name: snapshot.concept
MATCH (n:Concept)
RETURN n.id AS id, n.name AS name, n.name_en AS name_en ORDER BY n.id;

// name: snapshot.course
MATCH (n:Course)
RETURN n.id AS id, n.name AS name ORDER BY n.id;

// name: snapshot.school
MATCH (n:School)
RETURN n.id AS id, n.name AS name ORDER BY n.id;

// name: snapshot.teacher
MATCH (n:Teacher)
RETURN n.id AS id, n.name AS name ORDER BY n.id;

// name: snapshot.field
MATCH (n:Field)
RETURN n.id AS id, n.name AS name ORDER BY n.id;

// name: snapshot.course_has_concept
MATCH (h:Course)-[r:COURSE_HAS_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.field_has_concept
MATCH (h:Field)-[r:FIELD_HAS_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.field_has_course
MATCH (h:Field)-[r:FIELD_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.school_has_course
MATCH (h:School)-[r:SCHOOL_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.school_has_teacher
MATCH (h:School)-[r:SCHOOL_HAS_TEACHER]->(t:Teacher)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.teacher_has_course
MATCH (h:Teacher)-[r:TEACHER_HAS_COURSE]->(t:Course)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.prerequisite_of
MATCH (h:Concept)-[r:PREREQUISITE_OF]->(t:Concept)
RETURN h.id AS head, t.id AS tail, r.sources AS sources ORDER BY h.id, t.id;

// name: snapshot.broader_concept
MATCH (h:Concept)-[r:BROADER_CONCEPT]->(t:Concept)
RETURN h.id AS head, t.id AS tail ORDER BY h.id, t.id;

// name: snapshot.graph_version
// The version that the last load wrote; no row in an empty graph.
MATCH (n:GraphVersion {id: 'current'})
RETURN n.version AS version;
