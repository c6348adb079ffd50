"""Views of learners of whom it is told how much they watched, from a home's tables."""

from pathlib import Path

import duckdb
import numpy as np

from kgplan.arrays import positions
from kgplan.data.records import LearnerRecords
from kgplan.engagement.completion import Places, Watched, places_of
from kgplan.errors import InputError
from kgplan.etl.records import read_records
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore


def open_watched(settings: Settings) -> tuple[Watched, Places, str]:
    """Views whose share comes from the player's progress, not from their being recorded at all.

    Args:
        settings: where the tables are.

    Returns:
        Views, where items stand, and the version of the tables.

    Raises:
        InputError: there is none.
        ArtifactMissing, ArtifactDamaged: a stage has not run, or its result is not whole.
    """
    tables = ArtifactStore(settings.artifacts).current("tables")
    watched, records = read_watched(tables.path)
    return watched, places_of(records.course_items, records.minutes * 60), tables.version


def read_watched(tables: Path) -> tuple[Watched, LearnerRecords]:
    """Those views, and the records whose learners and items they are of, all that were opened.

    Args:
        tables: their folder.

    Raises:
        InputError: there is none.
    """
    records = read_records(tables, all_opened=True)
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT learner_id, item_id, watched, epoch(first_started_at) AS moment"
            " FROM read_parquet($file) WHERE evidence = 'progress' AND watched IS NOT NULL"
            " AND first_started_at IS NOT NULL",
            {"file": str(tables / "learner_item.parquet")},
        ).fetchnumpy()
    learner = positions(records.learner_ids, found["learner_id"].astype(np.str_))
    item = positions(records.item_ids, found["item_id"].astype(np.str_))
    kept = (learner >= 0) & (item >= 0)
    if not kept.any():
        raise InputError(
            "no view says how much of its video was watched; take a source whose players report"
            " progress"
        )
    moment = found["moment"].astype(np.float64)
    order = np.flatnonzero(kept)[np.lexsort((item[kept], moment[kept], learner[kept]))]
    share = np.clip(found["watched"][order].astype(np.float64), 0, 1)
    return Watched(learner[order], item[order], moment[order], share), records
