// name: bulk.held
// How many nodes there are but for those that loads keep for themselves.
MATCH (n)
WHERE NOT n:LoadLock AND NOT n:GraphVersion
RETURN count(n) AS n;
