"""The knowledge graph: a store that answers Cypher, and a snapshot of it as arrays."""
