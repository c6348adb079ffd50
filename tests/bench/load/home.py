"""A home to put load on: a generated archive through every stage, its vectors made up.

How good vectors are does not matter for speed, so they are not trained: random ones, drawn towards
their neighbours in the graph.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import sparse

from kgplan.diagnosis import LearnerModelConfig
from kgplan.embedding import Embedding
from kgplan.etl.stages import Extraction, run_extract, run_load, run_map
from kgplan.evaluation.generate import generate
from kgplan.evaluation.simulation import PRESETS
from kgplan.model.opening import open_snapshot
from kgplan.pipeline.diagnose import run_diagnose
from kgplan.pipeline.similarity import run_similarity
from kgplan.settings import Settings
from kgplan.store.artifacts import ArtifactStore

DIMENSION = 50
ITERATIONS = 5  # of the diagnosis


def make_home(folder: Path, **sizes: int) -> Settings:
    """The home in this folder, made where it is not there yet.

    Args:
        folder: its KGPLAN_HOME.
        sizes: learners, concepts, ...; those of the paper where not given.
    """
    settings = Settings(home=folder)
    if "similarity" in ArtifactStore(settings.artifacts).in_use():
        return settings
    archive = folder.parent / f"{folder.name}-archive"
    if not archive.exists():
        generate(archive, PRESETS["paper"].resized(**sizes), 0)
    run_extract(settings, Extraction(archive))
    run_map(settings)
    run_load(settings)
    put_vectors(settings)
    run_diagnose(settings, LearnerModelConfig(iteration_limit=ITERATIONS))
    run_similarity(settings)
    return settings


def put_vectors(settings: Settings) -> None:
    """Make up the vectors of all entities, and put them into use."""
    graph = open_snapshot(settings)
    heads, relations, tails = graph.triples.T
    entities, inverted = np.unique([heads, tails]), [f"{r}_inverse" for r in np.unique(relations)]
    relation_ids = np.array(sorted([*np.unique(relations), *inverted]))
    head, tail = np.searchsorted(entities, heads), np.searchsorted(entities, tails)
    ones = np.ones(2 * head.size, dtype=np.float32)
    near = sparse.csr_array((ones, (np.r_[head, tail], np.r_[tail, head])))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(entities.size, DIMENSION))
    vectors = (vectors + near @ vectors / np.maximum(near.sum(axis=1), 1)[:, None]) / 2
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
    made = Embedding(
        entity_ids=entities,
        vectors=vectors.astype(np.float32),
        relation_ids=relation_ids,
        relation_vectors=np.zeros((relation_ids.size, DIMENSION), dtype=np.float32),
        projections=np.tile(np.eye(DIMENSION, dtype=np.float32), (relation_ids.size, 1, 1)),
        metrics={},
        history=(),
    )
    store = ArtifactStore(settings.artifacts)
    with store.draft("embedding", {"made_for": "load"}, {"graph": graph.version}) as draft:
        draft.put(**made.to_arrays())
        draft.metrics = {"history": []}
    store.switch(draft.finished())


def made_aside(folder: Path, **sizes: int) -> Settings:
    """`make_home` in a process of its own, whose memory goes with it."""
    given = [f"{name}={size}" for name, size in sizes.items()]
    subprocess.run([sys.executable, __file__, str(folder), *given], check=True)
    return Settings(home=folder)


if __name__ == "__main__":
    pairs = (each.split("=") for each in sys.argv[2:])
    make_home(Path(sys.argv[1]), **{name: int(size) for name, size in pairs})
