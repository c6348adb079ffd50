// Similar concepts, derived from the model: no load reads them, no version counts them, no export
// gives them away. $version names the similarity that they come from.

// name: schema.ladybug.similar_to
CREATE REL TABLE IF NOT EXISTS SIMILAR_TO(
  FROM Concept TO Concept, rank INT64, weight DOUBLE, semantic DOUBLE, collaborative DOUBLE,
  shared_learners INT64, version STRING, source STRING);

// name: similar.merge
// rows: [{head, tail, rank, weight, semantic, collaborative, shared_learners}]; a second run
// changes nothing.
UNWIND $rows AS row
MATCH (head:Concept {id: row.head})
MATCH (tail:Concept {id: row.tail})
MERGE (head)-[r:SIMILAR_TO]->(tail)
SET r.rank = row.rank, r.weight = row.weight, r.semantic = row.semantic,
  r.collaborative = row.collaborative, r.shared_learners = row.shared_learners,
  r.source = 'derived', r.version = $version
RETURN count(r) AS n;

// name: similar.sweep
// Remove at most $limit of those that come from another similarity or are beyond rank $top.
MATCH (:Concept)-[r:SIMILAR_TO]->(:Concept)
WHERE r.version <> $version OR r.rank > $top
WITH r LIMIT $limit
DELETE r
RETURN count(r) AS n;

// name: similar.sweep_of
// The same of one concept, $id.
MATCH (:Concept {id: $id})-[r:SIMILAR_TO]->(:Concept)
WHERE r.version <> $version OR r.rank > $top
DELETE r
RETURN count(r) AS n;

// name: similar.untie_out
// ids: of concepts that a load sweeps; `kgplan similarity` can write it again.
UNWIND $ids AS id
MATCH (:Concept {id: id})-[r:SIMILAR_TO]->(:Concept)
DELETE r
RETURN count(r) AS n;

// name: similar.untie_in
// The same the other way round: the embedded database deletes in one direction at a time.
UNWIND $ids AS id
MATCH (:Concept)-[r:SIMILAR_TO]->(:Concept {id: id})
DELETE r
RETURN count(r) AS n;

// name: similar.vectors
// rows: [{id, vector}]  Neo4j only; a second run changes nothing.
UNWIND $rows AS row
MATCH (n:Concept {id: row.id})
CALL db.create.setNodeVectorProperty(n, 'vector', row.vector)
SET n.vector_version = $version
RETURN count(n) AS n;

// name: similar.sweep_vectors
// Remove at most $limit vectors of another similarity; Neo4j only.
MATCH (n:Concept)
WHERE n.vector_version <> $version
WITH n LIMIT $limit
REMOVE n.vector, n.vector_version
RETURN count(n) AS n;

// name: similar.drop_index
DROP INDEX concept_vector IF EXISTS;

// name: similar.index
// dimension: of the vectors. Euclidean, as eq. (1) has it; its score is 1 / (1 + distance^2).
// Not quantized, so that the score is the distance's own.
CREATE VECTOR INDEX concept_vector IF NOT EXISTS FOR (n:Concept) ON (n.vector)
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'euclidean',
  `vector.quantization.enabled`: false}};

// name: similar.index_dimension
// The dimension of the vectors that the index was made for; no row where there is none.
SHOW VECTOR INDEXES YIELD name, options
WHERE name = 'concept_vector'
RETURN options.indexConfig['vector.dimensions'] AS dimension;

// name: similar.index_ready
// Wait, at most $seconds, until the index holds all vectors; one row.
CALL db.awaitIndex('concept_vector', $seconds)
RETURN 1 AS n;
