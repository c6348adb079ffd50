"""How does a whole fit grow with views, learners and concepts, and what does the paper's size cost?

Each fit runs in a process of its own, so that its peak memory is its own; CPU time stands beside
wall time, for machines that do other work too. Compiling is done beforehand and not counted.

python test_bench_scale.py '{"learners": 1000}' [attended]    one fit: prints its figures as JSON
"""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import sparse

from kgplan.diagnosis import DiagnosisConfig, LearnerModelConfig, fit
from kgplan.diagnosis.attendance import fit_attended, syllabus
from kgplan.diagnosis.entries import only, rows_of
from kgplan.evaluation.simulation import PRESETS, cohorts, plant, simulate

SMALL = {"learners": 2_000, "enrolments": 11_082, "views": 299_564, "concepts": 5_000}
SIZES = {
    "views": [SMALL | {"views": v * 149_782, "enrolments": v * 5_541} for v in (1, 2, 4)],
    "learners": [
        SMALL | {"learners": n * 1_000, "views": 299_564, "enrolments": 11_082} for n in (1, 2, 4)
    ],
    "learners and their views": [
        SMALL | {"learners": n * 1_000, "views": n * 149_782, "enrolments": n * 5_541}
        for n in (1, 2, 4)
    ],
    "concepts": [SMALL | {"concepts": n * 2_500} for n in (1, 2, 4)],
}
"""What grows -> three worlds in which only that does."""


def one_fit(given: dict[str, int]) -> dict[str, float]:
    """Simulate a world and fit it; the figures of the fit alone, but peak memory of both."""
    config = PRESETS["paper"].resized(**given)
    tiny = PRESETS["sample"].resized(learners=40, views=3_000, enrolments=200)
    fit(simulate(tiny, 0)[1], plant(tiny, 0).q_matrix, DiagnosisConfig(iteration_limit=2))
    world, watched = simulate(config, 0)
    load, wall, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
    found = fit(watched, world.q_matrix)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert np.all(np.diff(found.objective) >= 0)
    return {
        "views": int(np.count_nonzero(watched.data)),
        "observations": int(watched.nnz),
        "learners": config.learners,
        "concepts": config.concepts,
        "iterations": found.objective.size - 1,
        "wall": wall,
        "cpu": cpu,
        "load": load,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def followed(config, seed):
    """What `fit_attended` takes of a world: views in the order of enrolments and of courses."""
    world, watched, order = plant(config, seed), [], []
    for cohort in cohorts(world, config):
        seen, row = cohort.watched, rows_of(cohort.watched)
        opened = np.flatnonzero(seen.data > 0)
        opened = opened[np.lexsort((cohort.place[opened], cohort.enrolled_at[opened], row[opened]))]
        place = np.zeros(seen.nnz, np.int64)
        place[opened] = 1 + np.arange(opened.size)
        in_time = sparse.csr_array((place, seen.indices, seen.indptr), shape=seen.shape)
        watched.append(seen)
        order.append(only(in_time, place > 0))
    taken = np.ones(world.enrolment_course.size)
    enrolled = sparse.csr_array(
        (taken, world.enrolment_course, world.enrolment_start),
        shape=(config.learners, config.courses),
    )
    enrolled.sort_indices()
    watched, order = (sparse.vstack(each, format="csr") for each in (watched, order))
    courses = syllabus(world.course_items, world.course_items)
    return watched, world.q_matrix, order, enrolled, courses, np.random.default_rng(0)


def one_attended_fit(given: dict[str, int]) -> dict[str, float]:
    """As `one_fit`, of what is served, the fits that judge the response rate included."""
    config, settings = PRESETS["paper"].resized(**given), LearnerModelConfig().attended()
    tiny = PRESETS["sample"].resized(learners=60, views=3_000, enrolments=200)
    fit_attended(*followed(tiny, 0), settings)
    world = followed(config, 0)
    load, wall, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
    found = fit_attended(*world, settings)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "views": int(np.count_nonzero(world[0].data)),
        "observations": int(world[0].nnz),
        "learners": config.learners,
        "concepts": config.concepts,
        "iterations": found.diagnosis.objective.size - 1,
        "wall": wall,
        "cpu": cpu,
        "load": load,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def in_a_child(given: dict[str, int], *which: str) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, json.dumps(given), *which]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def shown(found: dict[str, float]) -> str:
    return (
        f"{found['learners']:,} learners, {found['views']:,} views of {found['observations']:,}, "
        f"{found['concepts']:,} concepts: {found['iterations']} iterations, {found['wall']:.1f} s "
        f"({found['cpu']:.1f} s CPU), {found['peak']:.2f} GB, load {found['load']:.1f}"
    )


@pytest.mark.parametrize("what", SIZES)
def test_growth(what):
    """The log-log slope of CPU time: of the whole fit, and of one iteration."""
    found = [in_a_child(given) for given in SIZES[what]]
    size = [one["views" if what == "learners and their views" else what] for one in found]
    for one in found:
        print("\n" + shown(one), end="")
    whole, single = (
        np.polyfit(np.log(size), np.log(times), 1)[0]
        for times in (
            [one["cpu"] for one in found],
            [one["cpu"] / one["iterations"] for one in found],
        )
    )
    print(f"\n{what}: slope of the whole fit {whole:.2f}, of an iteration {single:.2f}")
    assert single <= 1.1


def test_paper_size():
    """15,921 learners with 2.4 million views: 60 s and 2 GB are wanted."""
    found = in_a_child({})
    print("\n" + shown(found))
    assert found["peak"] < 2


def test_attended_growth():
    """What is served, at a sixteenth, a quarter and all of the paper's learners."""
    for learners in (995, 3_980, 15_921):
        print("\n" + shown(in_a_child({"learners": learners}, "attended")), end="")


if __name__ == "__main__":
    one = one_attended_fit if "attended" in sys.argv[2:] else one_fit
    print(json.dumps(one(json.loads(sys.argv[1]))))
