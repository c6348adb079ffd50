"""The service in a process that can be killed: imports once, then a fork for each start.

python killed_service.py PORT RECORDS_URL; each line on the input starts a service, whose process id
is the answer; the one before must have been killed.
"""

import os
import sys

import uvicorn
from learner_cases import hand_model

from kgplan.api.app import create_app
from kgplan.api.current import CurrentLearners
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.records import open_records


def main() -> None:
    port, url = int(sys.argv[1]), sys.argv[2]
    planner = hand_model().planner()
    app = create_app(Keeper(lambda: planner, lambda: "always the same"), Limits(seconds=0))
    open_records(url).close()  # the migrations' modules too are imported once
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none")
    config.load()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            app.state.learners = CurrentLearners(open_records(url))
            uvicorn.Server(config).run()
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
