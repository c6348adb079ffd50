// What learners open: items, where they stand and what they cover.
// They are in the graph where it was mapped and loaded with KGPLAN_ITEMS=1.

// name: designer.items_on_concept
// Which items cover this concept, and where do courses show them?
// :param concept_id => 'K_中断机制_计算机科学技术'
// One row per item and course that shows it; position: its place in the course, from 0.
MATCH (item:Item)-[:ITEM_COVERS_CONCEPT]->(:Concept {id: $concept_id})
OPTIONAL MATCH (course:Course)-[place:COURSE_HAS_ITEM]->(item)
RETURN item.id AS item_id, item.name AS name, item.kind AS kind,
  course.id AS course_id, course.name AS course, place.position AS position
ORDER BY course_id, position, item_id;

// name: designer.course_items
// Which items does this course show, in its order, and how much do they cover?
// :param course_id => 'C_course-v1:TsinghuaX+30240184+sp'
// concepts: how many the item covers.
MATCH (:Course {id: $course_id})-[place:COURSE_HAS_ITEM]->(item:Item)
RETURN place.position AS position, item.id AS item_id, item.name AS name, item.kind AS kind,
  COUNT { MATCH (item)-[:ITEM_COVERS_CONCEPT]->(:Concept) } AS concepts
ORDER BY position, item_id;
