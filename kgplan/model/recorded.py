"""What did the service record of learners? Its records, opened to be read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kgplan.planning import CurrentLearner, Planner
from kgplan.planning.because import MOST_REASONS, MasteryReasons, reasoned
from kgplan.planning.live import LiveModel
from kgplan.planning.texts import Manner
from kgplan.settings import Settings

if TYPE_CHECKING:
    from kgplan.model.current import CurrentLearners


def recorded_learners(settings: Settings) -> "CurrentLearners | None":
    """Learners as the service knows them; to be read alone.

    Returns:
        None where no service has recorded anything yet. Errors as for `read_events`.
    """
    if not settings.records and not (settings.home / "learners.db").is_file():
        return None
    from kgplan.model.current import CurrentLearners  # the tools of databases take their time
    from kgplan.store.events import read_events

    store = read_events(settings.records_url)
    return None if store is None else CurrentLearners(store)


@contextmanager
def reading_learners(settings: Settings) -> "Iterator[CurrentLearners | None]":
    """The same as long as they are asked, and closed then; errors as there."""
    learners = recorded_learners(settings)
    try:
        yield learners
    finally:
        if learners is not None:
            learners.store.close()


def recorded_learner(
    settings: Settings, planner: Planner, learner_id: str
) -> CurrentLearner | None:
    """One learner as the service knows them, for `Planner.plan`.

    Raises:
        UnknownLearner: the learner was erased, and nothing was stored since. Others as for
            `recorded_learners`.
    """
    with reading_learners(settings) as learners:
        return None if learners is None else learners.current(planner, learner_id)


def recorded_reasons(
    learners: "CurrentLearners | None",
    planner: Planner,
    learner_id: str,
    concept_id: str,
    manner: Manner,
    most: int = MOST_REASONS,
) -> MasteryReasons:
    """What a learner's mastery of a concept rests on, what was recorded since the fit included.

    Args:
        learners: what was recorded; None where nothing was.
        planner, learner_id, concept_id, manner, most: as for `planning.because.reasoned`.

    Raises:
        UnknownLearner, UnknownConcept, RecordsUnavailable: as there, and for
            `CurrentLearners.standing`.
    """
    state = None
    if learners is None:
        model = LiveModel(planner.records, planner.diagnosis)
    else:
        standing = learners.standing(planner, learner_id)
        model = learners.model(planner)
        state = None if standing is None else standing.state
    return reasoned(planner, model, learner_id, concept_id, state, manner, most)
