"""Should requests come to this process?

Alive and ready are two questions: a process that is not alive is started again, one that is not
ready gets no requests until it is. Answers from an outdated graph are better than none, so stale
is ready. So is a service whose records can be read and not written, as on a full disk: plans go
on, and what cannot be stored is refused one by one.
"""

from kgplan.api.current import CurrentLearners
from kgplan.api.dependencies import LearnerStates
from kgplan.errors import RecordsUnavailable


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
        self.stopping = False
        self.in_flight = 0

    def reasons(self) -> list[str]:
        """Why not; empty where the service is ready. Asks the records."""
        found = ["the service is stopping"] if self.stopping else []
        if isinstance(self._learners, CurrentLearners):
            try:
                self._learners.store.check()
            except RecordsUnavailable as error:
                found.append(str(error))
        return found
