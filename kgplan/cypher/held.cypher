// What the file of the embedded database has: it may be older than the ontology.

// name: held.tables
CALL show_tables() RETURN name;
