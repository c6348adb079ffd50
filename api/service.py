"""The service as `kgplan serve` runs it: settings in, application out."""

from fastapi import FastAPI

from kgplan.api.app import create_app
from kgplan.api.current import CurrentLearners
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.records import open_records
from kgplan.settings import Settings


def make_service(settings: Settings, keeper: Keeper) -> FastAPI:
    """The application with all its parts, as the settings say; it closes them when it stops.

    Args:
        settings: read from the environment.
        keeper: holds the planner that answers.

    Raises:
        ConfigError, RecordsUnavailable: the learner records cannot be opened.
    """
    records = open_records(settings.records_url)
    learners = CurrentLearners(records)
    return create_app(keeper, Limits.of(settings), learners, at_end=records.close)
