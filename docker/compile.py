"""Which code does serving compile? All that this compiles, in the image's build.

A small generated model is made and served, once by one process and once by two, which read their
arrays another way. What Python and numba compile meanwhile lies in the environment and in
NUMBA_CACHE_DIR, and the image carries both. What only makes the model comes over PYTHONPATH, as
the image leaves it out; its vectors are drawn, as training needs torch.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from kgplan.embedding import Embedding
from kgplan.model.opening import open_snapshot
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

KGPLAN = [sys.executable, "-m", "kgplan"]
SIZES = {"learners": 200, "courses": 6, "concepts": 60}
DIMENSION = 32


def main() -> None:
    """Make the model, and serve it both ways."""
    with tempfile.TemporaryDirectory() as folder:
        home, archive = Path(folder) / "home", Path(folder) / "archive"
        shared = os.environ | {"KGPLAN_HOME": str(home)}
        # what only making compiles is not kept
        making = shared | {"PYTHONDONTWRITEBYTECODE": "1", "NUMBA_CACHE_DIR": folder}
        serving = {name: value for name, value in shared.items() if name != "PYTHONPATH"}
        serving["KGPLAN_REQUEST_SECONDS"] = "600"  # a request waits for what it compiles

        def kgplan(*arguments: object) -> None:
            subprocess.run([*KGPLAN, *map(str, arguments)], check=True, env=making)

        sizes = [text for name, size in SIZES.items() for text in (f"--{name}", str(size))]
        kgplan("generate", archive, *sizes)
        kgplan("etl", "run", archive)
        kgplan("graph", "load")
        draw_vectors(Settings(home=home))
        kgplan("diagnose")
        kgplan("similarity")
        for workers in ("1", "2"):
            port = free_port()
            command = [*KGPLAN, "serve", "--dev", "--port", str(port), "--workers", workers]
            with subprocess.Popen(command, env=serving) as service:
                try:
                    use(service, f"http://127.0.0.1:{port}")
                finally:
                    service.terminate()


def draw_vectors(settings: Settings) -> None:
    """Put vectors into use that nobody trained."""
    graph, rng = open_snapshot(settings), np.random.default_rng(0)
    entities, relations = np.unique(graph.triples[:, [0, 2]]), np.unique(graph.triples[:, 1])

    def drawn(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32) / DIMENSION

    embedding = Embedding(
        entities,
        drawn(entities.size, DIMENSION),
        relations,
        drawn(relations.size, DIMENSION),
        drawn(relations.size, DIMENSION, DIMENSION),
        metrics={},
        history=(),
    )
    artifacts = ArtifactStore(settings.artifacts)
    with artifacts.draft("embedding", {}, {"graph": graph.version}) as draft:
        draft.put(**embedding.to_arrays())
    artifacts.switch(draft.finished())


def use(service: "subprocess.Popen[bytes]", address: str) -> None:
    """Ask for what is computed when it is asked for."""

    def answer(path: str, body: Any = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent else {}
        request = urllib.request.Request(address + path, sent, headers)
        with urllib.request.urlopen(request) as answered:
            return json.load(answered)

    while True:
        try:
            answer("/health/ready")
            break
        except OSError:
            if service.poll() is not None:
                raise SystemExit("the service did not start") from None
            time.sleep(0.1)
    learner = quote(answer("/v1/learners?limit=1")["learners"][0])
    course = quote(answer(f"/v1/learners/{learner}/courses")["courses"][0]["course_id"])
    path = f"/v1/learners/{learner}/path?course_id={course}"
    answer(path)
    item = answer(f"/v1/courses/{course}")["items"][0]["id"]
    seen = {"event_id": address, "learner_id": learner, "item_id": item, "share": 1}
    answer("/v1/events", [seen])
    answer(path)
    answer(f"/v1/learners/{learner}/mastery")
    answer(f"/v1/courses/{course}/map")
    answer("/v1/graph/health")


def free_port() -> int:
    """A port that nobody listens on: the build may share the machine's network."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


if __name__ == "__main__":
    main()
