// What people removed, so that no load brings it back: a node of its own for each. Its id is its
// parts with TABs between, which no id of MOOCCube can hold. A node's tombstone has its label as
// type and no tail. The queries `edit...` of each/ leave and lift them.

// name: schema.neo4j.tombstone
CREATE CONSTRAINT tombstone_id_unique IF NOT EXISTS FOR (n:Tombstone) REQUIRE n.id IS UNIQUE;

// name: schema.ladybug.tombstone
CREATE NODE TABLE IF NOT EXISTS Tombstone(
  id STRING, type STRING, head STRING, tail STRING, PRIMARY KEY (id));

// name: found.tombstone
MATCH (n:Tombstone)
RETURN n.type AS type, n.head AS head, n.tail AS tail;
