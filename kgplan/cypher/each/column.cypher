// A column of the embedded database: a property of a class or relation, the run that wrote it, or
// who changed it by hand. A file made before the column was declared gains it, empty.

// name: schema.ladybug.%{name}.%key
ALTER TABLE %table ADD IF NOT EXISTS %key %kind;
