// The questions that the embedded database takes in other words: it spells shortest paths
// otherwise. Its columns and rows are those of the question without `.ladybug`.

// name: designer.limits.ladybug
// The longest path that a pattern may ask for; the database's own limit is 30 steps.
CALL var_length_extend_max_depth = 1000;

// name: designer.leads_to.ladybug
MATCH (before:Concept)-[way:PREREQUISITE_OF* SHORTEST 1..1000]->(:Concept {id: $concept_id})
WHERE before.id <> $concept_id
RETURN before.id AS concept_id, before.name AS name, length(way) AS depth
ORDER BY depth, concept_id;

// name: designer.unlocks.ladybug
MATCH (:Concept {id: $concept_id})-[way:PREREQUISITE_OF* SHORTEST 1..1000]->(after:Concept)
WHERE after.id <> $concept_id
RETURN after.id AS concept_id, after.name AS name, length(way) AS depth
ORDER BY depth, concept_id;

// name: designer.shortest_chains.ladybug
MATCH way = (first:Concept {id: $from_concept_id})
  -[:PREREQUISITE_OF* ALL SHORTEST 1..1000]->(last:Concept {id: $to_concept_id})
WHERE first.id <> last.id
RETURN length(way) AS steps, properties(nodes(way), 'id') AS concept_ids,
  properties(nodes(way), 'name') AS names
ORDER BY list_to_string(' ', concept_ids) LIMIT $limit;

// name: designer.longest_chains.ladybug
MATCH way = (first:Concept {id: $from_concept_id})
  -[:PREREQUISITE_OF* ACYCLIC 1..10]->(last:Concept {id: $to_concept_id})
WHERE first.id <> last.id
RETURN length(way) AS steps, properties(nodes(way), 'id') AS concept_ids,
  properties(nodes(way), 'name') AS names
ORDER BY steps DESC, list_to_string(' ', concept_ids) LIMIT $limit;

// name: designer.cycles.ladybug
MATCH (concept:Concept)-[:PREREQUISITE_OF]->(:Concept)
  -[way:PREREQUISITE_OF* SHORTEST 1..1000]->(concept)
WITH concept, min(length(way)) AS least
MATCH (concept)-[:PREREQUISITE_OF]->(next:Concept)
MATCH back = (next)-[way:PREREQUISITE_OF* SHORTEST 1..1000]->(concept)
WHERE length(way) = least
WITH concept, least,
  collect(list_concat([concept.name], properties(nodes(back), 'name'))) AS cycles
RETURN concept.id AS concept_id, least + 1 AS steps, cycles[1] AS names
ORDER BY steps, concept_id;

// name: designer.redundant_edges_from.ladybug
MATCH (before:Concept {id: $concept_id})-[:PREREQUISITE_OF]->(after:Concept)
MATCH (before)-[:PREREQUISITE_OF]->(next:Concept)
  -[way:PREREQUISITE_OF* SHORTEST 1..1000 (step, passed | WHERE passed.id <> $concept_id)]->(after)
WHERE next.id <> after.id AND next.id <> before.id
RETURN after.id AS concept_id, after.name AS name, min(length(way)) + 1 AS steps
ORDER BY steps, concept_id;

// name: designer.only_through.ladybug
MATCH (:Concept {id: $concept_id})-[way:PREREQUISITE_OF* SHORTEST 1..1000]->(after:Concept)
WHERE after.id <> $concept_id
  AND EXISTS { MATCH (:Concept)-[:PREREQUISITE_OF]->(after) }
  AND NOT EXISTS {
    MATCH (root:Concept)-[other:PREREQUISITE_OF* SHORTEST 1..1000
      (step, passed | WHERE passed.id <> $concept_id)]->(after)
    WHERE root.id <> $concept_id AND NOT EXISTS { MATCH (:Concept)-[:PREREQUISITE_OF]->(root) }
  }
RETURN after.id AS concept_id, after.name AS name, length(way) AS depth
ORDER BY depth, concept_id;
