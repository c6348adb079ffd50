"""Which concepts are most similar to one, by the model in use?"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from kgplan.arrays import positions
from kgplan.errors import InputError
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.opening import open_neighbours, open_similarity, with_new_concepts
from kgplan.store.artifacts import ArtifactStore


@dataclass(frozen=True)
class Neighbour:
    """A concept that is similar to another.

    Attributes:
        concept_id, name, name_en: of the concept; "" where unknown.
        fused: eq. (8) of the two.
        semantic, collaborative: its parts, as eqs. (2) and (5) give them.
        shared_learners: how many learned both.
    """

    concept_id: str
    name: str
    name_en: str
    fused: float
    semantic: float
    collaborative: float
    shared_learners: int


class Neighbours:
    """The stored neighbours of concepts, and those of the concepts that were added since.

    Concepts that the stored similarity was made without take part by their vectors alone, see
    `kgplan.model.opening.with_new_concepts`.

    Args:
        artifacts: with the similarity in use.
        graph: as it is now.

    """

    def __init__(self, artifacts: ArtifactStore, graph: GraphSnapshot) -> None:
        artifact = artifacts.current("similarity")
        # first: an artifact of an older kgplan may lack them, and then says what to run
        self._near = open_neighbours(artifact)
        self._graph, self._stored = graph, open_similarity(artifact)
        embedding = artifact.manifest["inputs"]["embedding"]
        self._fused, provisional = with_new_concepts(self._stored, embedding, artifacts, graph)
        self._provisional = set(provisional.tolist())

    def of(self, concept_id: str, limit: int) -> tuple[list[Neighbour], list[str]]:
        """A concept's neighbours, most similar first, and what to know of them.

        Raises:
            InputError: the concept has no vector, and no fact leads to it.
        """
        fused, stored, graph = self._fused, self._stored, self._graph
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
            row = slice(self._near.indptr[at_stored], self._near.indptr[at_stored + 1])
            near = positions(fused.concept_ids, stored.concept_ids[self._near.indices[row]])
            others = np.concatenate([near, others])
            values = np.concatenate([self._near.data[row], values])
        best = np.lexsort((others, -values))[:limit]
        others, values = others[best], values[best]
        parts = fused.parts(np.full(others.size, at), others)
        in_graph = positions(graph.concept_ids, fused.concept_ids[others])
        rows = [
            Neighbour(
                str(fused.concept_ids[j]),
                str(graph.concept_names[k]) if k >= 0 else "",
                str(graph.concept_names_en[k]) if k >= 0 else "",
                *(float(value), float(semantic), float(collaborative), int(shared)),
            )
            for j, k, value, semantic, collaborative, shared in zip(
                others.tolist(), in_graph.tolist(), values.tolist(),
                parts.semantic, parts.collaborative, parts.shared, strict=True,
            )
        ]  # fmt: skip
        listed = (at, *others.tolist())
        new = [str(fused.concept_ids[j]) for j in listed if added[j]]
        return rows, notes_on(new, self._provisional)


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
