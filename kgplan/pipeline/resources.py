"""From learner records to what ranks the resources of every step."""

from collections.abc import Mapping
from typing import Any

from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures


def figures(details: Mapping[str, Any]) -> Figures:
    """What was counted, and what is served."""
    rows = [(name.replace("_", " "), value) for name, value in details.items() if name != "weights"]
    rows += [(f"weight of {name}", value) for name, value in details["weights"].items()]
    return Figures("resources", rows)


@stage(
    name="resources",
    about="What ranks the resources of every step: counts of views, and their weights.",
    part="model",
    own_command="kgplan resources train",
    reads=("records",),
    makes=("resources",),
    serves=("resources",),
    figures=figures,
)
def run_resources(task: Task, config: None) -> None:
    """Learner records -> counts of views, pairs and steps, and the weights of what they say."""
    import numpy as np

    from kgplan.model.opening import RESOURCES, newest_records
    from kgplan.resources.ranker import METHODS, usual_ranker

    records, source = newest_records(task.artifacts)
    ranker = usual_ranker(records)
    counts = ranker.counts
    with task.draft(RESOURCES, {}, {"records": source.version}) as draft:
        draft.put(**ranker.to_arrays())
        draft.metrics = {
            "served": ranker.chosen,
            "resources": int(counts.item_ids.size),
            "without_a_view": int(np.sum(counts.viewers == 0)),
            "pairs": int(counts.together.nnz) // 2,
            "steps": int(counts.followed.sum()),
            "in_time": records.viewed_order is not None,
            "weights": dict(zip(METHODS, ranker.weights.tolist(), strict=True)),
        }
    task.report.rows_in, task.report.rows_out = int(records.viewed.nnz), int(counts.item_ids.size)
