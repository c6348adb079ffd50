"""What looks at running plans in processes that can be killed: imports once, then forks.

python looking.py; each line on the input, RECORDS_URL BEGIN END, starts a process that makes the
looks due at each of the quarters of an hour between, some plans at a time; its id is the answer.
"""

import os
import sys

from planning_cases import hand_case

from kgplan.adjusting import usual_rules
from kgplan.model.current import CurrentLearners
from kgplan.model.running import RunningPlans
from kgplan.store.events import open_events


def main() -> None:
    planner = hand_case().planner()
    for line in sys.stdin:
        url, begin, end = line.split()
        child = os.fork()
        if child == 0:
            runs = RunningPlans(CurrentLearners(open_events(url)), usual_rules())
            now = float(begin)
            while now <= float(end):
                while runs.look(planner, now, most=2).plans:
                    pass
                now += 900
            runs.store.close()
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
