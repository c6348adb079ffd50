// The embedded database wants its tables declared; a second run changes nothing.
// Labels, relationship types and property keys are those that ontology/mooccube.ttl names.

// name: schema.ladybug.concept
CREATE NODE TABLE IF NOT EXISTS Concept(
  id STRING, name STRING, name_en STRING, explanation STRING, run_id STRING, PRIMARY KEY (id));

// name: schema.ladybug.course
CREATE NODE TABLE IF NOT EXISTS Course(
  id STRING, name STRING, about STRING, run_id STRING, PRIMARY KEY (id));

// name: schema.ladybug.school
CREATE NODE TABLE IF NOT EXISTS School(
  id STRING, name STRING, about STRING, run_id STRING, PRIMARY KEY (id));

// name: schema.ladybug.teacher
CREATE NODE TABLE IF NOT EXISTS Teacher(
  id STRING, name STRING, about STRING, run_id STRING, PRIMARY KEY (id));

// name: schema.ladybug.field
CREATE NODE TABLE IF NOT EXISTS Field(
  id STRING, name STRING, run_id STRING, PRIMARY KEY (id));

// name: schema.ladybug.graph_version
CREATE NODE TABLE IF NOT EXISTS GraphVersion(
  id STRING, version STRING, loaded STRING, PRIMARY KEY (id));

// name: schema.ladybug.tombstone
CREATE NODE TABLE IF NOT EXISTS Tombstone(
  id STRING, type STRING, head STRING, tail STRING, PRIMARY KEY (id));

// name: schema.ladybug.course_has_concept
CREATE REL TABLE IF NOT EXISTS COURSE_HAS_CONCEPT(FROM Course TO Concept, run_id STRING);

// name: schema.ladybug.field_has_concept
CREATE REL TABLE IF NOT EXISTS FIELD_HAS_CONCEPT(FROM Field TO Concept, run_id STRING);

// name: schema.ladybug.field_has_course
CREATE REL TABLE IF NOT EXISTS FIELD_HAS_COURSE(FROM Field TO Course, run_id STRING);

// name: schema.ladybug.school_has_course
CREATE REL TABLE IF NOT EXISTS SCHOOL_HAS_COURSE(FROM School TO Course, run_id STRING);

// name: schema.ladybug.school_has_teacher
CREATE REL TABLE IF NOT EXISTS SCHOOL_HAS_TEACHER(FROM School TO Teacher, run_id STRING);

// name: schema.ladybug.teacher_has_course
CREATE REL TABLE IF NOT EXISTS TEACHER_HAS_COURSE(FROM Teacher TO Course, run_id STRING);

// name: schema.ladybug.prerequisite_of
CREATE REL TABLE IF NOT EXISTS PREREQUISITE_OF(
  FROM Concept TO Concept, sources STRING[], run_id STRING);

// name: schema.ladybug.broader_concept
CREATE REL TABLE IF NOT EXISTS BROADER_CONCEPT(FROM Concept TO Concept, run_id STRING);

// name: schema.ladybug.similar_to
// Derived, see similar.cypher.
CREATE REL TABLE IF NOT EXISTS SIMILAR_TO(
  FROM Concept TO Concept, rank INT64, weight DOUBLE, semantic DOUBLE, collaborative DOUBLE,
  shared_learners INT64, version STRING, source STRING);

// Who changed it by hand: 'designer', or nobody. Files made before have no such column.

// name: schema.ladybug.concept_source
ALTER TABLE Concept ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.course_source
ALTER TABLE Course ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.school_source
ALTER TABLE School ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.teacher_source
ALTER TABLE Teacher ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.field_source
ALTER TABLE Field ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.course_has_concept_source
ALTER TABLE COURSE_HAS_CONCEPT ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.field_has_concept_source
ALTER TABLE FIELD_HAS_CONCEPT ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.field_has_course_source
ALTER TABLE FIELD_HAS_COURSE ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.school_has_course_source
ALTER TABLE SCHOOL_HAS_COURSE ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.school_has_teacher_source
ALTER TABLE SCHOOL_HAS_TEACHER ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.teacher_has_course_source
ALTER TABLE TEACHER_HAS_COURSE ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.prerequisite_of_source
ALTER TABLE PREREQUISITE_OF ADD IF NOT EXISTS source STRING;

// name: schema.ladybug.broader_concept_source
ALTER TABLE BROADER_CONCEPT ADD IF NOT EXISTS source STRING;
