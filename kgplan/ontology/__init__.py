"""The vocabulary, the mapping and the constraints: what exists in the graph, as Turtle files."""

from importlib.resources import files


def ontology_text(file_name: str) -> str:
    """The text of one of this folder's files."""
    return files("kgplan.ontology").joinpath(file_name).read_text(encoding="utf-8")
