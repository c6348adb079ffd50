// What the graph has for each relation of ontology/learning.ttl; kgplan/graph/queries.py fills in
// %name and %type, the relation's own, and %head and %tail, the labels at its ends. What each pair
// may say, such as where it comes from, is loaded and returned, too. An absent number is loaded as
// -1: the embedded database does not know the type of a column of NULLs.

// name: schema.ladybug.%name
CREATE REL TABLE IF NOT EXISTS %type(FROM %head TO %tail);

// name: held.%name
// The columns of the embedded database's table.
CALL table_info('%type') RETURN name;

// name: found.%name
// All that a load compares the source with.
MATCH (h:%head)-[r:%type]->(t:%tail)
RETURN h.id AS head, t.id AS tail%returned, r.run_id AS run_id, r.source AS source;

// name: load.%name
// rows: [{head, tail, sources, ...}]. A second run changes nothing.
UNWIND $rows AS row
MATCH (head:%head {id: row.head})
MATCH (tail:%tail {id: row.tail})
MERGE (head)-[r:%type]->(tail)
SET r.run_id = $run_id%loaded
RETURN count(r) AS n;

// name: load.sweep_%name
// rows: [{head, tail}]
UNWIND $rows AS row
MATCH (:%head {id: row.head})-[r:%type]->(:%tail {id: row.tail})
WHERE r.run_id IS NOT NULL AND coalesce(r.source, '') <> 'designer'
DELETE r
RETURN count(r) AS n;

// name: snapshot.%name
MATCH (h:%head)-[r:%type]->(t:%tail)
RETURN h.id AS head, t.id AS tail%returned ORDER BY h.id, t.id;

// name: edit.add_%name
// Add %type from a %head to a %tail, so that no load removes it
// :param head => '...'
// :param tail => '...'
// n is 0 where one of them does not exist.
MATCH (head:%head {id: $head})
MATCH (tail:%tail {id: $tail})
MERGE (head)-[r:%type]->(tail)
SET r.source = 'designer'%designed
WITH r
OPTIONAL MATCH (stone:Tombstone {id: '%type\t' + $head + '\t' + $tail})
DELETE stone
RETURN count(r) AS n;

// name: edit.remove_%name
// Remove %type from a %head to a %tail, so that no load brings it back
// :param head => '...'
// :param tail => '...'
// n is 0 where there is no such relationship.
MATCH (:%head {id: $head})-[r:%type]->(:%tail {id: $tail})
DELETE r
MERGE (stone:Tombstone {id: '%type\t' + $head + '\t' + $tail})
SET stone.type = '%type', stone.head = $head, stone.tail = $tail
RETURN count(stone) AS n;
