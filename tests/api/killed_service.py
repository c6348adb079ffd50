"""The service in a process that can be killed: imports once, then a fork for each start.

python killed_service.py; each line on the input, PORT RECORDS_URL, starts a service, whose process
id is the answer; the one before must have been killed.
"""

import os
import sys

import uvicorn
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.model.current import CurrentLearners
from kgplan.store.events import open_events


def main() -> None:
    planner = hand_model().planner()
    app = create_app(Keeper(lambda: planner, lambda: "always the same"), Limits(seconds=0))
    config = uvicorn.Config(app, host="127.0.0.1", log_level="error", ws="none")
    config.load()
    for line in sys.stdin:
        port, url = line.split()
        child = os.fork()
        if child == 0:
            config.port = int(port)
            app.state.learners = CurrentLearners(open_events(url))
            uvicorn.Server(config).run()
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
