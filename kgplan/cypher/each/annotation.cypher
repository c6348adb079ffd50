// What a person may say of one pair of a relation in numbers; kgplan/graph/queries.py fills in
// %name and %type, the relation's own, %head and %tail, the labels at its ends, %key, the number's
// own, and %title.

// name: edit.set_%{name}_%key
// Set the %title of %type from a %head to a %tail, so that no load changes it
// :param head => '...'
// :param tail => '...'
// :param value => 1
// Below 0 it is taken back. n is 0 where there is no such relationship.
MATCH (:%head {id: $head})-[r:%type]->(:%tail {id: $tail})
SET r.%key = CASE WHEN $value >= 0 THEN $value END, r.source = 'designer'
RETURN count(r) AS n;
