"""Everyone's rows in the order of time, of everything that was opened, to be cut."""

from pathlib import Path

from kgplan.coldstart.features import Histories
from kgplan.etl.records import (
    read_course_facts,
    read_enrolment_times,
    read_known_moments,
    read_records,
)
from kgplan.evaluation.coldstart.report import World


def read_world(tables: Path) -> World:
    """The rows of some tables.

    Args:
        tables: folder that `kgplan.etl.extract.extract` filled.
    """
    records = read_records(tables, all_opened=True)
    moments = read_known_moments(tables, records)
    dated = read_enrolment_times(tables, records)
    facts = read_course_facts(tables, records.course_ids)
    return World(records, Histories.of(records, moments, dated), facts)
