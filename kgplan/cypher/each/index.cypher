// An index of Neo4j that people search by. It is declared when a load ends: kept up to date row by
// row, the indexes would take a third of a load's time.

// name: index.neo4j.%{name}.%key
CREATE INDEX %{name}_%key IF NOT EXISTS FOR (n:%label) ON (n.%key);
