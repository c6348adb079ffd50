"""Read the learner records from the extracted tables."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.data.records import LearnerRecords
from kgplan.errors import InputError

Pairs = tuple[Ints, Ints]


def read_records(tables: Path, all_opened: bool = False) -> LearnerRecords:
    """Arrange the tables as sparse arrays.

    Args:
        tables: folder that `kgplan.etl.extract.extract` filled.
        all_opened: whether items that cover no concept are kept too, where somebody opened them.
    """
    with duckdb.connect() as database:

        def columns(sql: str) -> dict[str, Array]:
            return database.execute(sql, {"folder": str(tables)}).fetchnumpy()

        def ids(sql: str) -> Ids:
            return np.sort(columns(sql)["id"].astype(np.str_))

        def scan(table: str) -> str:
            return f"read_parquet($folder || '/{table}.parquet')"

        learner_ids = ids(f"SELECT learner_id AS id FROM {scan('learner')}")
        concept_ids = ids(f"SELECT concept_id AS id FROM {scan('concept')}")
        course_ids = ids(f"SELECT course_id AS id FROM {scan('course')}")
        # an item that covers no concept says nothing about mastery
        wanted = f"SELECT item_id FROM {scan('item_concept')}"
        if all_opened:
            wanted += f" UNION SELECT item_id FROM {scan('learner_item')}"
        items = columns(
            "SELECT item.item_id AS id, kind, coalesce(duration, 'nan') AS seconds,"
            f" coalesce(name, '') AS name, coalesce(url, '') AS url FROM {scan('item')} AS item"
            f" SEMI JOIN ({wanted}) AS wanted USING (item_id)"
        )
        by_id = np.argsort(items["id"].astype(np.str_))
        items = {name: values[by_id] for name, values in items.items()}
        item_ids = items["id"].astype(np.str_)

        def matrix(
            sql: str, row_ids: Ids, column_ids: Ids, value: Callable[[dict[str, Array]], Array]
        ) -> sparse.csr_array:
            found = columns(sql)
            rows, cols, kept = _placed(row_ids, found["row_id"], column_ids, found["column_id"])
            result = sparse.coo_array(
                (value(found)[kept], (rows, cols)),
                shape=(row_ids.size, column_ids.size),
            ).tocsr()
            result.sort_indices()
            return result

        def ones(found: dict[str, Array]) -> Array:
            return np.ones(len(found["row_id"]), dtype=np.int8)

        def of_views(value: str, to: Callable[[Array], Array]) -> sparse.csr_array:
            return matrix(
                f"SELECT learner_id AS row_id, item_id AS column_id, {value} AS value"
                f" FROM ({done}) WHERE score IS NULL",
                learner_ids,
                item_ids,
                lambda found: to(found["value"]),
            )

        def of_answers(value: str, to: type) -> sparse.csr_array:
            return matrix(
                f"SELECT learner_id AS row_id, item_id AS column_id, {value} AS value"
                f" FROM ({done}) WHERE score IS NOT NULL",
                learner_ids,
                item_ids,
                lambda found: found["value"].astype(to),
            )

        # first views and last answers in one order
        done = (
            "SELECT *, row_number() OVER (PARTITION BY learner_id"
            " ORDER BY moment, score IS NOT NULL, position, item_id) AS place FROM ("
            " SELECT learner_id, item_id, first_started_at AS moment, position, NULL AS score,"
            f" watched FROM {scan('learner_item')}"
            " UNION ALL"
            " SELECT learner_id, item_id, max(answered_at), max(position), max(score), NULL"
            f" FROM {scan('answer')} GROUP BY ALL)"
        )
        answered = of_answers("score", np.float64)
        every = columns(
            f"SELECT learner_id, item_id, score FROM {scan('answer')} WHERE score IS NOT NULL"
            " ORDER BY learner_id, answered_at, position, item_id, score"
        )
        who, what, kept = _placed(learner_ids, every["learner_id"], item_ids, every["item_id"])
        by_learner = np.argsort(who, kind="stable")
        return LearnerRecords(
            learner_ids=learner_ids,
            item_ids=item_ids,
            concept_ids=concept_ids,
            course_ids=course_ids,
            enrolled=matrix(
                "SELECT learner_id AS row_id, course_id AS column_id"
                f" FROM {scan('learner_course')}",
                learner_ids,
                course_ids,
                ones,
            ),
            viewed=of_views("watched", lambda shares: shares.astype(np.float64)),
            course_concepts=matrix(
                "SELECT course_id AS row_id, concept_id AS column_id"
                f" FROM {scan('course_concept')}",
                course_ids,
                concept_ids,
                ones,
            ),
            course_items=matrix(
                "SELECT course_id AS row_id, item_id AS column_id, row_number() OVER (PARTITION BY"
                f" course_id ORDER BY position, item_id) AS place FROM {scan('course_item')}",
                course_ids,
                item_ids,
                lambda found: found["place"].astype(np.int32),
            ),
            q_matrix=matrix(
                f"SELECT item_id AS row_id, concept_id AS column_id FROM {scan('item_concept')}",
                item_ids,
                concept_ids,
                ones,
            ),
            item_seconds=items["seconds"].astype(np.float64),
            item_names=items["name"].astype(np.str_),
            item_kinds=items["kind"].astype(np.str_),
            item_links=items["url"].astype(np.str_),
            answered=answered if answered.nnz else None,
            viewed_order=of_views("place", lambda places: places.astype(np.int32)).data,
            answered_order=of_answers("place", np.int32).data if answered.nnz else None,
            answers_start=np.searchsorted(who[by_learner], np.arange(learner_ids.size + 1))
            if answered.nnz
            else None,
            answers_item=what[by_learner].astype(np.int32) if answered.nnz else None,
            answers_score=every["score"][kept][by_learner].astype(np.float64)
            if answered.nnz
            else None,
        )


def _placed(
    row_ids: Ids, row_id: Array, column_ids: Ids, column_id: Array
) -> tuple[Ints, Ints, Array]:
    """Rows and columns of the pairs whose ids both exist, and which of the pairs these are."""
    rows = positions(row_ids, row_id.astype(np.str_))
    cols = positions(column_ids, column_id.astype(np.str_))
    kept = (rows >= 0) & (cols >= 0)
    return rows[kept], cols[kept], kept


def read_moments(tables: Path, records: LearnerRecords) -> Ints:
    """When each view of the records began first.

    Args:
        tables: folder that the records were read from.
        records: those.

    Returns:
        Along the stored entries of `records.viewed`, seconds since 1970 by the platform's clock.

    Raises:
        InputError: a view has no moment.
    """
    found = read_known_moments(tables, records)
    missing = np.isnan(found)
    if missing.any():
        raise InputError(
            f"{missing.sum()} of {found.size} views in {tables} have no moment, so that nothing can"
            " be cut at one; take a source whose views have times"
        )
    return found.astype(np.int64)


def read_known_moments(tables: Path, records: LearnerRecords) -> Floats:
    """`read_moments`, NaN for a view that has none."""
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT learner_id, item_id, epoch(first_started_at)::BIGINT AS seconds"
            " FROM read_parquet($folder || '/learner_item.parquet')"
            " WHERE first_started_at IS NOT NULL",
            {"folder": str(tables)},
        ).fetchnumpy()
    rows, cols, kept = _placed(
        records.learner_ids, found["learner_id"], records.item_ids, found["item_id"]
    )
    n_items = records.item_ids.size
    key = rows * n_items + cols
    order = np.argsort(key)
    viewed = records.viewed.tocoo()
    at = positions(key[order], viewed.row.astype(np.int64) * n_items + viewed.col)
    seconds = np.append(found["seconds"][kept][order].astype(np.float64), np.nan)
    return seconds[at]


def read_enrolment_times(tables: Path, records: LearnerRecords) -> sparse.csr_array:
    """When learners enrolled, where that is known.

    Args:
        tables: folder that the records were read from.
        records: those.

    Returns:
        (U, C) seconds since 1970 by the platform's clock, stored where there is a moment.
    """
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT learner_id, course_id, max(epoch(enrolled_at))::BIGINT AS seconds"
            " FROM read_parquet($folder || '/learner_course.parquet')"
            " WHERE enrolled_at IS NOT NULL GROUP BY ALL",
            {"folder": str(tables)},
        ).fetchnumpy()
    rows, cols, kept = _placed(
        records.learner_ids, found["learner_id"], records.course_ids, found["course_id"]
    )
    times = sparse.coo_array(
        (found["seconds"][kept].astype(np.float64), (rows, cols)), shape=records.enrolled.shape
    ).tocsr()
    times.sort_indices()
    return times


def read_course_facts(tables: Path, course_ids: Ids) -> sparse.csr_array:
    """(C, F) 1 where the course has the school, the teacher or the field.

    Args:
        tables: folder that `kgplan.etl.extract.extract` filled.
        course_ids: (C,) sorted.
    """
    with duckdb.connect() as database:
        found = database.execute(
            """
            SELECT course_id, 'school ' || school_id AS fact
            FROM read_parquet($folder || '/school_course.parquet')
            UNION SELECT course_id, 'teacher ' || teacher_id
            FROM read_parquet($folder || '/teacher_course.parquet')
            UNION SELECT course_id, 'field ' || field_id
            FROM read_parquet($folder || '/field_course.parquet')
            """,
            {"folder": str(tables)},
        ).fetchnumpy()
    rows = positions(course_ids, found["course_id"].astype(np.str_))
    facts, cols = np.unique(found["fact"].astype(np.str_), return_inverse=True)
    kept = rows >= 0
    shape = (course_ids.size, facts.size)
    ones = np.ones(int(kept.sum()))
    result = sparse.coo_array((ones, (rows[kept], cols[kept])), shape=shape).tocsr()
    result.sort_indices()
    return result
