// name: definition.all
// What each concept is, where the graph says so.
MATCH (concept:Concept)
WHERE concept.explanation <> ''
RETURN concept.id AS id, concept.explanation AS definition;

// name: definition.courses
// What is said of each course, where the graph says something.
MATCH (course:Course)
WHERE course.about <> ''
RETURN course.id AS id, course.about AS about;
