"""From everyone's rows to the tower that says whom a new learner is like.

A study: nothing that is served rests on it yet, so it is no part of what `reembed` makes.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures

if TYPE_CHECKING:
    from kgplan.coldstart.config import TowerConfig


def default_config() -> "TowerConfig":
    """As it is evaluated."""
    from kgplan.coldstart.config import TowerConfig

    return TowerConfig()


def figures(details: Mapping[str, Any]) -> Figures:
    """How training went."""
    rows = [(name.replace("_", " "), value) for name, value in details.items()]
    return Figures("cold start", rows)


@stage(
    name="coldstart",
    about="A Siamese network that says whom a learner of few rows is like.",
    part="study",
    own_command="kgplan coldstart train",
    reads=("tables",),
    makes=("coldstart",),
    config=default_config,
    figures=figures,
)
def run_coldstart(task: Task, config: "TowerConfig") -> None:
    """Tables -> tower, and the vectors of everyone who has a row.

    The epoch and the confidence are chosen by learners whom the tower was not trained on.

    Raises:
        InputError: nobody to train on has a row.
    """
    import numpy as np

    from kgplan.coldstart.training import TRAIN, VALIDATION, known_to, train
    from kgplan.errors import InputError
    from kgplan.pipeline.cold_rows import read_world

    tables = task.artifacts.current("tables")
    world = read_world(tables.path)
    learners, apart = (world.learners(part) for part in (TRAIN, VALIDATION))
    if not learners.size:
        raise InputError(
            f"none of the learners that would be trained on, of {world.histories.sizes.size}, has"
            " a view; give records with more learners"
        )
    found = train(
        world.histories, world.records, world.facts, learners, apart, config, task.progress
    )
    everyone = np.flatnonzero(world.histories.sizes > 0)
    model = known_to(found.model, world.histories, everyone, world.records.learner_ids)
    with task.draft("coldstart", config.to_dict(), {"tables": tables.version}) as draft:
        draft.put(**model.to_arrays())
        draft.metrics = {
            "trained_on": int(learners.size),
            "chosen_on": int(apart.size),
            "known": int(everyone.size),
            "epochs": len(found.losses),
            "served_epoch": int(np.argmax(found.near)) + 1 if found.near else 0,
            "loss": found.losses[-1] if found.losses else None,
            "neighbours_alike": max(found.near, default=None),
            "vectors_megabytes": model.vectors.nbytes / 1e6,
        }
    task.report.rows_in = int(world.histories.items.size)
    task.report.rows_out = int(everyone.size)
