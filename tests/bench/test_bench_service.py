"""How long do paths take over HTTP, alone, explained, kept and in a batch?"""

import time

import numpy as np
from fastapi.testclient import TestClient
from test_bench_planner import own_courses, timed

from kgplan.api.app import create_app
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.planning import PlanOptions


def test_paths_over_http(sample_planner):
    """No socket: the application is called in this process, by CPU time."""
    pairs = own_courses(sample_planner)
    rng = np.random.default_rng(0)
    some = [pairs[k] for k in rng.choice(len(pairs), 1000, replace=False)]
    sample_planner.plan(*some[0])
    plain = timed(sample_planner.plan, some)
    explained = timed(lambda u, c: sample_planner.explain(sample_planner.plan(u, c)), some)
    limited = timed(
        lambda u, c: sample_planner.plan(u, c, PlanOptions(minutes=60, theta=0.9)), some
    )
    app = create_app(Keeper(lambda: sample_planner, lambda: "same"), Limits(cached_answers=10_000))
    client = TestClient(app)
    items = [{"learner_id": u, "course_id": c} for u, c in some]

    def ask(u, c):
        assert client.get(f"/v1/learners/{u}/path", params={"course_id": c}).status_code == 200

    def batch():
        begun, used = time.perf_counter(), time.process_time()
        results = client.post("/v1/paths", json={"items": items}).json()["results"]
        assert all(result["status"] == 200 for result in results)
        return 1e3 * (time.perf_counter() - begun), 1e3 * (time.process_time() - used)

    first, kept = batch(), batch()
    alone = timed(ask, some[:300])
    print(
        f"\nmedians: plan {np.median(plain):.3f} ms, with explanation {np.median(explained):.2f},"
        f" with minutes and mastery to skip {np.median(limited):.2f};"
        f"\nbatch of 1,000: {first[0]:.0f} ms ({first[1]:.0f} CPU), again from what is kept"
        f" {kept[0]:.0f} ms ({kept[1]:.0f} CPU); one kept path {np.median(alone):.2f} ms"
    )
