"""`kgplan similar`: the concepts most similar to one, and what makes them so."""

from dataclasses import astuple
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.cli.stages import run_stage
from kgplan.errors import UnknownConcept
from kgplan.settings import read_settings
from kgplan.store.artifacts import ArtifactStore

HEADINGS = ("concept_id", "name", "English", "fused", "semantic", "collaborative", "learners")
KEYS = (
    *("concept_id", "name", "english", "fused", "semantic", "collaborative", "shared_learners"),
)


def similar(
    concept: Annotated[str, typer.Argument(help="A concept's id, or its exact name.")],
    limit: Annotated[int, typer.Option(help="Neighbours at most.", min=1, max=50)] = 10,
    write_graph: Annotated[
        bool,
        typer.Option("--write-graph", help="Put them into the graph too, as SIMILAR_TO."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The concepts most similar to one, by the graph and by the learners of both.

    Learners: how many learned both. The parts are shown as eqs. (2) and (5) give them;
    the fused value joins them after each was normalised over all pairs. Concepts that no learner
    record names take part by the graph alone, and a sentence says so.

    [bold]Examples:[/] kgplan similar 二叉树 · kgplan similar "binary search tree" --limit 5 ·
    kgplan similar 栈 --limit 20 --write-graph
    """
    from kgplan.data.search import SearchIndex
    from kgplan.model import opening  # --help answers without the numerical libraries
    from kgplan.model.catalogue import list_concepts
    from kgplan.model.names import meant
    from kgplan.model.neighbours import Neighbours

    settings = read_settings()
    artifacts = ArtifactStore(settings.artifacts)
    artifact = artifacts.current("similarity")
    graph = opening.open_snapshot(settings)
    concept_id = meant(concept, SearchIndex(list_concepts(graph)), UnknownConcept)
    neighbours, notes = Neighbours(artifacts, graph).of(concept_id, limit)
    if write_graph:
        from kgplan.pipeline.similar_graph import run_similar_graph

        run_stage(
            "similar concepts", lambda told: run_similar_graph(settings, limit, concept_id, told)
        )
    if as_json:
        alpha = artifact.manifest["config"]["alpha"]
        rows = [dict(zip(KEYS, astuple(row), strict=True)) for row in neighbours]
        print_json({"concept_id": concept_id, "alpha": alpha, "neighbours": rows, "notes": notes})
        return
    title = f"similar to {escape(concept_id)}"
    console.print(table(title, HEADINGS, [astuple(row) for row in neighbours]))
    for note in notes:
        console.print(escape(note), highlight=False, soft_wrap=True)
