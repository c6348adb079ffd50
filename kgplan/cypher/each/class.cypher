// What the graph has for each class of ontology/learning.ttl; kgplan/graph/queries.py fills in
// %name and %label, the class's own, and the lists of its properties.

// name: schema.neo4j.%name
CREATE CONSTRAINT %{name}_id_unique IF NOT EXISTS FOR (n:%label) REQUIRE n.id IS UNIQUE;

// name: schema.ladybug.%name
CREATE NODE TABLE IF NOT EXISTS %label(id STRING, PRIMARY KEY (id));

// name: found.%name
// All that a load compares the source with.
MATCH (n:%label)
RETURN %all, n.run_id AS run_id, n.source AS source;

// name: load.%name
// rows: all properties of each node. A second run changes nothing.
UNWIND $rows AS row
MERGE (n:%label {id: row.id})
SET %set, n.run_id = $run_id
RETURN count(n) AS n;

// name: load.tied_%name
// ids: of nodes to sweep whose own relationships are swept. What still hangs on one is a person's.
UNWIND $ids AS id
MATCH (n:%label {id: id})--()
RETURN DISTINCT n.id AS id ORDER BY id;

// name: load.sweep_%name
// rows: [{id}]  fails where a relationship is left: nothing of a person's goes unseen
UNWIND $rows AS row
MATCH (n:%label {id: row.id})
WHERE n.run_id IS NOT NULL AND coalesce(n.source, '') <> 'designer'
DELETE n
RETURN count(n) AS n;

// name: snapshot.%name
// What counts in the graph's version.
MATCH (n:%label)
RETURN %counted ORDER BY n.id;

// name: export.%name
// All that the ontology says of a node.
MATCH (n:%label)
RETURN %all ORDER BY n.id;

// name: edit.remove_%name
// Remove the %label with this id, and every relationship of it, so that no load brings it back
// :param id => '...'
// n is 0 where there is none.
MATCH (n:%label {id: $id})
DETACH DELETE n
MERGE (stone:Tombstone {id: '%label\t' + $id})
SET stone.type = '%label', stone.head = $id, stone.tail = ''
RETURN count(stone) AS n;
