"""How plausible are the facts of a mixed batch? TransR's scores, one matrix product per relation.

PyKEEN looks up a (d, k) projection for every fact and projects every head and tail by its own.
Here each (relation, entity) pair of a batch is projected once, all pairs of a relation in one
product, and the slopes go the same way back. The scores are those of `TransR.score_hrt`.

Sizes: B groups of facts, C facts of a group (a positive and its negatives share a relation),
P (relation, entity) pairs, M entities, R relations, d dimension, k relation dimension.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from kgplan.arrays import Ints


@dataclass(frozen=True)
class Grouping:
    """Where the facts of a batch find their projected entities.

    Attributes:
        entities: (M,) the entities of the batch, sorted.
        entity_of_pair: (P,) place in `entities` of each pair; pairs are sorted by relation.
        parts: (relation, first pair, behind the last pair) of each relation of the batch.
        head_pair, tail_pair: (B, C) the pair of each fact's head and tail.
        relations: (B,) of each group.
    """

    entities: torch.Tensor
    entity_of_pair: torch.Tensor
    parts: tuple[tuple[int, int, int], ...]
    head_pair: torch.Tensor
    tail_pair: torch.Tensor
    relations: torch.Tensor

    @classmethod
    def of(
        cls, heads: Ints, relations: Ints, tails: Ints, n_entities: int, device: torch.device
    ) -> "Grouping":
        """Find the different pairs of a batch.

        Args:
            heads, tails: (B, C) entity numbers.
            relations: (B,) relation numbers.
            n_entities: of the whole graph.
            device: where the scores will be computed.
        """
        base = relations[:, None] * n_entities
        pairs, place = np.unique(np.stack([base + heads, base + tails]), return_inverse=True)
        relation_of_pair, entity_of_pair = np.divmod(pairs, n_entities)
        entities, within = np.unique(entity_of_pair, return_inverse=True)
        starts = np.flatnonzero(np.diff(relation_of_pair, prepend=-1)).tolist()
        ends = [*starts[1:], pairs.size]
        numbers = relation_of_pair[starts].tolist()
        head_pair, tail_pair = place.reshape(2, *heads.shape)
        return cls(
            entities=torch.from_numpy(entities).to(device),
            entity_of_pair=torch.from_numpy(within).to(device),
            parts=tuple(zip(numbers, starts, ends, strict=True)),
            head_pair=torch.from_numpy(head_pair).to(device),
            tail_pair=torch.from_numpy(tail_pair).to(device),
            relations=torch.from_numpy(relations).to(device),
        )


def grouped_scores(
    entities: torch.Tensor,
    relation_vectors: torch.Tensor,
    projections: torch.Tensor,
    grouping: Grouping,
    norm: int,
    squared: bool,
    largest: float = 1.0,
    kept: torch.Tensor | None = None,
) -> torch.Tensor:
    """TransR's scores of a batch, with slopes for the three tables.

    Args:
        entities: (M, d) vectors of `grouping.entities`.
        relation_vectors: (R, k).
        projections: (R, d, k).
        grouping: of the batch.
        norm: p of the distance, 1 or 2.
        squared: the distance's p-th power instead (PyKEEN's `power_norm`).
        largest: norm to which projected entities are shortened.
        kept: (P, k) factors of the projected entities, for dropout.

    Returns:
        (B, C) scores, minus the distances.
    """
    return _GroupedScores.apply(
        entities, relation_vectors, projections, grouping, norm, squared, largest, kept
    )


class _GroupedScores(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        entities: torch.Tensor,
        relation_vectors: torch.Tensor,
        projections: torch.Tensor,
        grouping: Grouping,
        norm: int,
        squared: bool,
        largest: float,
        kept: torch.Tensor | None,
    ) -> torch.Tensor:
        paired = entities[grouping.entity_of_pair]
        projected = paired.new_empty(len(paired), projections.shape[2])
        for relation, start, end in grouping.parts:
            torch.mm(paired[start:end], projections[relation], out=projected[start:end])
        length = torch.linalg.vector_norm(projected, norm, dim=1, keepdim=True)
        shortening = largest / length.clamp_min(largest)
        shortened = projected * shortening
        seen = shortened if kept is None else shortened * kept
        apart = seen[grouping.head_pair] - seen[grouping.tail_pair]
        apart += relation_vectors[grouping.relations][:, None]
        distance = torch.linalg.vector_norm(apart, norm, dim=-1)
        ctx.save_for_backward(paired, projections, shortening, shortened, apart, distance, kept)
        ctx.settings = grouping, norm, squared, largest, len(entities), len(relation_vectors)
        return -(distance**norm) if squared else -distance

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        paired, projections, shortening, shortened, apart, distance, kept = ctx.saved_tensors
        grouping, norm, squared, largest, n_entities, n_relations = ctx.settings
        if norm == 1:
            of_apart = apart.sign() * -slope[..., None]
        elif squared:
            of_apart = apart * (-2 * slope[..., None])
        else:  # where the distance is 0 the slope is 0, as in torch
            of_apart = apart * (-slope / distance.masked_fill(distance == 0, 1))[..., None]
        width = apart.shape[-1]
        of_seen = shortened.new_zeros(shortened.shape)
        flat = of_apart.view(-1, width)
        of_seen.index_add_(0, grouping.head_pair.view(-1), flat)
        of_seen.index_add_(0, grouping.tail_pair.view(-1), flat, alpha=-1)
        of_relations = apart.new_zeros(n_relations, width)
        of_relations.index_add_(0, grouping.relations, of_apart.sum(1))

        # A shortened vector x / |x| moves only across its direction.
        of_shortened = of_seen if kept is None else of_seen * kept
        along = (of_shortened * shortened).sum(1, keepdim=True) / largest
        along = along * (shortening < 1)
        ray = shortened.sign() if norm == 1 else shortened / largest
        of_projected = shortening * (of_shortened - along * ray)

        of_paired = torch.empty_like(paired)
        of_projections = torch.zeros_like(projections)
        for relation, start, end in grouping.parts:
            part = of_projected[start:end]
            torch.mm(part, projections[relation].T, out=of_paired[start:end])
            torch.mm(paired[start:end].T, part, out=of_projections[relation])
        of_entities = paired.new_zeros(n_entities, paired.shape[1])
        of_entities.index_add_(0, grouping.entity_of_pair, of_paired)
        return of_entities, of_relations, of_projections, None, None, None, None, None
