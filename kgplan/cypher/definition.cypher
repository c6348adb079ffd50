// name: definition.all
// What each concept is, where the graph says so.
MATCH (concept:Concept)
WHERE concept.explanation <> ''
RETURN concept.id AS id, concept.explanation AS definition;
