"""A course of ten concepts in plain tables, which `kgplan init` writes."""
