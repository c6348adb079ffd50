"""Who makes the looks at running plans that are due, while the service runs? A thread beside it.

Each process of the service has one; a look is made by the one that claims it. Between two rounds of
looks it leaves the processor to requests.
"""

import logging
import threading
import time
from collections.abc import Callable

from kgplan.errors import KgplanError
from kgplan.model.running import Looked, RunningPlans
from kgplan.planning import Planner

log = logging.getLogger(__name__)

REST = 0.5  # of the time that a round took, before the next one


def look_at_all(
    runs: RunningPlans,
    planner: Callable[[], Planner],
    now: Callable[[], float] = time.time,
    rest: Callable[[float], bool] = lambda seconds: False,
) -> Looked:
    """Make all looks that are due now, some plans at a time.

    Args:
        runs: the plans.
        planner: gives the one that answers now.
        now: seconds since 1970.
        rest: waits so many seconds; whether to stop.
    """
    done, begun = Looked(), now()
    while True:
        since = time.thread_time()
        found = runs.look(planner(), begun)
        done += found
        if not found.plans or rest(REST * (time.thread_time() - since)):
            return done


class Adjuster:
    """Looks every so often, from `start` to `stop`.

    Args:
        runs: the plans.
        planner: gives the one that answers now.
        seconds: between two times that it looks what is due.
    """

    def __init__(self, runs: RunningPlans, planner: Callable[[], Planner], seconds: float) -> None:
        self._runs, self._planner, self._seconds = runs, planner, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kgplan-adjuster", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the round that is at work is written."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                done = look_at_all(self._runs, self._planner, rest=self._stop.wait)
            except KgplanError as error:
                log.warning("running plans could not be looked at, and will be again: %s", error)
                continue
            except Exception:  # one odd plan must not end all looks; it is seen in the log
                log.exception("running plans could not be looked at, and will be again")
                continue
            if done.plans:
                log.info(
                    "%d looks at %d running plans: %d changes",
                    *(done.looks, done.plans, done.changes),
                )
