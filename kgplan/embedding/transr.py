"""How plausible is every entity as the tail of a fact? PyKEEN's TransR, one relation at a time.

PyKEEN projects the E candidates anew for each query, E d k multiplications; here the queries of
one relation share one projection. Parameters and scores stay plain TransR's: a state saved from
one class loads into the other.

Sizes: B queries, E entities, R relations, d dimension, k relation dimension.
"""

import torch
from pykeen.models import TransR

# Below the resolution of a float32 difference of squares; keeps the root's slope finite.
SMALLEST_SQUARE = 1e-10


class RelationwiseTransR(TransR):
    """TransR [lin2015] that projects all entities once per relation.

    ---
    citation:
        author: Lin
        year: 2015
        link: http://www.aaai.org/ocs/index.php/AAAI/AAAI15/paper/download/9571/9523/
    """

    def project(self, relation: int) -> torch.Tensor:
        """All entities in the space of one relation, shortened to the largest norm allowed.

        Args:
            relation: PyKEEN's inner id, r = 2i, its inverse 2i + 1.

        Returns:
            (E, k).
        """
        entities = self.entity_representations[0](None)
        (projection,) = self.relation_representations[1](self._index(relation))
        projected = entities @ projection
        # pykeen.utils.clamp_norm in one product instead of four
        largest = self.interaction.max_projection_norm
        norm = torch.linalg.vector_norm(projected, self.interaction.p, dim=-1, keepdim=True)
        return projected * (largest / norm.clamp_min(largest))

    def distances(
        self, heads: torch.Tensor, relation: int, projected: torch.Tensor
    ) -> torch.Tensor:
        """How far every entity is from being the tail, for several heads and one relation.

        Args:
            heads: (B,) entity numbers.
            relation: PyKEEN's inner id.
            projected: (E, k) what `project` returned for it; in training, after dropout.

        Returns:
            (B, E) distances, or their powers if PyKEEN's `power_norm` says so: minus the scores.
        """
        vector = self.relation_representations[0](self._index(relation))
        return self._to_all(projected[heads] + vector, projected)

    def _to_all(self, queries: torch.Tensor, projected: torch.Tensor) -> torch.Tensor:
        """(B, E) distances, or their powers, from (B, k) places to all projected entities."""
        interaction = self.interaction
        if interaction.p != 2:
            distance = torch.cdist(queries, projected, p=interaction.p)
            return distance**interaction.p if interaction.power_norm else distance
        # |q - t|^2 = |q|^2 + |t|^2 - 2 q.t: one matrix product in place of B E differences
        squares = (queries**2).sum(1, keepdim=True) + (projected**2).sum(1)
        distance_squared = torch.addmm(squares, queries, projected.T, alpha=-2)
        if interaction.power_norm:
            return distance_squared
        return distance_squared.clamp_min(SMALLEST_SQUARE).sqrt()

    def score_t(
        self,
        hr_batch: torch.Tensor,
        *,
        slice_size: int | None = None,
        mode: str | None = None,
        tails: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """PyKEEN's scoring of all tails: (B, 2) head, relation -> (B, E)."""
        sliced = slice_size is not None and slice_size < self.num_entities
        if sliced or tails is not None or mode is not None:
            return super().score_t(hr_batch, slice_size=slice_size, mode=mode, tails=tails)
        scores = torch.empty(len(hr_batch), self.num_entities, device=hr_batch.device)
        for relation in hr_batch[:, 1].unique().tolist():
            rows = (hr_batch[:, 1] == relation).nonzero()[:, 0]
            heads = hr_batch[rows, 0]
            scores[rows] = -self.distances(heads, relation, self.project(relation))
        return scores

    def score_h(
        self,
        rt_batch: torch.Tensor,
        *,
        slice_size: int | None = None,
        mode: str | None = None,
        heads: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """PyKEEN's scoring of all heads: (B, 2) relation, tail -> (B, E)."""
        sliced = slice_size is not None and slice_size < self.num_entities
        if sliced or heads is not None or mode is not None:
            return super().score_h(rt_batch, slice_size=slice_size, mode=mode, heads=heads)
        scores = torch.empty(len(rt_batch), self.num_entities, device=rt_batch.device)
        for relation in rt_batch[:, 0].unique().tolist():
            rows = (rt_batch[:, 0] == relation).nonzero()[:, 0]
            projected = self.project(relation)
            vector = self.relation_representations[0](self._index(relation))
            # |h + w - t| = |(t - w) - h|
            scores[rows] = -self._to_all(projected[rt_batch[rows, 1]] - vector, projected)
        return scores

    def _index(self, relation: int) -> torch.Tensor:
        return torch.tensor([relation], device=self.device)
