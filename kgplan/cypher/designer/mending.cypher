// What to mend: what contradicts itself, what is said twice, what hangs on a single concept.
// `kgplan graph health` computes the same for the whole graph, with a set of edges that breaks
// every cycle.

// name: designer.cycles
// Which concepts come back to themselves, and by which shortest way?
// One row per concept on a cycle; names begins and ends with it.
MATCH (concept:Concept)-[:PREREQUISITE_OF]->(next:Concept)
MATCH way = shortestPath((next)-[:PREREQUISITE_OF*0..]->(concept))
WITH concept, way ORDER BY length(way), [step IN nodes(way) | step.id]
WITH concept, collect(way)[0] AS back
RETURN concept.id AS concept_id, length(back) + 1 AS steps,
  [concept.name] + [step IN nodes(back) | step.name] AS names
ORDER BY steps, concept_id;

// name: designer.contradictory_pairs
// Which two concepts are each said to be a prerequisite of the other, and by which source?
MATCH (one:Concept)-[there:PREREQUISITE_OF]->(other:Concept)-[back:PREREQUISITE_OF]->(one)
WHERE one.id < other.id
RETURN one.id AS concept_id, one.name AS name, other.id AS other_concept_id,
  other.name AS other_name, there.sources AS sources, back.sources AS other_sources
ORDER BY concept_id, other_concept_id;

// name: designer.redundant_edges
// Which prerequisite edges are implied by a longer way between the same two concepts?
// :param limit => 5000
// An edge is redundant when its end can be reached from its start without it. Each alone can go;
// several edges of one cycle cannot always go together.
MATCH (before:Concept)-[edge:PREREQUISITE_OF]->(after:Concept)
WHERE before <> after
MATCH way = shortestPath((before)-[:PREREQUISITE_OF*1..]->(after))
WHERE none(step IN relationships(way) WHERE step = edge)
RETURN before.id AS prerequisite_id, before.name AS prerequisite, after.id AS concept_id,
  after.name AS name, length(way) AS steps
ORDER BY steps, prerequisite_id, concept_id LIMIT $limit;

// name: designer.redundant_edges_from
// Which edges out of this concept are implied by a longer way?
// :param concept_id => 'K_数学_数学'
// steps: of the shortest of the longer ways.
MATCH (before:Concept {id: $concept_id})-[edge:PREREQUISITE_OF]->(after:Concept)
WHERE before <> after
MATCH way = shortestPath((before)-[:PREREQUISITE_OF*1..]->(after))
WHERE none(step IN relationships(way) WHERE step = edge)
RETURN after.id AS concept_id, after.name AS name, length(way) AS steps
ORDER BY steps, concept_id;

// name: designer.soft_edges
// Which prerequisites are soft, the softest first?
// :param limit => 5000
// strength: as stated, else that of a prediction (PREDICTED of kgplan/graph/snapshot.py).
MATCH (before:Concept)-[edge:PREREQUISITE_OF]->(after:Concept)
WITH before, after, edge, coalesce(
  edge.strength, CASE WHEN edge.sources = ['prediction'] THEN 0.86 ELSE 1.0 END) AS strength
WHERE strength < 1
RETURN before.id AS prerequisite_id, before.name AS prerequisite, after.id AS concept_id,
  after.name AS name, strength, edge.strength IS NOT NULL AS stated, edge.sources AS sources
ORDER BY strength, prerequisite_id, concept_id LIMIT $limit;

// name: designer.alternatives
// Of which prerequisites of a concept will any one do?
// One row per prerequisite in a group; one that is alone in its group is no alternative.
MATCH (before:Concept)-[edge:PREREQUISITE_OF]->(after:Concept)
WHERE edge.any_of > 0
RETURN after.id AS concept_id, after.name AS name, edge.any_of AS any_of,
  before.id AS prerequisite_id, before.name AS prerequisite
ORDER BY concept_id, any_of, prerequisite_id;

// name: designer.orphans
// Which concepts have no prerequisite and are a prerequisite of nothing?
// courses: how many courses have it.
MATCH (concept:Concept)
WHERE NOT EXISTS { MATCH (concept)-[:PREREQUISITE_OF]-(:Concept) }
RETURN concept.id AS concept_id, concept.name AS name,
  COUNT { MATCH (:Course)-[:COURSE_HAS_CONCEPT]->(concept) } AS courses
ORDER BY courses DESC, concept_id;

// name: designer.bottlenecks
// Without which concepts do most others become unreachable from the foundations?
// :param limit => 20
// A foundation is a concept without prerequisites. A concept that every way must pass lies on the
// shortest way from any one foundation, so only those are tried.
MATCH (after:Concept)<-[:PREREQUISITE_OF*1..]-(root:Concept)
WHERE NOT EXISTS { (root)<-[:PREREQUISITE_OF]-() } AND root <> after
WITH after, collect(DISTINCT root) AS roots
WITH after, roots, roots[0] AS nearest
MATCH way = shortestPath((nearest)-[:PREREQUISITE_OF*1..]->(after))
UNWIND nodes(way) AS concept
WITH after, roots, concept
WHERE concept <> after AND NOT EXISTS {
  UNWIND roots AS root
  MATCH other = shortestPath((root)-[:PREREQUISITE_OF*1..]->(after))
  WHERE root <> concept AND none(step IN nodes(other) WHERE step = concept)
}
RETURN concept.id AS concept_id, concept.name AS name, count(after) AS unreachable
ORDER BY unreachable DESC, concept_id LIMIT $limit;

// name: designer.only_through
// What can be reached from the foundations only through this concept?
// :param concept_id => 'K_数学_数学'
// A foundation is a concept without prerequisites; depth: steps of the shortest chain.
MATCH way = (:Concept {id: $concept_id})-[:PREREQUISITE_OF*1..]->(after:Concept)
WHERE after.id <> $concept_id
WITH after, min(length(way)) AS depth
WHERE NOT EXISTS {
  MATCH other = (root:Concept)-[:PREREQUISITE_OF*0..]->(after)
  WHERE NOT EXISTS { (root)<-[:PREREQUISITE_OF]-() }
    AND none(step IN nodes(other) WHERE step.id = $concept_id)
}
RETURN after.id AS concept_id, after.name AS name, depth
ORDER BY depth, concept_id;
