"""Stages that are killed."""

from collections.abc import Iterator

import pytest
from stage_runner import KilledRuns


@pytest.fixture(scope="session")
def killed_runs() -> Iterator[KilledRuns]:
    """Runs stages in processes that die."""
    runs = KilledRuns()
    yield runs
    runs.end()
