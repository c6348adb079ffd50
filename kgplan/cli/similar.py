"""`kgplan similar`: the concepts most similar to one, and what makes them so."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from kgplan.store.artifacts import ArtifactStore
from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.cli.stages import run_stage
from kgplan.errors import InputError, UnknownConcept
from kgplan.settings import read_settings

if TYPE_CHECKING:
    from kgplan.graph.snapshot import GraphSnapshot

HEADINGS = ("concept_id", "name", "English", "fused", "semantic", "collaborative", "learners")


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
    from kgplan.model import opening  # --help answers without the numerical libraries

    settings = read_settings()
    artifacts = ArtifactStore(settings.artifacts)
    artifact = artifacts.current("similarity")
    graph = opening.open_snapshot(settings)
    concept_id = find_concept(graph, concept)
    neighbours, notes = neighbours_of(artifacts, graph, concept_id, limit)
    if write_graph:
        from kgplan.pipeline.similar_graph import run_similar_graph

        run_stage(
            "similar concepts", lambda told: run_similar_graph(settings, limit, concept_id, told)
        )
    if as_json:
        alpha = artifact.manifest["config"]["alpha"]
        print_json(
            {"concept_id": concept_id, "alpha": alpha, "neighbours": neighbours, "notes": notes}
        )
        return
    shown = [tuple(row.values()) for row in neighbours]
    console.print(table(f"similar to {escape(concept_id)}", HEADINGS, shown))
    for note in notes:
        console.print(escape(note), highlight=False, soft_wrap=True)


def find_concept(graph: "GraphSnapshot", wanted: str) -> str:
    """The id of the concept that has this id or this exact name, Chinese or English.

    Raises:
        UnknownConcept: none has; close matches are listed.
        InputError: several have the name; their ids are listed.
    """
    from kgplan.model.catalogue import concept_entries
    from kgplan.data.search import search

    entries = concept_entries(graph)
    text = wanted.strip().casefold()
    for names_of in (lambda e: (e.id,), lambda e: e.names):
        found = [e.id for e in entries if text and text in map(str.casefold, names_of(e))]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(sorted(found))
            raise InputError(f"{len(found)} concepts are called {wanted!r}; give an id: {listed}")
    raise UnknownConcept(wanted, [e.id for e in search(entries, wanted, 3)] if text else [])


def neighbours_of(
    artifacts: ArtifactStore, graph: "GraphSnapshot", concept_id: str, limit: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """A concept's neighbours, most similar first, as rows to show, and what to know of them.

    Concepts that the stored similarity was made without take part by their vectors alone, see
    `kgplan.model.opening.with_new_concepts`.

    Raises:
        InputError: the similarity holds no neighbours, or no fact leads to the concept.
    """
    import numpy as np

    from kgplan.arrays import positions
    from kgplan.model.opening import open_neighbours, open_similarity, with_new_concepts

    artifact = artifacts.current("similarity")
    neighbours, stored = open_neighbours(artifact), open_similarity(artifact)
    embedding = artifact.manifest["inputs"]["embedding"]
    fused, provisional = with_new_concepts(stored, embedding, artifacts, graph)
    at, at_stored = (
        int(positions(ids, np.array([concept_id]))[0])
        for ids in (fused.concept_ids, stored.concept_ids)
    )
    if at < 0:
        raise InputError(
            f"concept {concept_id!r} has no vector, and no fact of the graph leads from it to a"
            " concept that has one; run `kgplan reembed`"
        )
    added = positions(stored.concept_ids, fused.concept_ids) < 0
    # pairs of stored concepts come as they were stored, all others are computed now
    others = np.flatnonzero(added if at_stored >= 0 else np.arange(added.size) != at)
    values = fused.pairs(np.full(others.size, at), others)
    if at_stored >= 0:
        row = slice(neighbours.indptr[at_stored], neighbours.indptr[at_stored + 1])
        near = positions(fused.concept_ids, stored.concept_ids[neighbours.indices[row]])
        others = np.concatenate([near, others])
        values = np.concatenate([neighbours.data[row], values])
    best = np.lexsort((others, -values))[:limit]
    others, values = others[best], values[best]
    parts = fused.parts(np.full(others.size, at), others)
    in_graph = positions(graph.concept_ids, fused.concept_ids[others])
    rows = [
        {
            "concept_id": str(fused.concept_ids[j]),
            "name": str(graph.concept_names[k]) if k >= 0 else "",
            "english": str(graph.concept_names_en[k]) if k >= 0 else "",
            "fused": float(value),
            "semantic": float(semantic),
            "collaborative": float(collaborative),
            "shared_learners": int(shared),
        }
        for j, k, value, semantic, collaborative, shared in zip(
            others.tolist(), in_graph.tolist(), values.tolist(),
            parts.semantic, parts.collaborative, parts.shared, strict=True,
        )
    ]  # fmt: skip
    listed = (at, *others.tolist())
    new = [str(fused.concept_ids[j]) for j in listed if added[j]]
    return rows, notes_on(new, set(provisional.tolist()))


def notes_on(added: Sequence[str], provisional: Container[str]) -> list[str]:
    """What to know of concepts that the similarity was made without.

    Args:
        added: their ids.
        provisional: ids of concepts that are newer than the vectors.

    >>> notes_on(["K_a"], set())
    ['Without learners of their own, compared by the graph alone: K_a.']
    """
    notes = []
    if added:
        notes.append(
            f"Without learners of their own, compared by the graph alone: {', '.join(added)}."
        )
    if estimated := [concept_id for concept_id in added if concept_id in provisional]:
        notes.append(
            f"Newer than the vectors: {', '.join(estimated)}. Their places are estimated from their"
            " neighbours in the graph until `kgplan reembed`."
        )
    return notes
