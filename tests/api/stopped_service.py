"""The service in a process that is told to stop: imports once, then a fork for each start.

python stopped_service.py; each line on the input, PORT RECORDS_URL DRAIN STOP, starts a service.
Its process id is the first answer, its exit status the second.
"""

import os
import sys
import threading

from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.server import run_server
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events

never = threading.Event()


def main() -> None:
    planner = hand_model().planner()
    for line in sys.stdin:
        port, url, drain, stop = line.split()
        child = os.fork()
        if child == 0:
            records = open_events(url)
            keeper = Keeper(lambda: planner, lambda: "always the same")
            learners = CurrentLearners(records)
            app = create_app(keeper, Limits(seconds=0), learners, at_end=records.close)
            app.add_api_route("/stuck", lambda: never.wait(), include_in_schema=False)
            run_server(app, "127.0.0.1", int(port), float(drain), float(stop))
            sys.exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
