"""The tower as an artifact, and what is read for it, of the miniature and of the sample."""

import duckdb
import numpy as np
import pytest

from kgplan.coldstart.config import TowerConfig
from kgplan.coldstart.model import ColdStart
from kgplan.model.opening import StoredArrays
from kgplan.pipeline.cold_rows import read_world
from kgplan.pipeline.coldstart import run_coldstart
from kgplan.store.artifacts import ArtifactStore


def test_what_is_stored_says_whom_a_learner_is_like(own_home):
    pytest.importorskip("torch")
    before = ArtifactStore(own_home.artifacts).in_use()
    report = run_coldstart(own_home, TowerConfig(epochs=2, hidden=4, width=8))
    store = ArtifactStore(own_home.artifacts)
    model = ColdStart.from_arrays(StoredArrays(store.current("coldstart")))
    world = read_world(store.current("tables").path)
    viewers = np.flatnonzero(np.diff(world.records.viewed.indptr) > 0)
    assert model.learner_ids.tolist() == world.records.learner_ids[viewers].tolist()
    assert report.details["known"] == report.rows_out == viewers.size
    np.testing.assert_allclose(np.linalg.norm(model.vectors, axis=1), 1, atol=1e-6)
    found = model.alike([world.histories.cut(int(viewers[0]))])
    assert found.positions[0, 0] == 0  # of all rows one is most like oneself
    assert {k: v for k, v in store.in_use().items() if k != "coldstart"} == before


def test_moments_of_enrolments_and_facts_of_courses_are_those_of_the_tables(sample_home):
    tables = ArtifactStore(sample_home.artifacts).current("tables").path
    world = read_world(tables)
    learners, courses = world.records.learner_ids.tolist(), world.records.course_ids.tolist()
    stored = world.histories.dated.tocoo()
    found = {
        (learners[u], courses[c]): seconds
        for u, c, seconds in zip(stored.row, stored.col, stored.data, strict=True)
    }
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT learner_id, course_id, epoch(enrolled_at) FROM"
            f" read_parquet('{tables}/learner_course.parquet') WHERE enrolled_at IS NOT NULL"
        ).fetchall()
        facts = database.execute(
            " UNION ALL ".join(
                f"SELECT course_id, {kind}_id FROM read_parquet('{tables}/{kind}_course.parquet')"
                for kind in ("school", "teacher", "field")
            )
        ).fetchall()
    assert found == {(u, c): int(seconds) for u, c, seconds in rows}
    assert len(rows) > 1_000
    some = {c for c, _ in facts if c in set(courses)}
    of_course = np.diff(world.facts.indptr)
    assert {c for c, n in zip(courses, of_course, strict=True) if n} == some
    assert world.facts.nnz == len({(c, f) for c, f in facts if c in some})
