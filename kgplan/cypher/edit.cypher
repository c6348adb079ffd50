// Designers' edits, one statement each, so that they run in Neo4j Browser as they are.
// What is added here has source 'designer' and no load removes it; what is removed here leaves a
// tombstone and no load brings it back. Each may run twice: the second run changes nothing.
// A tombstone's id is its parts with TABs between, which no id of MOOCCube can hold.

// name: edit.add_course_has_concept
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Course {id: $head})
MATCH (tail:Concept {id: $tail})
MERGE (head)-[r:COURSE_HAS_CONCEPT]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'COURSE_HAS_CONCEPT\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_course_has_concept
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Course {id: $head})-[r:COURSE_HAS_CONCEPT]->(:Concept {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'COURSE_HAS_CONCEPT\t' + $head + '\t' + $tail})
SET stone.type = 'COURSE_HAS_CONCEPT', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_field_has_concept
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Field {id: $head})
MATCH (tail:Concept {id: $tail})
MERGE (head)-[r:FIELD_HAS_CONCEPT]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'FIELD_HAS_CONCEPT\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_field_has_concept
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Field {id: $head})-[r:FIELD_HAS_CONCEPT]->(:Concept {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'FIELD_HAS_CONCEPT\t' + $head + '\t' + $tail})
SET stone.type = 'FIELD_HAS_CONCEPT', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_field_has_course
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Field {id: $head})
MATCH (tail:Course {id: $tail})
MERGE (head)-[r:FIELD_HAS_COURSE]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'FIELD_HAS_COURSE\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_field_has_course
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Field {id: $head})-[r:FIELD_HAS_COURSE]->(:Course {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'FIELD_HAS_COURSE\t' + $head + '\t' + $tail})
SET stone.type = 'FIELD_HAS_COURSE', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_school_has_course
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:School {id: $head})
MATCH (tail:Course {id: $tail})
MERGE (head)-[r:SCHOOL_HAS_COURSE]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'SCHOOL_HAS_COURSE\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_school_has_course
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:School {id: $head})-[r:SCHOOL_HAS_COURSE]->(:Course {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'SCHOOL_HAS_COURSE\t' + $head + '\t' + $tail})
SET stone.type = 'SCHOOL_HAS_COURSE', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_school_has_teacher
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:School {id: $head})
MATCH (tail:Teacher {id: $tail})
MERGE (head)-[r:SCHOOL_HAS_TEACHER]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'SCHOOL_HAS_TEACHER\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_school_has_teacher
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:School {id: $head})-[r:SCHOOL_HAS_TEACHER]->(:Teacher {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'SCHOOL_HAS_TEACHER\t' + $head + '\t' + $tail})
SET stone.type = 'SCHOOL_HAS_TEACHER', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_teacher_has_course
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Teacher {id: $head})
MATCH (tail:Course {id: $tail})
MERGE (head)-[r:TEACHER_HAS_COURSE]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'TEACHER_HAS_COURSE\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_teacher_has_course
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Teacher {id: $head})-[r:TEACHER_HAS_COURSE]->(:Course {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'TEACHER_HAS_COURSE\t' + $head + '\t' + $tail})
SET stone.type = 'TEACHER_HAS_COURSE', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_prerequisite_of
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Concept {id: $head})
MATCH (tail:Concept {id: $tail})
MERGE (head)-[r:PREREQUISITE_OF]->(tail)
SET r.source = 'designer', r.sources = ['designer']
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'PREREQUISITE_OF\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_prerequisite_of
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Concept {id: $head})-[r:PREREQUISITE_OF]->(:Concept {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'PREREQUISITE_OF\t' + $head + '\t' + $tail})
SET stone.type = 'PREREQUISITE_OF', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.add_broader_concept
// head, tail: ids. n is 0 where one of them does not exist.
MATCH (head:Concept {id: $head})
MATCH (tail:Concept {id: $tail})
MERGE (head)-[r:BROADER_CONCEPT]->(tail)
SET r.source = 'designer'
WITH r
OPTIONAL MATCH (stone:Tombstone {id: 'BROADER_CONCEPT\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_broader_concept
// head, tail: ids. n is 0 where there is no such relationship.
MATCH (:Concept {id: $head})-[r:BROADER_CONCEPT]->(:Concept {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: 'BROADER_CONCEPT\t' + $head + '\t' + $tail})
SET stone.type = 'BROADER_CONCEPT', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;

// name: edit.remove_concept
// id: the node goes, with every relationship of it. n is 0 where there is none.
MATCH (n:Concept {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: 'Concept\t' + $id})
SET stone.type = 'Concept', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;

// name: edit.remove_course
// id: the node goes, with every relationship of it. n is 0 where there is none.
MATCH (n:Course {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: 'Course\t' + $id})
SET stone.type = 'Course', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;

// name: edit.remove_school
// id: the node goes, with every relationship of it. n is 0 where there is none.
MATCH (n:School {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: 'School\t' + $id})
SET stone.type = 'School', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;

// name: edit.remove_teacher
// id: the node goes, with every relationship of it. n is 0 where there is none.
MATCH (n:Teacher {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: 'Teacher\t' + $id})
SET stone.type = 'Teacher', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;

// name: edit.remove_field
// id: the node goes, with every relationship of it. n is 0 where there is none.
MATCH (n:Field {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: 'Field\t' + $id})
SET stone.type = 'Field', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;
