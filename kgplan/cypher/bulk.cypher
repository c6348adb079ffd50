// name: bulk.held
// How much there is but for the nodes that loads keep for themselves; one row.
MATCH (n)
WHERE NOT n:LoadLock AND NOT n:GraphVersion
WITH count(n) AS nodes
OPTIONAL MATCH ()-[r]->()
RETURN nodes, count(r) AS relationships;
