// Pictures for Neo4j Browser: these return nodes and relationships, which it draws.

// name: picture.around_concept
// Draw what leads to this concept and what it unlocks, two steps each way
// :param concept_id => 'K_中断机制_计算机科学技术'
MATCH way = (:Concept {id: $concept_id})-[:PREREQUISITE_OF*0..2]->(:Concept)
RETURN way
UNION
MATCH way = (:Concept)-[:PREREQUISITE_OF*1..2]->(:Concept {id: $concept_id})
RETURN way;

// name: picture.shortest_chains
// Draw all shortest chains from one concept to another
// :param from_concept_id => 'K_数学_数学'
// :param to_concept_id => 'K_搜索引擎_计算机科学技术'
MATCH (first:Concept {id: $from_concept_id}), (last:Concept {id: $to_concept_id})
WHERE first <> last
MATCH way = allShortestPaths((first)-[:PREREQUISITE_OF*1..]->(last))
RETURN way;

// name: picture.contradictions
// Draw the pairs of concepts that are each a prerequisite of the other, with their neighbours
MATCH (one:Concept)-[:PREREQUISITE_OF]->(other:Concept)-[:PREREQUISITE_OF]->(one)
MATCH near = (one)-[:PREREQUISITE_OF]-(:Concept)
RETURN near, other;

// name: picture.course
// Draw a course: its teachers, schools and fields, its concepts and the prerequisites among them
// :param course_id => 'C_course-v1:TsinghuaX+30240184_2X+sp'
// :param limit => 40
MATCH (course:Course {id: $course_id})-[:COURSE_HAS_CONCEPT]->(concept:Concept)
WITH course, concept, COUNT { (concept)-[:PREREQUISITE_OF]-() } AS edges
ORDER BY edges DESC, concept.id LIMIT $limit
OPTIONAL MATCH (from)-[:TEACHER_HAS_COURSE|SCHOOL_HAS_COURSE|FIELD_HAS_COURSE]->(course)
RETURN course, concept, from;
