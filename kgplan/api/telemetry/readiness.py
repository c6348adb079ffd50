"""Should requests come to this process?

Alive and ready are two questions: a process that is not alive is started again, one that is not
ready gets no requests until it is. Answers from an outdated graph are better than none, so stale
is ready. So is a service whose records can be read and not written, as on a full disk: plans go
on, and what cannot be stored is refused one by one.
"""

import logging

from kgplan.api.learner_states import LearnerStates
from kgplan.errors import RecordsUnavailable
from kgplan.model.current import CurrentLearners

log = logging.getLogger(__name__)


class Readiness:
    """Knows why requests should not come.

    Args:
        learners: whose records must be readable, if they keep any.

    Attributes:
        stopping: set when the process was asked to end; requests are still answered.
        in_flight: requests that are being answered.
    """

    def __init__(self, learners: LearnerStates) -> None:
        self._learners = learners
        self.stopping, self._told = False, ""
        self.in_flight = 0

    def reasons(self) -> list[str]:
        """Why not, for anybody to read; empty where the service is ready. Asks the records.

        Where these are, and what exactly is wrong with them, stands in the log.
        """
        found = ["the service is stopping"] if self.stopping else []
        if isinstance(self._learners, CurrentLearners):
            wrong = ""
            try:
                self._learners.store.check()
            except RecordsUnavailable as error:
                wrong = str(error)
                found.append("records unavailable")
            if wrong != self._told:
                self._told = wrong
                log.warning("%s", f"not ready: {wrong}" if wrong else "the records are back")
        return found
