// Read all that the ontology says of a node; relationships are read by snapshot.cypher.

// name: export.concept
MATCH (n:Concept)
RETURN n.id AS id, n.name AS name, n.name_en AS name_en, n.explanation AS explanation ORDER BY n.id;

// name: export.course
MATCH (n:Course)
RETURN n.id AS id, n.name AS name, n.about AS about ORDER BY n.id;

// name: export.school
MATCH (n:School)
RETURN n.id AS id, n.name AS name, n.about AS about ORDER BY n.id;

// name: export.teacher
MATCH (n:Teacher)
RETURN n.id AS id, n.name AS name, n.about AS about ORDER BY n.id;

// name: export.field
MATCH (n:Field)
RETURN n.id AS id, n.name AS name ORDER BY n.id;
