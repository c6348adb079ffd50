"""Which learners does the application follow, for operations that need their events?"""

from typing import Annotated

from fastapi import Depends, Request

from kgplan.errors import RecordsUnavailable
from kgplan.model.current import CurrentLearners


def current_learners(request: Request) -> CurrentLearners:
    """The learners that the application follows.

    Raises:
        RecordsUnavailable: it keeps no records.
    """
    learners = request.app.state.learners
    if isinstance(learners, CurrentLearners):
        return learners
    raise RecordsUnavailable("this service keeps no learner records; start it with `kgplan serve`")


LearnersDep = Annotated[CurrentLearners, Depends(current_learners)]
