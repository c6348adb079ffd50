"""What does the trained network say of a learner's views? NumPy alone.

Sizes: U learners, V resources, K concepts, M modalities, T views, d width, j resources asked about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.data.stored import Stored, arrays_below, named_below
from kgplan.resources.blend.signals import Known, own_courses
from kgplan.resources.network.config import MODALITIES, NetworkConfig
from kgplan.resources.network.fusion import alike, fused, gates
from kgplan.resources.network.score import match, offset_kinds
from kgplan.resources.network.sequence import attention, states


@dataclass(frozen=True)
class Views:
    """Views of B learners, padded behind the last.

    Attributes:
        items: (B, T) resources, oldest first; 0 where there is none.
        there: (B, T) 1.0 for a view.
        needs: (B, T) 1.0 where the view before was of a prerequisite.
    """

    items: Ints
    there: Floats
    needs: Floats


def padded(histories: list[Ints], longest: int, steps_up: sparse.csr_array) -> Views:
    """The latest views of some learners.

    Args:
        histories: of each, oldest first.
        longest: T, at most.
        steps_up: (V, V) stored where the row's resource is on a prerequisite of the column's.
    """
    cut = [history[-longest:] for history in histories]
    width = max(1, *(each.size for each in cut))
    items = np.zeros((len(cut), width), dtype=np.int64)
    there = np.zeros((len(cut), width))
    for k, history in enumerate(cut):
        items[k, : history.size], there[k, : history.size] = history, 1
    needs = np.zeros((len(cut), width))
    if width > 1:
        pairs = items[:, :-1].ravel(), items[:, 1:].ravel()
        led = np.asarray(steps_up[pairs]).reshape(len(cut), -1) > 0
        needs[:, 1:] = led * there[:, 1:]
    return Views(items, there, needs)


def leading_up(q_matrix: sparse.csr_array, before: sparse.csr_array) -> sparse.csr_array:
    """(V, V) stored where the row's resource is on a prerequisite of the column's, see eq. (2).

    Args:
        q_matrix: (V, K) where the resource covers the concept.
        before: (K, K) where the column's concept is a prerequisite of the row's.
    """
    q = sparse.csr_array(q_matrix, dtype=np.int32)
    relations = sparse.csr_array(before, dtype=np.int32)
    return sparse.csr_array((q @ relations.T @ q.T) > 0)


def learner_state(
    xp: Any, config: NetworkConfig, tensors: Mapping[str, Any], views: Mapping[str, Any]
) -> tuple[Any, Any, Any]:
    """h_u, what the learner viewed of each modality, and the state that views left.

    Args:
        xp: numpy or torch.
        config: which parts are in.
        tensors: `weights` by name, and `z` (V, M, d) modalities in one space, `present` (V, M),
            `graph` (V, d) e_i.
        views: `items`, `there`, `needs` of `Views`, and `e` (B, d) e_u.

    Returns:
        (B, d), (B, M, d) A_m, and (B, d) h behind the last view, 0 without a sequence.
    """
    there, items = views["there"], views["items"]
    count = there.sum(axis=1)[:, None] + (there.sum(axis=1)[:, None] == 0)
    z, present = tensors["z"][items], tensors["present"][items]
    taste = (z * there[:, :, None, None]).sum(axis=1) / count[:, :, None]
    alpha = weighed(xp, config, tensors, z, taste[:, None], present)
    content = fused(alpha, z)
    mean = (content * there[:, :, None]).sum(axis=1) / count
    latest = last = mean * 0
    if config.sequence:
        inner = content @ tensors["x_content"] + tensors["graph"][items] @ tensors["x_graph"]
        inner = inner + tensors["x_bias"]
        x = inner * (inner > 0)  # ReLU of eq. (1)
        needs = views["needs"] * float(config.prerequisites)
        h = states(xp, x, needs, there, tensors)
        last = h[:, -1]
        if config.attention:
            latest = (attention(xp, h, there, tensors)[:, :, None] * h).sum(axis=1)
        else:
            latest = last
    joined = (
        views["e"] @ tensors["u_graph"] + mean @ tensors["u_content"] + latest @ tensors["u_views"]
    )
    return joined, taste, last


def weighed(
    xp: Any, config: NetworkConfig, tensors: Mapping[str, Any], z: Any, taste: Any, present: Any
) -> Any:
    """(..., M) alpha, by the gate or alike."""
    return gates(xp, z, taste, present, tensors) if config.gated else alike(present)


def item_scores(
    xp: Any,
    config: NetworkConfig,
    tensors: Mapping[str, Any],
    learner: tuple[Any, Any, Any],
    asked: Any,
    offsets: Any,
) -> Any:
    """(B, j) S of eq. (7) but for progress.

    Args:
        xp, config, tensors: as for `learner_state`.
        learner: what that gives.
        asked: (B, j) resources.
        offsets: (B, j) kinds of their places, see `offset_kinds`.
    """
    h, taste, _ = learner
    z, present = tensors["z"][asked], tensors["present"][asked]
    content = fused(weighed(xp, config, tensors, z, taste[:, None], present), z)
    score = match(xp, h, (tensors["graph"][asked], content), tensors)
    return score + tensors["offsets"][offsets] if config.offsets else score


def wait(tensors: Mapping[str, Any], learner: tuple[Any, Any, Any]) -> Any:
    """(B,) log(1 + hours) to the next view, as expected of the state that views left.

    Args:
        tensors: `wait_out` (d,) and `wait_bias` (1,).
        learner: what `learner_state` gives.
    """
    return learner[2] @ tensors["wait_out"] + tensors["wait_bias"]


@dataclass(frozen=True)
class Network(Stored):
    """What is served.

    Attributes:
        config: which parts are in.
        tensors: weights and vectors by name, float32, see `learner_state`.
        learners: (U, d) e_u.
        steps_up: (V, V) see `leading_up`.
        known: of whose courses places are told.
    """

    config: NetworkConfig
    tensors: dict[str, Array]
    learners: Floats
    steps_up: sparse.csr_array
    known: Known

    def to_arrays(self) -> dict[str, Array]:
        """As `Stored`; settings and weights by their names."""
        config = {f.name: np.asarray(getattr(self.config, f.name)) for f in fields(self.config)}
        return (
            super().to_arrays()
            | named_below("config", config)
            | named_below("tensors", self.tensors)
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], **given: Any) -> "Network":
        """As `Stored`."""
        config = {name: a.tolist() for name, a in arrays_below("config", arrays).items()}
        config["modalities"] = tuple(config["modalities"])
        given |= {
            "config": NetworkConfig(**config),
            "tensors": arrays_below("tensors", arrays),
        }
        return super().from_arrays(arrays, **given)

    @cached_property
    def all_items(self) -> Ints:
        """(V,) every resource."""
        return np.arange(self.tensors["z"].shape[0])

    def scores(
        self, history: Ints, learner: int | None = None, asked: Ints | None = None
    ) -> Floats:
        """(j,) of each resource asked about, or of all.

        Args:
            history: the learner's views, oldest first.
            learner: by position; None for a new one, who is the mean of what was viewed.
            asked: (j,) resources; None for all.
        """
        asked = self.all_items if asked is None else asked
        state = self.state(history, learner)
        offsets = offsets_of(self.known, history, asked)[None]
        return item_scores(np, self.config, self.tensors, state, asked[None], offsets)[0]

    def wait(self, history: Ints, learner: int | None = None) -> float:
        """log(1 + hours) to the learner's next view, see `wait`."""
        return float(wait(self.tensors, self.state(history, learner))[0])

    def state(self, history: Ints, learner: int | None = None) -> tuple[Floats, Floats, Floats]:
        """What `learner_state` says of one learner."""
        views = padded([history], self.config.longest, self.steps_up)
        graph = self.tensors["graph"]
        if learner is not None:
            e = self.learners[learner]
        else:
            e = graph[history].mean(axis=0) if history.size else np.zeros_like(graph[0])
        told = {
            "items": views.items,
            "there": views.there.astype(np.float32),
            "needs": views.needs.astype(np.float32),
            "e": e[None],
        }
        return learner_state(np, self.config, self.tensors, told)


def offsets_of(known: Known, history: Ints, asked: Ints) -> Ints:
    """(j,) `offset_kinds` in the learner's latest course; 0 for who has none."""
    courses = own_courses(known, history)
    if not courses:
        return np.zeros(asked.size, dtype=np.int64)
    return offset_kinds(courses[0].order, courses[0].at, asked)


def masked(present: Floats, config: NetworkConfig) -> Floats:
    """(V, M) without the modalities that are left out."""
    return present * np.isin(MODALITIES, config.modalities)
