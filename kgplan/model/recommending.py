"""Which courses may a learner take next, by the model in use?"""

from collections.abc import Mapping

import pyarrow.parquet as pq

from kgplan.errors import ArtifactMissing
from kgplan.planning import Planner
from kgplan.planning.recommending import Recommender
from kgplan.store.artifacts import ArtifactStore


def open_recommender(planner: Planner, artifacts: ArtifactStore) -> Recommender:
    """The recommender of the courses in use; by names alone where no tables came with the model."""
    return Recommender(planner.graph, planner.records, texts_of(artifacts))


def texts_of(artifacts: ArtifactStore) -> Mapping[str, str]:
    """Course -> its name, and what is said of it."""
    try:
        tables = artifacts.current("tables")
    except ArtifactMissing:
        return {}
    rows = pq.read_table(tables.path / "course.parquet", columns=["course_id", "name", "about"])
    columns = (rows[name].to_pylist() for name in ("course_id", "name", "about"))
    return {course: f"{name} {about or ''}" for course, name, about in zip(*columns, strict=True)}
