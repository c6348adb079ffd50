// Read the whole graph into arrays, a class or a relation a statement.

// name: snapshot.concept
MATCH (n:Concept)
RETURN n.id AS id, n.name AS name, n.name_en AS name_en ORDER BY id;

// name: snapshot.course
MATCH (n:Course)
RETURN n.id AS id, n.name AS name ORDER BY id;

// name: snapshot.school
MATCH (n:School)
RETURN n.id AS id, n.name AS name ORDER BY id;

// name: snapshot.teacher
MATCH (n:Teacher)
RETURN n.id AS id, n.name AS name ORDER BY id;

// name: snapshot.field
MATCH (n:Field)
RETURN n.id AS id, n.name AS name ORDER BY id;

// name: snapshot.course_has_concept
MATCH (head:Course)-[r:COURSE_HAS_CONCEPT]->(tail:Concept)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.field_has_concept
MATCH (head:Field)-[r:FIELD_HAS_CONCEPT]->(tail:Concept)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.field_has_course
MATCH (head:Field)-[r:FIELD_HAS_COURSE]->(tail:Course)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.school_has_course
MATCH (head:School)-[r:SCHOOL_HAS_COURSE]->(tail:Course)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.school_has_teacher
MATCH (head:School)-[r:SCHOOL_HAS_TEACHER]->(tail:Teacher)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.teacher_has_course
MATCH (head:Teacher)-[r:TEACHER_HAS_COURSE]->(tail:Course)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.prerequisite_of
MATCH (head:Concept)-[r:PREREQUISITE_OF]->(tail:Concept)
RETURN head.id AS head, tail.id AS tail, r.sources AS sources ORDER BY head, tail;

// name: snapshot.broader_concept
MATCH (head:Concept)-[r:BROADER_CONCEPT]->(tail:Concept)
RETURN head.id AS head, tail.id AS tail ORDER BY head, tail;

// name: snapshot.graph_version
// The version that the last load wrote; no row in an empty graph.
MATCH (n:GraphVersion {id: 'current'})
RETURN n.version AS version;
