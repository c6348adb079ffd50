"""What do the records in use say of each prerequisite's strength?"""

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Literal

import numpy as np

from kgplan.arrays import positions
from kgplan.data.records import WATCHED, LearnerRecords
from kgplan.evaluation.effects import Tries, edge_effects
from kgplan.graph.health import Named
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.model.opening import newest_records
from kgplan.store.artifacts import ArtifactStore

Verdict = Literal["helps", "hinders", "cannot tell", "nobody to compare"]


@dataclass(frozen=True)
class MeasuredEdge:
    """What working through a prerequisite goes with, in the records.

    Attributes:
        before, after: the prerequisite, and what builds on it.
        effect, low, high: success with it less success without it, and its 95 % interval; None
            where nobody can be compared.
        with_it, without_it: learners compared.
        says: `helps` or `hinders` where the interval is on one side of 0.
    """

    before: Named
    after: Named
    effect: float | None
    low: float | None
    high: float | None
    with_it: int
    without_it: int
    says: Verdict


def measured_edges(artifacts: ArtifactStore, graph: GraphSnapshot) -> list[MeasuredEdge]:
    """Every prerequisite with its effect, the surest to help first, those of nobody last.

    Raises:
        ArtifactMissing: there are no records, or not the tables that they were read from.
    """
    records, source = newest_records(artifacts)
    tables = artifacts.open("tables", source.manifest["inputs"]["tables"])
    after, before = graph.prerequisites.nonzero()
    places = positions(records.concept_ids, graph.concept_ids)
    known = (places[before] >= 0) & (places[after] >= 0)
    after, before = after[known], before[known]
    found = edge_effects(
        places[before], places[after], read_tries(tables.path, records), records.q_matrix
    )
    ends = zip(graph.concept_ids.tolist(), graph.concept_names.tolist(), strict=True)
    named = [Named(*each) for each in ends]
    measured = [
        _measured(named[b], named[a], *values)
        for b, a, values in zip(
            before.tolist(),
            after.tolist(),
            zip(*(part.tolist() for part in vars(found).values()), strict=True),
            strict=True,
        )
    ]
    return sorted(measured, key=lambda edge: (edge.low is None, -(edge.low or 0)))


def _measured(
    before: Named,
    after: Named,
    effect: float,
    low: float,
    high: float,
    with_it: int,
    without_it: int,
) -> MeasuredEdge:
    if isnan(effect):
        return MeasuredEdge(before, after, None, None, None, 0, 0, "nobody to compare")
    says: Verdict = "helps" if low > 0 else "hinders" if high < 0 else "cannot tell"
    return MeasuredEdge(before, after, effect, low, high, with_it, without_it, says)


def read_tries(tables: Path, records: LearnerRecords) -> Tries:
    """Each learner's first view of each video that covers a concept.

    A view counts as a success from the share `WATCHED`. Where the platform logs no share, the whole
    video is assumed, and the view is not seen.
    """
    import duckdb

    with duckdb.connect() as database:
        found = database.execute(
            "SELECT learner_id, item_id, position, watched, evidence = 'progress' AS seen"
            " FROM read_parquet($table)",
            {"table": str(tables / "learner_item.parquet")},
        ).fetchnumpy()
    learner = positions(records.learner_ids, found["learner_id"].astype(np.str_))
    video = positions(records.item_ids, found["item_id"].astype(np.str_))
    tries = Tries(
        learner,
        video,
        found["position"].astype(np.int64),
        found["watched"] >= WATCHED,
        found["seen"].astype(bool),
    )
    return tries.where((learner >= 0) & (video >= 0))
