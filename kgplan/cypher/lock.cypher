// One load at a time on a Neo4j server. The lock is a node; it names its holder and when the server
// may give it to another. Times are the server's own, in milliseconds since 1970.

// name: schema.neo4j.load_lock
// Two loads that start together meet here: one of them waits for the other's node.
CREATE CONSTRAINT load_lock_id_unique IF NOT EXISTS FOR (n:LoadLock) REQUIRE n.id IS UNIQUE;

// name: lock.acquire
// loader: who asks; lease_ms: for how long. n is 1 if the lock is now the loader's, else 0.
// The first SET waits until no other transaction holds the node; only then are its values read.
MERGE (lock:LoadLock {id: 'current'})
SET lock.asked_by = $loader
WITH lock
WHERE lock.loader IS NULL OR lock.loader = $loader OR lock.until < timestamp()
SET lock.loader = $loader, lock.run_id = $run_id, lock.until = timestamp() + $lease_ms
RETURN count(lock) AS n;

// name: lock.renew
// n is 0 if the lock is another's by now. The node stays locked to the transaction's end, so that
// whatever the transaction writes is written by the lock's holder.
MATCH (lock:LoadLock {id: 'current'})
SET lock.asked_by = $loader
WITH lock
WHERE lock.loader = $loader
SET lock.until = timestamp() + $lease_ms
RETURN count(lock) AS n;

// name: lock.holder
// Who holds the lock; no row when nobody does.
MATCH (lock:LoadLock {id: 'current'})
WHERE lock.loader IS NOT NULL AND lock.until >= timestamp()
RETURN lock.loader AS loader, lock.run_id AS run_id;

// name: lock.release
// n is 0 if the lock was another's.
MATCH (lock:LoadLock {id: 'current'})
SET lock.asked_by = $loader
WITH lock
WHERE lock.loader = $loader
REMOVE lock.loader, lock.run_id
RETURN count(lock) AS n;
