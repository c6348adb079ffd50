// Which content the graph holds: a node that each load leaves, and takes the version from while it
// writes. $run_id names the content being loaded.

// name: schema.neo4j.graph_version
CREATE CONSTRAINT graph_version_id_unique IF NOT EXISTS
FOR (n:GraphVersion) REQUIRE n.id IS UNIQUE;

// name: schema.ladybug.graph_version
CREATE NODE TABLE IF NOT EXISTS GraphVersion(
  id STRING, version STRING, loaded STRING, PRIMARY KEY (id));

// name: snapshot.graph_version
// The version that the last load wrote; no row in an empty graph.
MATCH (n:GraphVersion {id: 'current'})
RETURN n.version AS version;

// name: load.begin
// While the version is absent, what the graph holds is no finished version.
MERGE (n:GraphVersion {id: 'current'})
SET n.version = NULL, n.loaded = $run_id
RETURN count(n) AS n;

// name: load.finish
// The content hash of the whole graph, which plans name.
MERGE (n:GraphVersion {id: 'current'})
SET n.version = $version, n.loaded = $run_id
RETURN count(n) AS n;
