"""What did a learner hold that is due again, by what was recorded of when they worked on what?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgplan.planning import Planner
from kgplan.planning.reviewing import RECALL, Reviews, sittings_of
from kgplan.planning.texts import Manner
from kgplan.settings import Settings

if TYPE_CHECKING:
    from kgplan.model.current import CurrentLearners

SHARE = 0.2
MINUTES = 60.0


@dataclass(frozen=True)
class ReviewRules:
    """When something is due, and how much time that may take.

    Attributes:
        share: of a learner's time, in [0, 1].
        recall: chance of recalling at which a concept is due, in (0, 1).
    """

    share: float = SHARE
    recall: float = RECALL

    @classmethod
    def of(cls, settings: Settings) -> "ReviewRules":
        """What the settings say."""
        return cls(settings.review_share, settings.review_recall)


def reviews_of(
    learners: "CurrentLearners | None",
    planner: Planner,
    learner_id: str,
    course_id: str | None,
    minutes: float,
    rules: ReviewRules,
    manner: Manner,
    now: float,
) -> Reviews:
    """What is due again of what a learner held.

    When something was worked on is known by events alone: the data that the model was made of hold
    only in which order.

    Args:
        learners: what was recorded; None where nothing was, and nothing is due.
        planner: that says what is held.
        learner_id: of whom; for who is not known nothing is due.
        course_id: whose concepts are asked about; all where None.
        minutes: that the learner has, of which reviews take their share at most.
        rules: that share, and when something is due.
        manner: of the sentences.
        now: in seconds since 1970; later events do not count.

    Raises:
        UnknownCourse: no such id.
        UnknownLearner, RecordsUnavailable: as for `CurrentLearners.standing`.
    """
    standing = None if learners is None else learners.standing(planner, learner_id)
    sittings = []
    if learners is not None and standing is not None:
        live = learners.model(planner)
        events = [each for each in learners.store.events(learner_id) if each.time <= now]
        sittings = sittings_of(live.named(events), live.lengths)
    current = None if standing is None else standing.state.learner
    spared = minutes * rules.share
    return planner.reviews(
        learner_id, course_id, sittings, now, spared, rules.recall, manner, current
    )
