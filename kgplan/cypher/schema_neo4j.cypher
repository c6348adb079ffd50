// What Neo4j must guarantee, and what makes it quick; a second run changes nothing.
// Labels and property keys are those that ontology/mooccube.ttl names.

// name: schema.neo4j.concept
CREATE CONSTRAINT concept_id_unique IF NOT EXISTS FOR (n:Concept) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.course
CREATE CONSTRAINT course_id_unique IF NOT EXISTS FOR (n:Course) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.school
CREATE CONSTRAINT school_id_unique IF NOT EXISTS FOR (n:School) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.teacher
CREATE CONSTRAINT teacher_id_unique IF NOT EXISTS FOR (n:Teacher) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.field
CREATE CONSTRAINT field_id_unique IF NOT EXISTS FOR (n:Field) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.graph_version
CREATE CONSTRAINT graph_version_id_unique IF NOT EXISTS
FOR (n:GraphVersion) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.tombstone
CREATE CONSTRAINT tombstone_id_unique IF NOT EXISTS FOR (n:Tombstone) REQUIRE n.id IS UNIQUE;

// name: schema.neo4j.load_lock
// Two loads that start together meet here: one of them waits for the other's node.
CREATE CONSTRAINT load_lock_id_unique IF NOT EXISTS FOR (n:LoadLock) REQUIRE n.id IS UNIQUE;

// The indexes that people search by are declared when a load ends: kept up to date row by row, they
// would take a third of a load's time.

// name: index.neo4j.concept_name
CREATE INDEX concept_name IF NOT EXISTS FOR (n:Concept) ON (n.name);

// name: index.neo4j.concept_name_en
CREATE INDEX concept_name_en IF NOT EXISTS FOR (n:Concept) ON (n.name_en);

// name: index.neo4j.course_name
CREATE INDEX course_name IF NOT EXISTS FOR (n:Course) ON (n.name);
