"""How does a planner become plain arrays, and come back without computing anything?

Arrays are taken as they are, so a planner made from memory-mapped files holds no copy of them.
Only small things are made anew: look-ups by id, and rows that a plan names.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from kgplan.arrays import Array, Ids
from kgplan.data.records import LearnerRecords, csr_from_arrays, csr_to_arrays
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.graph.schema import graph_schema
from kgplan.graph.snapshot import GraphSnapshot, id_array
from kgplan.planning.derived import Derived, Nearby
from kgplan.planning.mastery import ItemParameters, LearnerMastery
from kgplan.planning.planner import Planner
from kgplan.planning.teaching import Teachings
from kgplan.similarity import Bounds, FusedSimilarity, LearnerSets

GRAPH_ARRAYS = (
    "concept_ids", "concept_names", "concept_names_en", "concept_fields", "course_ids",
    "course_names",
)  # fmt: skip
DERIVED_ARRAYS = ("prior", "popularity", "edge_similarity")
DERIVED_MATRICES = ("mastery", "not_told_apart", "learned", "enrolled")


def planner_to_arrays(planner: Planner) -> tuple[dict[str, Array], dict[str, Any]]:
    """All that a planner holds.

    Returns:
        Arrays by name, and the JSON values beside them.
    """
    graph, diagnosis, similarity = planner.graph, planner.diagnosis, planner.similarity
    derived, items = planner.derived, planner.diagnosis.items
    arrays: dict[str, Array] = {f"graph.{name}": getattr(graph, name) for name in GRAPH_ARRAYS}
    for name in ("course_concepts", "prerequisites"):
        arrays |= csr_to_arrays(f"graph.{name}", getattr(graph, name))
    for name, (heads, tails) in graph.relations.items():
        arrays |= {f"graph.{name}.heads": heads, f"graph.{name}.tails": tails}
    pairs, sources = _sources_to_arrays(graph)
    arrays |= {"graph.sourced": pairs, "graph.sources": sources}
    arrays |= {f"records.{name}": array for name, array in planner.records.to_arrays().items()}
    arrays |= {
        "diagnosis.learner_ids": diagnosis.learner_ids,
        "diagnosis.concept_ids": diagnosis.concept_ids,
        "diagnosis.prior": diagnosis.prior,
    }
    for name in ("mastery", "not_told_apart"):
        if getattr(diagnosis, name) is not getattr(derived, name):
            arrays |= csr_to_arrays(f"diagnosis.{name}", getattr(diagnosis, name))
    if items is not None:
        arrays |= {f"items.{name}": getattr(items, name) for name in ("video_ids", "slip", "guess")}
    arrays |= {
        "similarity.concept_ids": similarity.concept_ids,
        "similarity.vectors": similarity.vectors,
    }
    of_learners = similarity.learners.to_arrays()
    arrays |= {f"similarity.{name}": array for name, array in of_learners.items()}
    arrays |= {f"derived.{name}": getattr(derived, name) for name in DERIVED_ARRAYS}
    for name in DERIVED_MATRICES:
        arrays |= csr_to_arrays(f"derived.{name}", getattr(derived, name))
    arrays |= {f"teachings.{name}": each for name, each in derived.teachings.to_arrays().items()}
    arrays |= {"nearby.ids": derived.nearby.ids, "nearby.values": derived.nearby.values}
    values = {
        "graph_version": graph.version,
        "model_version": planner.model_version,
        "provisional": sorted(planner.provisional),
        "whole": bool(derived.nearby.whole),
        "alpha": similarity.alpha,
        "bounds": [float(getattr(similarity.bounds, field.name)) for field in fields(Bounds)],
        "items": None if items is None else items.config.to_dict(),
        "of_records": diagnosis.of_records,
    }
    return arrays, values


def planner_from_arrays(arrays: Mapping[str, Array], values: Mapping[str, Any]) -> Planner:
    """The planner that `planner_to_arrays` took apart.

    Args:
        arrays, values: what it gave; the arrays may be read-only and memory-mapped.

    Raises:
        KeyError: one is missing: another version of kgplan stored them.
    """
    graph = GraphSnapshot(
        version=values["graph_version"],
        **{name: arrays[f"graph.{name}"] for name in GRAPH_ARRAYS},
        course_concepts=csr_from_arrays("graph.course_concepts", arrays),
        prerequisites=csr_from_arrays("graph.prerequisites", arrays),
        prerequisite_sources=_sources_from_arrays(arrays["graph.sourced"], arrays["graph.sources"]),
        relations={
            each.name: (arrays[f"graph.{each.name}.heads"], arrays[f"graph.{each.name}.tails"])
            for each in graph_schema().relations
        },
    )
    derived = Derived(
        **{name: arrays[f"derived.{name}"] for name in DERIVED_ARRAYS},
        **{name: csr_from_arrays(f"derived.{name}", arrays) for name in DERIVED_MATRICES},
        teachings=Teachings.from_arrays(_below("teachings.", arrays)),
        nearby=Nearby(arrays["nearby.ids"], arrays["nearby.values"], values["whole"]),
    )
    matrices = {
        name: csr_from_arrays(f"diagnosis.{name}", arrays)
        if f"diagnosis.{name}.indptr" in arrays
        else getattr(derived, name)
        for name in ("mastery", "not_told_apart")
    }
    items = None
    if values["items"] is not None:
        of_videos = _below("items.", arrays)
        items = ItemParameters(**of_videos, config=DiagnosisConfig.from_dict(dict(values["items"])))
    return Planner(
        graph=graph,
        records=LearnerRecords.from_arrays(_below("records.", arrays)),
        diagnosis=LearnerMastery(
            learner_ids=arrays["diagnosis.learner_ids"],
            concept_ids=arrays["diagnosis.concept_ids"],
            prior=arrays["diagnosis.prior"],
            items=items,
            of_records=values["of_records"],
            **matrices,
        ),
        similarity=FusedSimilarity(
            concept_ids=arrays["similarity.concept_ids"],
            vectors=arrays["similarity.vectors"],
            learners=LearnerSets.from_arrays(_below("similarity.", arrays)),
            alpha=values["alpha"],
            bounds=Bounds(*values["bounds"]),
        ),
        model_version=values["model_version"],
        provisional=values["provisional"],
        derived=derived,
    )


def _below(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}


def _sources_to_arrays(graph: GraphSnapshot) -> tuple[Array, Ids]:
    """(N, 2) positions after and before, and (N,) where each edge comes from, as JSON."""
    pairs = np.array(list(graph.prerequisite_sources), dtype=np.int64).reshape(-1, 2)
    texts = [json.dumps(list(each)) for each in graph.prerequisite_sources.values()]
    return pairs, id_array(texts)


def _sources_from_arrays(pairs: Array, texts: Ids) -> dict[tuple[int, int], list[str]]:
    kinds = {text: json.loads(text) for text in set(texts.tolist())}
    places = map(tuple, pairs.tolist())
    return {place: kinds[text] for place, text in zip(places, texts.tolist(), strict=True)}
