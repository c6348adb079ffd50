"""Train the tower on pairs: a learner cut after a few rows, and one of whom all rows are known.

PyTorch is imported here alone.
Sizes: B learners, P pairs, U known learners, V items, G groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Floats, Ids, Ints
from kgplan.coldstart.config import AHEAD, CUTS, TowerConfig
from kgplan.coldstart.features import Encoder, Groups, Histories, encoder_of, weighed
from kgplan.coldstart.model import ColdStart
from kgplan.coldstart.neighbours import nearest
from kgplan.coldstart.pairs import drawn, likeness
from kgplan.coldstart.serving import Tower, embedded
from kgplan.data.records import LearnerRecords
from kgplan.progress import Progress, silent

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def parts_of(learner_ids: Ids) -> Ids:
    """(U,) `TRAIN`, `VALIDATION` or `TEST` of each learner, by the hash of the id: 14, 3, 3 of 20.

    >>> parts_of(np.array(["U_1", "U_2", "U_3"])).tolist()
    ['train', 'validation', 'train']
    """
    place = np.array([int(sha256(f"hsnn:{u}".encode()).hexdigest(), 16) % 20 for u in learner_ids])
    return np.where(place < 14, TRAIN, np.where(place < 17, VALIDATION, TEST))


@dataclass(frozen=True)
class Trained:
    """What training gave.

    Attributes:
        model: what is served; its known learners are those that it was trained on.
        losses: of each epoch, the mean over pairs.
        near: of each epoch, how like the neighbours of learners kept apart turned out to be, the
            mean t of the k nearest; the epoch of the largest is served.
    """

    model: ColdStart
    losses: tuple[float, ...]
    near: tuple[float, ...]


def train(
    histories: Histories,
    records: LearnerRecords,
    facts: sparse.csr_array,
    learners: Ints,
    apart: Ints,
    config: TowerConfig,
    progress: Progress = silent,
) -> Trained:
    """Train, and keep the epoch whose neighbours are best for learners kept apart.

    Args:
        histories: of the records.
        records: whose items, concepts and courses these are.
        facts: (C, F) stored where the course has the school, teacher or field.
        learners: who is known, by position, each with a row or more.
        apart: who chooses the epoch and the confidence, by position.
        config: settings.
        progress: told of epochs.

    Returns:
        Where no two learners have anything in common, a tower as it was drawn, of no confidence.
    """
    import torch

    encoder = encoder_of(histories, learners, facts, records, CUTS)
    side = _Side(torch, encoder, config)
    whole = encoder.groups([histories.cut(u) for u in learners.tolist()])
    weight = encoder.item_weight
    rows = weighed([histories.all_of(u) for u in learners.tolist()], weight)
    judged = _cases(histories, apart, encoder, weight)
    truth = likeness(judged.later, rows, np.full(judged.later.shape[0], -1))
    losses: list[float] = []
    near: list[float] = []
    best = side.tower()
    for epoch in range(1, config.epochs + 1):
        rng = np.random.default_rng([config.seed, epoch])
        order = rng.permutation(learners.size)
        lost, n_pairs = 0.0, 0
        for batch in np.split(order, range(config.batch, order.size, config.batch)):
            cuts = rng.choice(CUTS, batch.size)
            if not config.cuts:
                cuts = np.maximum(histories.sizes[learners[batch]] - AHEAD, 1)
            cases = _cases(histories, learners[batch], encoder, weight, cuts)
            pairs = drawn(likeness(cases.later, rows, batch), config.alike, rng)
            if pairs.alike.size:
                known, at = np.unique(pairs.known, return_inverse=True)
                loss = side.descend(cases.groups, whole.only(known), (pairs.asked, at, pairs.alike))
                lost, n_pairs = lost + loss * pairs.alike.size, n_pairs + pairs.alike.size
        if not n_pairs:
            break
        losses.append(lost / n_pairs)
        tower = side.tower()
        found = _found(tower, whole, judged.groups, config.neighbours)[0]
        near.append(float(np.take_along_axis(truth, found, 1).mean()) if truth.size else 0.0)
        if near[-1] >= max(near):
            best = tower
        progress("epochs", epoch, config.epochs)
        if truth.size and epoch - 1 - int(np.argmax(near)) >= config.patience:
            break
    found, alike = _found(best, whole, judged.groups, config.neighbours)
    similar, sure = _sureness(truth, found, alike) if near else (np.zeros(0), np.zeros(0))
    model = ColdStart(
        encoder,
        best,
        records.learner_ids[learners],
        best(whole)[0].astype(np.float32),
        opened_by(histories, learners, weight.size),
        similar,
        sure,
        config.neighbours,
    )
    return Trained(model, tuple(losses), tuple(near))


def opened_by(histories: Histories, learners: Ints, n_items: int) -> sparse.csr_array:
    """(U, V) 1 where the learner opened the item."""
    rows = weighed([histories.all_of(u) for u in learners.tolist()], np.ones(n_items))
    rows.data[:] = 1
    return rows


def known_to(model: ColdStart, histories: Histories, learners: Ints, learner_ids: Ids) -> ColdStart:
    """The same tower with other known learners.

    Args:
        model: as trained.
        histories: of the records.
        learners: who is known, by position.
        learner_ids: (U,) of the records.
    """
    whole = model.encoder.groups([histories.cut(u) for u in learners.tolist()])
    opened = opened_by(histories, learners, model.encoder.item_weight.size)
    vectors = model.tower(whole)[0].astype(np.float32)
    return ColdStart(
        model.encoder, model.tower, learner_ids[learners], vectors, opened,
        model.mean_similarity, model.sure, model.neighbours,
    )  # fmt: skip


@dataclass(frozen=True)
class _Cut:
    """Learners at a cut, and (B, V) what each did behind it, in rows of length 1."""

    groups: Groups
    later: sparse.csr_array


def _cases(
    histories: Histories,
    learners: Ints,
    encoder: Encoder,
    weight: Floats,
    cuts: Ints | None = None,
) -> _Cut:
    """Learners at one cut each; at every one of `CUTS` where none is given."""
    if cuts is None:
        learners, cuts = np.repeat(learners, len(CUTS)), np.tile(CUTS, learners.size)
    pairs = list(zip(learners.tolist(), cuts.tolist(), strict=True))
    groups = encoder.groups([histories.cut(u, n) for u, n in pairs])
    later = [histories.all_of(u)[n : n + AHEAD] for u, n in pairs]
    return _Cut(groups, weighed(later, weight))


def _found(tower: Tower, whole: Groups, asked: Groups, k: int) -> tuple[Ints, Floats]:
    return nearest(tower(whole)[0], tower(asked)[0], k)


def _sureness(truth: Floats, found: Ints, alike: Floats) -> tuple[Floats, Floats]:
    """Confidence by mean S: how like the neighbours are, of how like the best ones are."""
    from sklearn.isotonic import IsotonicRegression

    best = -np.sort(-truth, axis=1)[:, : found.shape[1]].mean(axis=1)
    some = best > 0
    if not some.any():
        return np.zeros(0), np.zeros(0)
    reached = np.take_along_axis(truth, found, 1).mean(axis=1)[some] / best[some]
    line = IsotonicRegression(y_min=0, y_max=1).fit(alike.mean(axis=1)[some], reached)
    return line.X_thresholds_.astype(np.float64), line.y_thresholds_.astype(np.float64)


class _Side:
    """The parameters of both sides, and Adam."""

    def __init__(self, torch: Any, encoder: Encoder, config: TowerConfig) -> None:
        self.torch, self.config = torch, config
        self.widths = encoder.widths
        rng = np.random.default_rng(config.seed)

        def drawn(*shape: int) -> Floats:
            bound = np.sqrt(6 / (shape[0] + shape[1]))  # Xavier
            return rng.uniform(-bound, bound, shape)

        n_groups, d = len(self.widths), config.hidden
        arrays = {f"project_{g}": drawn(width, d) for g, width in enumerate(self.widths)}
        arrays |= {
            "bias": np.zeros((n_groups, d)),
            "attend": drawn(d, config.attention),
            "attend_bias": np.zeros(config.attention),
            "attend_out": drawn(config.attention, 1)[:, 0],
            "out": drawn(d, config.width),
            "out_bias": rng.normal(0, 0.01, config.width),
        }
        self.parameters = {
            name: torch.tensor(each.astype(np.float32)).requires_grad_()
            for name, each in arrays.items()
        }
        self.adam = torch.optim.Adam(list(self.parameters.values()), lr=config.rate)
        self.rng = torch.Generator().manual_seed(config.seed)

    def vectors(self, groups: Groups) -> Any:
        """(B, d) in training: a share of each group's vector is left out."""
        torch, keep = self.torch, 1 - self.config.dropout
        each = [
            self._times(part, self.parameters[f"project_{g}"])
            for g, part in enumerate(groups.parts)
        ]
        hidden = torch.relu(torch.stack(each, dim=1) + self.parameters["bias"])
        hidden = hidden * (torch.rand(hidden.shape, generator=self.rng) < keep) / keep
        present = torch.tensor(groups.present.astype(np.float32))
        return embedded(torch, hidden, present, self.parameters, self.config.attends)[0]

    def _times(self, part: sparse.csr_array, weight: Any) -> Any:
        stored = part.tocoo()
        at = np.stack([stored.row, stored.col])
        told = self.torch.sparse_coo_tensor(
            at, stored.data.astype(np.float32), part.shape, check_invariants=True
        )
        return self.torch.sparse.mm(told, weight)

    def descend(self, asked: Groups, known: Groups, pairs: tuple[Ints, Ints, Floats]) -> float:
        """One step of Adam on the contrastive loss; its mean over pairs."""
        torch = self.torch
        left, right = (
            self.vectors(side)[torch.tensor(at)]
            for side, at in zip((asked, known), pairs[:2], strict=True)
        )
        loss = contrastive(
            torch, left, right, torch.tensor(pairs[2].astype(np.float32)), self.config.margin
        )
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return float(loss.detach())

    def tower(self) -> Tower:
        """What is served."""
        arrays: Mapping[str, Floats] = {
            name: each.detach().numpy().astype(np.float64) for name, each in self.parameters.items()
        }
        project = np.concatenate([arrays[f"project_{g}"] for g in range(len(self.widths))])
        starts = np.concatenate([[0], np.cumsum(self.widths)]).astype(np.int64)
        return Tower(
            project, starts, arrays["bias"], arrays["attend"], arrays["attend_bias"],
            arrays["attend_out"], arrays["out"], arrays["out_bias"], self.config.attends,
        )  # fmt: skip


def contrastive(xp: Any, left: Any, right: Any, alike: Any, margin: float) -> Any:
    """Mean of y D^2 + (1 - y) max(0, m - D)^2.

    Args:
        xp: numpy or torch.
        left, right: (P, d) vectors of both sides.
        alike: (P,) y.
        margin: m.
    """
    squared = ((left - right) ** 2).sum(axis=-1)
    distance = xp.sqrt(squared + 1e-12)  # a root has no slope at 0
    short = (margin - distance) * (distance < margin)
    return (alike * squared + (1 - alike) * short**2).mean()
