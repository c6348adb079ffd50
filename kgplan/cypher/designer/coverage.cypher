// Who teaches what: courses, teachers, schools and fields.
// Learners are not in the graph, items where it was asked for (items.cypher);
// `kgplan graph health` counts concepts without an item in any case.

// name: designer.concept
// What is this concept, and how much is there about it?
// :param concept_id => 'K_中断机制_计算机科学技术'
// definition: as the platform says it; unlocks, prerequisites: direct ones; courses: that have it.
MATCH (concept:Concept {id: $concept_id})
RETURN concept.name AS name, concept.name_en AS name_en, concept.explanation AS definition,
  COUNT { MATCH (concept)-[:PREREQUISITE_OF]->(:Concept) } AS unlocks,
  COUNT { MATCH (:Concept)-[:PREREQUISITE_OF]->(concept) } AS prerequisites,
  COUNT { MATCH (:Course)-[:COURSE_HAS_CONCEPT]->(concept) } AS courses;

// name: designer.concepts_without_course
// Which concepts does no course have, and how much do they unlock?
// unlocks: concepts that name it as their direct prerequisite.
MATCH (concept:Concept)
WHERE NOT EXISTS { MATCH (:Course)-[:COURSE_HAS_CONCEPT]->(concept) }
RETURN concept.id AS concept_id, concept.name AS name,
  COUNT { MATCH (concept)-[:PREREQUISITE_OF]->(:Concept) } AS unlocks
ORDER BY unlocks DESC, concept_id;

// name: designer.course_gaps
// What does this course need that it does not have itself, and how many courses do have it?
// :param course_id => 'C_course-v1:TsinghuaX+30240184+sp'
// One row per concept of the course and direct prerequisite outside it.
MATCH (course:Course {id: $course_id})-[:COURSE_HAS_CONCEPT]->(concept:Concept)
MATCH (before:Concept)-[:PREREQUISITE_OF]->(concept)
WHERE NOT EXISTS { MATCH (course)-[:COURSE_HAS_CONCEPT]->(before) }
RETURN before.id AS prerequisite_id, before.name AS prerequisite, concept.id AS concept_id,
  concept.name AS name, COUNT { MATCH (:Course)-[:COURSE_HAS_CONCEPT]->(before) } AS courses
ORDER BY prerequisite_id, concept_id;

// name: designer.courses_with_gaps
// Which courses need most concepts that they do not have themselves?
// :param limit => 20
// missing: direct prerequisites outside the course; concepts: those of the course that need them.
MATCH (course:Course)-[:COURSE_HAS_CONCEPT]->(concept:Concept)
MATCH (before:Concept)-[:PREREQUISITE_OF]->(concept)
WHERE NOT EXISTS { MATCH (course)-[:COURSE_HAS_CONCEPT]->(before) }
RETURN course.id AS course_id, course.name AS name, count(DISTINCT before.id) AS missing,
  count(DISTINCT concept.id) AS concepts
ORDER BY missing DESC, course_id LIMIT $limit;

// name: designer.shared_concepts
// Which concepts do two courses share?
// :param course_id => 'C_course-v1:TsinghuaX+30240184+sp'
// :param other_course_id => 'C_course-v1:TsinghuaX+30240184_2X+sp'
MATCH (:Course {id: $course_id})-[:COURSE_HAS_CONCEPT]->(concept:Concept)
MATCH (:Course {id: $other_course_id})-[:COURSE_HAS_CONCEPT]->(concept)
RETURN concept.id AS concept_id, concept.name AS name
ORDER BY concept_id;

// name: designer.overlapping_courses
// Which courses share most concepts with this one?
// :param course_id => 'C_course-v1:TsinghuaX+30240184+sp'
// :param limit => 20
// concepts: all that the other course has.
MATCH (:Course {id: $course_id})-[:COURSE_HAS_CONCEPT]->(concept:Concept)
MATCH (other:Course)-[:COURSE_HAS_CONCEPT]->(concept)
WHERE other.id <> $course_id
WITH other, count(concept) AS shared
RETURN other.id AS course_id, other.name AS name, shared,
  COUNT { MATCH (other)-[:COURSE_HAS_CONCEPT]->(:Concept) } AS concepts
ORDER BY shared DESC, course_id LIMIT $limit;

// name: designer.teacher_coverage
// Which concepts do the courses of this teacher have, and how many of the courses have each?
// :param teacher_id => 'T_1476'
MATCH (:Teacher {id: $teacher_id})-[:TEACHER_HAS_COURSE]->(course:Course)
MATCH (course)-[:COURSE_HAS_CONCEPT]->(concept:Concept)
RETURN concept.id AS concept_id, concept.name AS name, count(DISTINCT course.id) AS courses
ORDER BY courses DESC, concept_id;

// name: designer.school_coverage
// Which concepts do the courses of this school have, and how many of the courses have each?
// :param school_id => 'S_TsinghuaX'
MATCH (:School {id: $school_id})-[:SCHOOL_HAS_COURSE]->(course:Course)
MATCH (course)-[:COURSE_HAS_CONCEPT]->(concept:Concept)
RETURN concept.id AS concept_id, concept.name AS name, count(DISTINCT course.id) AS courses
ORDER BY courses DESC, concept_id;

// name: designer.school_fields
// How much of each field do the courses of this school cover?
// :param school_id => 'S_TsinghuaX'
// covered: concepts of the field that a course of the school has; concepts: all of the field.
MATCH (:School {id: $school_id})-[:SCHOOL_HAS_COURSE]->(course:Course)
MATCH (course)-[:COURSE_HAS_CONCEPT]->(concept:Concept)
MATCH (field:Field)-[:FIELD_HAS_CONCEPT]->(concept)
WITH field, count(DISTINCT concept.id) AS covered, count(DISTINCT course.id) AS courses
RETURN field.id AS field_id, field.name AS name, covered,
  COUNT { MATCH (field)-[:FIELD_HAS_CONCEPT]->(:Concept) } AS concepts, courses
ORDER BY covered DESC, field_id;

// name: designer.fields
// Which fields are there, and how large are they?
// inside: prerequisite edges between two of its concepts; outside: into it from other concepts.
MATCH (field:Field)
RETURN field.id AS field_id, field.name AS name,
  COUNT { MATCH (field)-[:FIELD_HAS_CONCEPT]->(:Concept) } AS concepts,
  COUNT { MATCH (field)-[:FIELD_HAS_COURSE]->(:Course) } AS courses,
  COUNT {
    MATCH (field)-[:FIELD_HAS_CONCEPT]->(after:Concept)<-[:PREREQUISITE_OF]-(before:Concept)
    WHERE EXISTS { MATCH (field)-[:FIELD_HAS_CONCEPT]->(before) }
  } AS inside,
  COUNT {
    MATCH (field)-[:FIELD_HAS_CONCEPT]->(after:Concept)<-[:PREREQUISITE_OF]-(before:Concept)
    WHERE NOT EXISTS { MATCH (field)-[:FIELD_HAS_CONCEPT]->(before) }
  } AS outside
ORDER BY concepts DESC, field_id;

// name: designer.field_concepts
// Which concepts does this field have, the most needed first?
// :param field_id => '计算机科学技术'
// unlocks, prerequisites: direct ones; courses: how many have it.
MATCH (:Field {id: $field_id})-[:FIELD_HAS_CONCEPT]->(concept:Concept)
RETURN concept.id AS concept_id, concept.name AS name,
  COUNT { MATCH (concept)-[:PREREQUISITE_OF]->(:Concept) } AS unlocks,
  COUNT { MATCH (:Concept)-[:PREREQUISITE_OF]->(concept) } AS prerequisites,
  COUNT { MATCH (:Course)-[:COURSE_HAS_CONCEPT]->(concept) } AS courses
ORDER BY unlocks DESC, concept_id;

// name: designer.field_courses
// Which courses does this field have, the richest in its concepts first?
// :param field_id => '计算机科学技术'
MATCH (field:Field {id: $field_id})-[:FIELD_HAS_COURSE]->(course:Course)
RETURN course.id AS course_id, course.name AS name,
  COUNT {
    MATCH (course)-[:COURSE_HAS_CONCEPT]->(concept:Concept)
    WHERE EXISTS { MATCH (field)-[:FIELD_HAS_CONCEPT]->(concept) }
  } AS concepts
ORDER BY concepts DESC, course_id;
