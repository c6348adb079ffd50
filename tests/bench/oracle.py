"""Compare Algorithm 1 with the walk by Cypher for all learners in all courses with concepts.

    python tests/bench/oracle.py [--share 0.01]

For the model in use (KGPLAN_HOME). Each learner's every plan is made both ways; the last line
says how many plans were compared and how many differ; the exit code is 1 where any does.
"""

import argparse
import multiprocessing
import sys
from pathlib import Path

import numpy as np
from rich.progress import track

from kgplan.graph.store import open_graph
from kgplan.model.opening import open_planner
from kgplan.planning import PlanOptions
from kgplan.settings import read_settings

sys.path.append(str(Path(__file__).parent.parent))
from oracles.cypher_walk import CypherWalk
from remembering import Remembering

OPTIONS = PlanOptions(length=6, max_prerequisites=4, planner="kg-plppm")


def prepare():
    """Open the model and the graph once in each process."""
    global planner, walk, courses, opened
    settings = read_settings()
    planner = open_planner(settings)
    courses = sorted(set(planner.graph.relations["course_has_concept"][0].tolist()))
    opened = open_graph(settings.graph_url, read_only=True)  # as long as the process
    store = opened.__enter__()
    walk = CypherWalk(Remembering(store), planner.records, planner.diagnosis, planner.similarity)


def differences(learner):
    """Courses in which the two plans of a learner differ, and how many were compared."""
    state = walk.learner(learner)
    differing = []
    for course in courses:
        expected = [(s.concept_id, s.leads_to) for s in walk.walk_course(state, course, OPTIONS)]
        steps = planner.plan(learner, course, OPTIONS).steps
        if [(s.concept_id, s.leads_to) for s in steps] != expected:
            differing.append((learner, course))
    return len(courses), differing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the learners, 0 to 1")
    parser.add_argument("--processes", type=int, default=2)
    share = parser.parse_args()
    prepare()
    learners = planner.records.learner_ids
    wanted = max(1, round(share.share * learners.size))
    chosen = np.random.default_rng(0).permutation(learners)[:wanted].tolist()
    compared, differing = 0, []
    with multiprocessing.get_context("spawn").Pool(share.processes, prepare) as pool:
        done = pool.imap_unordered(differences, chosen, chunksize=8)
        for count, found in track(done, "comparing plans", total=len(chosen)):
            compared += count
            differing += found
    for learner, course in differing[:20]:
        print(f"differ: {learner} {course}")
    print(f"{compared:,} plans of {len(chosen):,} learners compared, {len(differing):,} differ")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
