"""Train the network on views: a resource opened next against some never opened (BPR).

PyTorch is imported here alone. Losses go down by Adam on what eq. (1) to (7) say together; which
parts are in is `NetworkConfig`.
Sizes: U learners, V resources, K concepts, N nodes, M modalities, d width, B learners at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.records import LearnerRecords
from kgplan.errors import InputError
from kgplan.progress import Progress, silent
from kgplan.resources.blend.signals import known_of, nominated
from kgplan.resources.network.config import NetworkConfig
from kgplan.resources.network.features import Modalities
from kgplan.resources.network.lightgcn import propagated, two_graphs
from kgplan.resources.network.model import (
    Network,
    item_scores,
    leading_up,
    learner_state,
    masked,
    offsets_of,
    padded,
    wait,
)
from kgplan.resources.network.score import OFFSETS
from kgplan.resources.simple import time_lines

GATE_WIDTH = 32
OFFSETS_RATE = 10  # times the rate: one number a place has to grow as large as a sum of many
WAIT_WEIGHT = 0.1  # of the squared error of waits, specification section 4


@dataclass(frozen=True)
class TrainingState:
    """Where training stands; it goes on from here as if it had not stopped.

    Attributes:
        epoch: that is done.
        losses: of each, the mean over learners.
        arrays: parameters, and both moments of Adam, by name.
    """

    epoch: int
    losses: tuple[float, ...]
    arrays: Mapping[str, Array]


Keep = Callable[[TrainingState], None]


def train(
    records: LearnerRecords,
    contents: Modalities,
    vectors: Floats,
    before: sparse.csr_array,
    config: NetworkConfig,
    progress: Progress = silent,
    keep: Keep | None = None,
    start: TrainingState | None = None,
    waits: Sequence[Floats] | None = None,
) -> tuple[Network, TrainingState]:
    """Train, and give what is served.

    Args:
        records: with the order of views.
        contents: of the records' resources.
        vectors: (K, d') of the graph's embedding; NaN for a concept without one.
        before: (K, K) where the column's concept is a prerequisite of the row's.
        config: settings.
        progress: told of epochs.
        keep: told where training stands, behind each epoch.
        start: where it stood.
        waits: of each learner and view, log(1 + hours) from the view before, a second target with
            `WAIT_WEIGHT`; where None, `Network.wait` says nothing.

    Raises:
        InputError: no learner has two views, or the order is not known.
    """
    import torch

    items, starts = time_lines(records)
    lines: list[Ints] = np.split(items.astype(np.int64), starts[1:-1])
    able = np.array([u for u, line in enumerate(lines) if line.size > 1], dtype=np.int64)
    if not able.size:
        raise InputError(
            f"no learner of {len(lines)} has two views, so that nothing was opened next; give"
            " records with more views"
        )
    world = _World(torch, records, contents, vectors, before, config)
    state = TrainingState(0, (), world.arrays()) if start is None else start
    world.resume(state)
    for epoch in range(state.epoch + 1, config.epochs + 1):
        rng = np.random.default_rng([config.seed, epoch])
        total = 0.0
        for batch in np.split(rng.permutation(able), range(config.batch, able.size, config.batch)):
            total += world.descend(batch, lines, rng, waits) * batch.size
        state = TrainingState(epoch, (*state.losses, total / able.size), world.arrays())
        if keep is not None:
            keep(state)
        progress("epochs", epoch, config.epochs)
    return world.network(), state


class _World:
    """The data as tensors, the parameters, and Adam."""

    def __init__(
        self,
        torch: Any,
        records: LearnerRecords,
        contents: Modalities,
        vectors: Floats,
        before: sparse.csr_array,
        config: NetworkConfig,
    ) -> None:
        self.torch, self.config = torch, config
        self.known = known_of(records)
        self.steps_up = leading_up(records.q_matrix, before)
        self.n_learners, self.n_items = records.viewed.shape
        graph = two_graphs(records.viewed, records.q_matrix, before, config.knowledge).tocoo()
        self.graph = torch.sparse_coo_tensor(
            np.stack([graph.row, graph.col]),
            graph.data.astype(np.float32),
            graph.shape,
            check_invariants=True,
        ).coalesce()
        self.parts = [torch.tensor(part.astype(np.float32)) for part in contents.parts]
        self.present = torch.tensor(masked(contents.present, config).astype(np.float32))
        self.vectors = torch.tensor(np.nan_to_num(vectors).astype(np.float32))
        self.parameters = self._drawn(np.random.default_rng(config.seed))
        others = [each for name, each in self.parameters.items() if name != "offsets"]
        self.adam = torch.optim.Adam(
            [
                {"params": others},
                {"params": [self.parameters["offsets"]], "lr": OFFSETS_RATE * config.rate},
            ],
            lr=config.rate,
        )

    def _drawn(self, rng: np.random.Generator) -> dict[str, Any]:
        d = self.config.width

        def drawn(*shape: int) -> Floats:
            return rng.normal(0, 1 / np.sqrt(shape[0]), shape)

        arrays: dict[str, Floats] = {
            "e_learners": 0.1 * rng.normal(size=(self.n_learners, d)),
            "e_items": 0.1 * rng.normal(size=(self.n_items, d)),
            "e_content": 0.1 * drawn(d, d),
            "e_concepts": 0.1 * drawn(self.vectors.shape[1], d),
            "gate_part": drawn(d, GATE_WIDTH),
            "gate_taste": drawn(d, GATE_WIDTH),
            "gate_bias": np.zeros(GATE_WIDTH),
            "gate_out": drawn(GATE_WIDTH),
            "gate_of": np.zeros(len(self.parts)),
            "x_content": drawn(d, d),
            "x_graph": drawn(d, d),
            "x_bias": np.zeros(d),
            "lstm_x": drawn(d, 4 * d),
            "lstm_h": drawn(d, 4 * d),
            "lstm_bias": np.zeros(4 * d),
            "carry": np.zeros((d, d)),
            "att_in": drawn(d, d),
            "att_bias": np.zeros(d),
            "att_out": drawn(d),
            "match_out": drawn(d),
            "offsets": np.zeros(OFFSETS),
            "wait_out": np.zeros(d),
            "wait_bias": np.zeros(1),
        }
        names = ("u_graph", "u_content", "u_views", "match_learner", "match_graph", "match_content")
        arrays |= {name: drawn(d, d) for name in names}
        for m, part in enumerate(self.parts):
            arrays |= {f"part_{m}": drawn(part.shape[1], d), f"part_bias_{m}": np.zeros(d)}
        made = {name: self.torch.tensor(each.astype(np.float32)) for name, each in arrays.items()}
        return {name: tensor.requires_grad_() for name, tensor in made.items()}

    def tensors(self) -> dict[str, Any]:
        """What `learner_state` reads, and `learners`."""
        p = self.parameters
        shares = [
            (part @ p[f"part_{m}"] + p[f"part_bias_{m}"]) * self.present[:, m, None]
            for m, part in enumerate(self.parts)
        ]
        z = self.torch.stack(shares, dim=1)
        first = self.torch.cat(
            [
                p["e_learners"],
                p["e_items"] + z.sum(dim=1) @ p["e_content"],
                self.vectors @ p["e_concepts"],
            ]
        )
        e = propagated(self.graph, first, self.config.layers)
        items = self.n_learners, self.n_learners + self.n_items
        return {
            **p,
            "z": z,
            "present": self.present,
            "learners": e[: items[0]],
            "graph": e[items[0] : items[1]],
        }

    def descend(
        self,
        batch: Ints,
        lines: list[Ints],
        rng: np.random.Generator,
        waits: Sequence[Floats] | None,
    ) -> float:
        """One step of Adam on a batch of learners; its loss."""
        torch, config = self.torch, self.config
        histories, asked, offsets = self._drawn_moments(batch, lines, rng)
        views = padded(histories, config.longest, self.steps_up)
        tensors = self.tensors()
        told = {
            "items": torch.tensor(views.items),
            "there": torch.tensor(views.there.astype(np.float32)),
            "needs": torch.tensor(views.needs.astype(np.float32)),
            "e": tensors["learners"][torch.tensor(batch)],
        }
        learner = learner_state(torch, config, tensors, told)
        scores = item_scores(
            torch, config, tensors, learner, torch.tensor(asked), torch.tensor(offsets)
        )
        loss = torch.nn.functional.softplus(scores[:, 1:] - scores[:, :1]).mean()
        if waits is not None:
            at = zip(batch.tolist(), histories, strict=True)
            coming = np.array([waits[u][history.size] for u, history in at], dtype=np.float32)
            error = wait(tensors, learner) - torch.tensor(coming)
            loss = loss + WAIT_WEIGHT * error.square().mean()
        size = tensors["graph"][torch.tensor(asked)].square().sum() + told["e"].square().sum()
        self.adam.zero_grad()
        (loss + config.l2 * size / batch.size).backward()
        self.adam.step()
        self._hold_carry()
        return float(loss.detach())

    def _drawn_moments(
        self, batch: Ints, lines: list[Ints], rng: np.random.Generator
    ) -> tuple[list[Ints], Ints, Ints]:
        """Of each learner the views before a moment, one opened next, and some never opened."""
        histories, asked, offsets = [], [], []
        for u in batch.tolist():
            line = lines[u]
            at = int(rng.integers(1, line.size))
            opened = rng.choice(line[at : at + self.config.ahead])
            others = rng.integers(0, self.n_items, 4 * self.config.negatives + 8)
            near = round(self.config.near * self.config.negatives)
            if near:  # first, so that they are taken before those drawn of all
                close = rng.permutation(nominated(self.known, line[:at]))[: 2 * near]
                others = np.concatenate([close[~np.isin(close, line)][:near], others])
            others = others[~np.isin(others, line)]
            others = np.resize(others if others.size else opened, self.config.negatives)
            histories.append(line[:at])
            asked.append(np.concatenate([[opened], others]))
            offsets.append(offsets_of(self.known, line[:at], asked[-1]))
        return histories, np.stack(asked), np.stack(offsets)

    def _hold_carry(self) -> None:
        """The spectral norm of W_D stays within 0.9, or states would grow."""
        with self.torch.no_grad():
            carry = self.parameters["carry"]
            norm = float(self.torch.linalg.matrix_norm(carry, 2))
            if norm > 0.9:
                carry *= 0.9 / norm

    def arrays(self) -> dict[str, Array]:
        """Parameters and Adam's moments, copied."""
        found = {name: tensor.detach().numpy().copy() for name, tensor in self.parameters.items()}
        for name, tensor in self.parameters.items():
            for key, value in self.adam.state.get(tensor, {}).items():
                found[f"{name}.{key}"] = value.numpy().copy()
        return found

    def resume(self, start: TrainingState) -> None:
        """Take over what `arrays` gave."""
        torch = self.torch
        with torch.no_grad():
            for name, tensor in self.parameters.items():
                tensor.copy_(torch.tensor(start.arrays[name]))
                keys = ("step", "exp_avg", "exp_avg_sq")
                kept = {
                    k: start.arrays[f"{name}.{k}"] for k in keys if f"{name}.{k}" in start.arrays
                }
                if kept:
                    self.adam.state[tensor] = {k: torch.tensor(a) for k, a in kept.items()}

    def network(self) -> Network:
        """What is served."""
        with self.torch.no_grad():
            arrays = {name: each.numpy().copy() for name, each in self.tensors().items()}
        learners = arrays.pop("learners")
        raw = ("e_learners", "e_items", "e_content", "e_concepts")
        served = {
            name: each
            for name, each in arrays.items()
            if name not in raw and not name.startswith("part_")
        }
        return Network(self.config, served, learners, self.steps_up, self.known)
