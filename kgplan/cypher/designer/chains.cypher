// What leads where: chains of prerequisites through the graph.
// Each question runs in Neo4j Browser as it stands, after the `:param` lines of its comment.

// name: designer.find_concepts
// Which concepts have this text in their Chinese or English name?
// :param text => '数据结构'
// :param limit => 20
MATCH (concept:Concept)
WHERE toLower(concept.name) CONTAINS toLower($text)
  OR toLower(concept.name_en) CONTAINS toLower($text)
RETURN concept.id AS concept_id, concept.name AS name, concept.name_en AS name_en
ORDER BY concept_id LIMIT $limit;

// name: designer.leads_to
// What leads to this concept, directly or through others, and how many steps before it?
// :param concept_id => 'K_中断机制_计算机科学技术'
// depth: steps of the shortest chain.
MATCH way = (before:Concept)-[:PREREQUISITE_OF*1..]->(concept:Concept {id: $concept_id})
WHERE before.id <> concept.id
RETURN before.id AS concept_id, before.name AS name, min(length(way)) AS depth
ORDER BY depth, concept_id;

// name: designer.unlocks
// What does this concept unlock, directly or through others, and how many steps after it?
// :param concept_id => 'K_中断机制_计算机科学技术'
// depth: steps of the shortest chain.
MATCH way = (concept:Concept {id: $concept_id})-[:PREREQUISITE_OF*1..]->(after:Concept)
WHERE after.id <> concept.id
RETURN after.id AS concept_id, after.name AS name, min(length(way)) AS depth
ORDER BY depth, concept_id;

// name: designer.shortest_chains
// Which are the shortest chains from one concept to another?
// :param from_concept_id => 'K_数学_数学'
// :param to_concept_id => 'K_搜索引擎_计算机科学技术'
// :param limit => 20
// All chains of the least number of steps, each from its first concept to its last.
MATCH (first:Concept {id: $from_concept_id}), (last:Concept {id: $to_concept_id})
WHERE first <> last
MATCH way = allShortestPaths((first)-[:PREREQUISITE_OF*1..]->(last))
RETURN length(way) AS steps, [concept IN nodes(way) | concept.id] AS concept_ids,
  [concept IN nodes(way) | concept.name] AS names
ORDER BY concept_ids LIMIT $limit;

// name: designer.longest_chains
// Which are the longest chains, of at most 10 steps, from one concept to another?
// :param from_concept_id => 'K_数学_数学'
// :param to_concept_id => 'K_搜索引擎_计算机科学技术'
// :param limit => 5
// No chain passes a concept twice. The bound is part of the text, as Cypher takes no parameter
// there; the number of chains grows about threefold with each further step.
MATCH (first:Concept {id: $from_concept_id}), (last:Concept {id: $to_concept_id})
WHERE first <> last
MATCH way = (first)-[:PREREQUISITE_OF*1..10]->(last)
WHERE all(one IN nodes(way) WHERE single(other IN nodes(way) WHERE other = one))
RETURN length(way) AS steps, [concept IN nodes(way) | concept.id] AS concept_ids,
  [concept IN nodes(way) | concept.name] AS names
ORDER BY steps DESC, concept_ids LIMIT $limit;
