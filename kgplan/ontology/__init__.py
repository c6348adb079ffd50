"""The vocabulary, the mapping and the constraints: what exists in the graph, as Turtle files."""
