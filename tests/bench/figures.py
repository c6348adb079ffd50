"""Measure what docs/measured.md says of the sample, and write it there: `make figures`.

The main job runs in an empty home, in a process of its own; then every learner's plan in every
course of theirs is made in this one. Nothing else should run on the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from page import ROOT, write_figures

from kgplan.model.opening import open_planner
from kgplan.planning import Planner
from kgplan.settings import Settings


def demo(home: Path) -> dict[str, str]:
    """Run the main job in a home, and tell its figures."""
    done = subprocess.run(
        [sys.executable, "-m", "kgplan", "demo", "data/mooccube-cs.zip", "--json"],
        cwd=ROOT,
        env=os.environ | {"KGPLAN_HOME": str(home)},
        check=True,
        stdout=subprocess.PIPE,
    )
    told = json.loads(done.stdout)
    stages = {each["stage"]: each for each in told["stages"]}
    test = stages["embed"]["details"]["test"]
    fit = stages["diagnose"]
    return {
        "`make demo`, environment there": f"{told['seconds']:.0f} s,"
        f" peak memory {told['peak_memory_bytes'] / 1e9:.1f} GB",
        "TransR, filtered test MRR / Hits@10": f"{_points(test['both'])}"
        f" (popularity {_points(test['popularity']['both'])})",
        f"V-DINA, {fit['rows_in']:,} observations": f"{fit['seconds']:.0f} s,"
        f" {fit['details']['iterations']} iterations",
    }


def plans(planner: Planner) -> dict[str, str]:
    """Make every learner's plan in every course of theirs that has concepts."""
    records = planner.records
    taught = {str(each) for each in planner.graph.relations["course_has_concept"][0]}
    enrolled = records.enrolled.tocoo()
    pairs = [
        (str(records.learner_ids[u]), str(records.course_ids[c]))
        for u, c in zip(enrolled.row, enrolled.col, strict=True)
        if str(records.course_ids[c]) in taught
    ]
    planner.plan(*pairs[0])  # loads what is compiled
    spent = np.empty(len(pairs))
    for k, (learner_id, course_id) in enumerate(pairs):
        begun = time.perf_counter()
        planner.plan(learner_id, course_id)
        spent[k] = 1e3 * (time.perf_counter() - begun)
    median, high = np.percentile(spent, (50, 99))
    return {
        f"a plan in process, {len(pairs):,} of them": f"median {median:.2f} ms, p99 {high:.2f} ms"
    }


def main() -> None:
    """Measure, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        found = demo(home) | plans(open_planner(Settings(home=home)))
    lines = [
        f"`make figures`, {date.today()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[2]:.1f} over the last quarter of an hour:\n",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in found.items()),
    ]
    write_figures("figures", lines)


def _points(ranks: dict[str, float]) -> str:
    return " / ".join(f"{ranks[name]:.3f}".lstrip("0") for name in ("mrr", "hits@10"))


if __name__ == "__main__":
    main()
