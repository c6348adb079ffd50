"""What do recommenders that others wrote down name next, that know nothing but who opened what?

Trained by PyTorch, which is imported here alone, on the CPU.
[rendle2009, BPR: Bayesian personalized ranking from implicit feedback; he2020, LightGCN;
hidasi2016, Session-based recommendations with recurrent neural networks].
Sizes: U learners, V resources, N views, d width, B views or pieces at once, T views of a piece.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kgplan.arrays import Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.evaluation.resources.protocol import Context, Method
from kgplan.resources.network.lightgcn import both_ways, normalised, propagated
from kgplan.resources.simple import time_lines


@dataclass(frozen=True)
class RivalConfig:
    """Settings.

    Attributes:
        width: d.
        epochs, rate, l2: of Adam; the decay is of the vectors of a batch.
        batch: views, or pieces of a time line.
        layers: that views are propagated over; 0 for none.
        piece: T.
    """

    width: int = 64
    epochs: int = 20
    rate: float = 5e-3
    l2: float = 1e-4
    batch: int = 4_096
    layers: int = 0
    piece: int = 50


def factors(config: RivalConfig) -> Callable[[LearnerRecords, int], Method]:
    """BPR on learners' and resources' vectors; with layers, LightGCN."""

    def fitted(records: LearnerRecords, seed: int) -> Method:
        import torch

        rng = np.random.default_rng(seed)
        n_learners, n_items = records.viewed.shape
        views = records.viewed.tocoo()
        pairs = views.row.astype(np.int64), views.col.astype(np.int64)
        edges = both_ways(pairs[0], pairs[1] + n_learners, n_learners + n_items)
        norm = normalised(edges).tocoo()
        graph = torch.sparse_coo_tensor(
            np.stack([norm.row, norm.col]),
            norm.data.astype(np.float32),
            norm.shape,
            check_invariants=True,
        ).coalesce()
        size = n_learners + n_items, config.width
        first = torch.tensor((0.1 * rng.normal(size=size)).astype(np.float32)).requires_grad_()
        adam = torch.optim.Adam([first], lr=config.rate)
        opened = set(zip(*(each.tolist() for each in pairs), strict=True))
        for _ in range(config.epochs):
            order = rng.permutation(pairs[0].size)
            for some in np.split(order, range(config.batch, order.size, config.batch)):
                learner, item = pairs[0][some], pairs[1][some]
                other = _unopened(rng, opened, learner, n_items)
                e = propagated(graph, first, config.layers) if config.layers else first
                u, v, w = (e[at] for at in (learner, item + n_learners, other + n_learners))
                loss = torch.nn.functional.softplus((u * (w - v)).sum(dim=1)).mean()
                raw = (first[at] for at in (learner, item + n_learners, other + n_learners))
                decay = sum(each.square().sum() for each in raw) / some.size
                adam.zero_grad()
                (loss + config.l2 * decay).backward()
                adam.step()
        with torch.no_grad():
            e = (propagated(graph, first, config.layers) if config.layers else first).numpy()
        learners, items = e[:n_learners], e[n_learners:]

        def scores(context: Context, asked: Ints) -> Floats:
            return items[asked] @ learners[context.learner]

        return scores

    return fitted


def _unopened(
    rng: np.random.Generator, opened: set[tuple[int, int]], learner: Ints, n_items: int
) -> Ints:
    """A resource for each that its learner did not open; drawn again up to ten times."""
    drawn = rng.integers(0, n_items, learner.size)
    for _ in range(10):
        seen = zip(learner.tolist(), drawn.tolist(), strict=True)
        again = np.flatnonzero([pair in opened for pair in seen])
        if not again.size:
            break
        drawn[again] = rng.integers(0, n_items, again.size)
    return drawn


def recurrent(config: RivalConfig) -> Callable[[LearnerRecords, int], Method]:
    """PyTorch's gated recurrent units over views in order, a softmax over all resources behind
    each view."""

    def fitted(records: LearnerRecords, seed: int) -> Method:
        import torch

        nn, rng = torch.nn, np.random.default_rng(seed)
        items, starts = time_lines(records)
        lines = np.split(items.astype(np.int64), starts[1:-1])
        pieces = [
            line[at : at + config.piece + 1]
            for line in lines
            for at in range(0, line.size - 1, config.piece)
        ]
        n_items = records.item_ids.size
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            vectors = nn.Embedding(n_items + 1, config.width, padding_idx=n_items)
            units = nn.GRU(config.width, config.width, batch_first=True)
            out = nn.Linear(config.width, n_items)
        parts: list[Any] = [vectors, units, out]
        adam = torch.optim.Adam([p for part in parts for p in part.parameters()], lr=config.rate)
        for _ in range(config.epochs):
            order = rng.permutation(len(pieces))
            for some in np.split(order, range(config.batch, order.size, config.batch)):
                given, coming = _padded([pieces[k] for k in some.tolist()], n_items)
                states, _ = units(vectors(torch.tensor(given)))
                there = torch.tensor(coming < n_items)
                said = out(states[there])
                loss = nn.functional.cross_entropy(said, torch.tensor(coming)[there])
                adam.zero_grad()
                loss.backward()
                adam.step()

        def scores(context: Context, asked: Ints) -> Floats:
            latest = context.history[-config.piece :]
            if not latest.size:
                return np.zeros(asked.size)
            with torch.no_grad():
                states, _ = units(vectors(torch.tensor(latest[None].astype(np.int64))))
                found: Floats = out(states[0, -1]).numpy()[asked]
            return found

        return scores

    return fitted


def _padded(pieces: list[Ints], nothing: int) -> tuple[Ints, Ints]:
    """(B, T) views, and those behind each; `nothing` behind the last."""
    longest = max(piece.size for piece in pieces) - 1
    found = np.full((2, len(pieces), longest), nothing, dtype=np.int64)
    for k, piece in enumerate(pieces):
        found[0, k, : piece.size - 1], found[1, k, : piece.size - 1] = piece[:-1], piece[1:]
    return found[0], found[1]


RIVALS: Mapping[str, Callable[[LearnerRecords, int], Method]] = {
    "BPR": factors(RivalConfig()),
    "LightGCN": factors(RivalConfig(layers=3)),
    "GRU": recurrent(RivalConfig(epochs=8, batch=64)),
}
