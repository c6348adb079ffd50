// What is alike, as the model finds it: `kgplan similarity --write-graph` puts it into the graph.

// name: designer.similar_to
// Which concepts are most similar to this one?
// :param concept_id => 'K_中断机制_计算机科学技术'
// :param limit => 10
// weight: by the graph and by the learners of both, eq. (8); semantic, collaborative: its parts.
MATCH (:Concept {id: $concept_id})-[r:SIMILAR_TO]->(other:Concept)
RETURN other.id AS concept_id, other.name AS name, r.weight AS weight, r.semantic AS semantic,
  r.collaborative AS collaborative, r.shared_learners AS shared_learners
ORDER BY weight DESC, concept_id LIMIT $limit;

// name: designer.similar_without_prerequisite
// Which most similar pairs have no prerequisite between them, either way?
// :param limit => 20
MATCH (one:Concept)-[r:SIMILAR_TO]->(other:Concept)
WHERE NOT EXISTS { MATCH (one)-[:PREREQUISITE_OF]->(other) }
  AND NOT EXISTS { MATCH (other)-[:PREREQUISITE_OF]->(one) }
  AND (one.id < other.id OR NOT EXISTS { MATCH (other)-[:SIMILAR_TO]->(one) })
RETURN one.id AS concept_id, one.name AS name, other.id AS other_id, other.name AS other,
  r.weight AS weight
ORDER BY weight DESC, concept_id, other_id LIMIT $limit;

// name: designer.nearest_by_vector
// Which concepts are nearest in the embedding?
// :param concept_id => 'K_中断机制_计算机科学技术'
// :param limit => 10
// By the vector index: approximate on large graphs.
MATCH (concept:Concept {id: $concept_id})
CALL db.index.vector.queryNodes('concept_vector', $limit + 1, concept.vector) YIELD node, score
WHERE node <> concept
RETURN node.id AS concept_id, node.name AS name, sqrt(1 / score - 1) AS distance
ORDER BY distance, concept_id LIMIT $limit;
