"""How does a planner become plain arrays, and come back without computing anything?

Arrays are taken as they are, so a planner made from memory-mapped files holds no copy of them.
Only small things are made anew: look-ups by id, and rows that a plan names.
"""

from collections.abc import Mapping
from typing import Any

from kgplan.arrays import Array
from kgplan.data.links import Links
from kgplan.data.records import LearnerRecords
from kgplan.data.stored import arrays_below, named_below
from kgplan.diagnosis.config import LearnerModelConfig
from kgplan.engagement.next_view import Completion
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.derived import Derived
from kgplan.planning.mastery import MATRICES, LearnerMastery
from kgplan.planning.planner import Planner
from kgplan.resources.ranker import ResourceRanker
from kgplan.similarity import FusedSimilarity


def planner_to_arrays(planner: Planner) -> tuple[dict[str, Array], dict[str, Any]]:
    """All that a planner holds.

    Returns:
        Arrays by name, and the JSON values beside them.
    """
    diagnosis, derived = planner.diagnosis, planner.derived
    arrays = {
        **named_below("graph", planner.graph.to_arrays()),
        **named_below("records", planner.records.to_arrays()),
        **named_below("diagnosis", diagnosis.to_arrays()),
        **named_below("similarity", planner.similarity.to_arrays()),
        **named_below("derived", derived.to_arrays()),
    }
    if planner.ranker is not None:
        arrays |= named_below("ranker", planner.ranker.to_arrays())
    if planner.completion is not None:
        arrays |= named_below("completion", planner.completion.to_arrays())
    # what is the same on the graph's concepts is kept once
    shared = [name for name in MATRICES if getattr(diagnosis, name) is getattr(derived, name)]
    for name in shared:
        for each in arrays_below(f"diagnosis.{name}", arrays):
            del arrays[f"diagnosis.{name}.{each}"]
    values = {
        "model_version": planner.model_version,
        "provisional": sorted(planner.provisional),
        "alpha": planner.similarity.alpha,
        "items": None if diagnosis.items is None else diagnosis.items.config.to_dict(),
        "of_records": diagnosis.of_records,
        "shared": shared,
        "links": planner.links.template,
        "ranks": planner.ranker is not None,
        "foresees": planner.completion is not None,
    }
    return arrays, values


def planner_from_arrays(arrays: Mapping[str, Array], values: Mapping[str, Any]) -> Planner:
    """The planner that `planner_to_arrays` took apart.

    Args:
        arrays, values: what it gave; the arrays may be read-only and memory-mapped.

    Raises:
        KeyError: one is missing: another version of kgplan stored them.
    """
    derived = Derived.from_arrays(arrays_below("derived", arrays))
    return Planner(
        graph=GraphSnapshot.from_arrays(arrays_below("graph", arrays)),
        records=LearnerRecords.from_arrays(arrays_below("records", arrays)),
        diagnosis=LearnerMastery.from_arrays(
            arrays_below("diagnosis", arrays),
            values["items"] and LearnerModelConfig.from_dict(values["items"]),
            values["of_records"],
            {name: getattr(derived, name) for name in values["shared"]},
        ),
        similarity=FusedSimilarity.from_arrays(arrays_below("similarity", arrays), values["alpha"]),
        model_version=values["model_version"],
        provisional=values["provisional"],
        derived=derived,
        links=Links(values["links"]),
        ranker=ResourceRanker.from_arrays(arrays_below("ranker", arrays))
        if values["ranks"]
        else None,
        completion=Completion.from_arrays(arrays_below("completion", arrays))
        if values["foresees"]
        else None,
    )
