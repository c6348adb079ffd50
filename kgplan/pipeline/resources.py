"""From learner records to what ranks the resources of every step."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kgplan.errors import InputError
from kgplan.progress import Progress
from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures

if TYPE_CHECKING:
    from kgplan.data.records import LearnerRecords
    from kgplan.resources.blend.fitting import BlendConfig


def default_config() -> "BlendConfig":
    """The blend as it is served: fitted to the next view alone."""
    from kgplan.resources.blend.fitting import BlendConfig

    return BlendConfig(ahead=1)


def figures(details: Mapping[str, Any]) -> Figures:
    """What was counted, and what is served."""
    apart = ("weights", "held_back")
    rows = [(name.replace("_", " "), value) for name, value in details.items() if name not in apart]
    rows += [(f"NDCG@5 of {name}", value) for name, value in details["held_back"].items()]
    rows += [(f"weight of {name}", value) for name, value in details["weights"].items()]
    return Figures("resources", rows)


@stage(
    name="resources",
    about="What ranks the resources of every step: counts of views, and a blend fitted to them.",
    part="model",
    own_command="kgplan resources train",
    reads=("records",),
    makes=("resources",),
    serves=("resources",),
    config=default_config,
    figures=figures,
)
def run_resources(task: Task, config: "BlendConfig") -> None:
    """Learner records -> counts of views, pairs and steps, and the blend of what they say.

    The blend is served where it names held-back views better than the simple methods do.
    """
    from dataclasses import asdict, replace

    import numpy as np

    from kgplan.model.opening import RESOURCES, newest_records
    from kgplan.resources.blend.fitting import fit_blend
    from kgplan.resources.ranker import BLEND, usual_ranker
    from kgplan.resources.simple import METHODS

    records, source = newest_records(task.artifacts)
    ranker, held_back, why = usual_ranker(records), {}, ""
    try:
        held_back = on_held_back(records, config, task.progress)
        if held_back[BLEND] > held_back[ranker.chosen]:
            blend = fit_blend(records, config, task.progress)
            ranker = replace(ranker, counts=blend.known.counts, chosen=BLEND, blend=blend)
    except InputError as error:
        why = str(error)
    counts = ranker.counts
    with task.draft(RESOURCES, asdict(config), {"records": source.version}) as draft:
        draft.put(**ranker.to_arrays())
        draft.metrics = {
            "served": ranker.chosen,
            "resources": int(counts.item_ids.size),
            "without_a_view": int(np.sum(counts.viewers == 0)),
            "pairs": int(counts.together.nnz) // 2,
            "steps": int(counts.followed.sum()),
            "in_time": records.viewed_order is not None,
            "held_back": held_back,
            "no_blend_because": why,
            "weights": dict(zip(METHODS, ranker.weights.tolist(), strict=True)),
        }
    task.report.rows_in, task.report.rows_out = int(records.viewed.nnz), int(counts.item_ids.size)


def on_held_back(
    records: "LearnerRecords", config: "BlendConfig", progress: Progress
) -> dict[str, float]:
    """What ranks -> NDCG@5 of the last five views of some learners, among what was unopened on each
    of their concepts; fitted to the views before, of all.

    Raises:
        InputError: there is no such view, nothing to fit a blend to, or scikit-learn is missing.
    """
    import numpy as np

    from kgplan.evaluation.resources.protocol import Method, measured_by_concept, of_concepts
    from kgplan.evaluation.resources.splits import Viewing, last
    from kgplan.resources.blend.fitting import fit_blend
    from kgplan.resources.ranker import BLEND, usual_ranker

    if find_spec("sklearn") is None:
        raise InputError("the blend is fitted by scikit-learn; pip install 'kgplan[embed]'")
    split = last(5)(Viewing(records, records.places_of_views))  # the order alone counts
    learners = np.random.default_rng(config.seed).permutation(np.unique(split.learner))
    judged = set(learners[: config.judged].tolist())
    cases = [each for each in of_concepts(split) if each.context.learner in judged]
    if not cases:
        raise InputError("none of the last views has another resource beside it on its concept")
    usual = usual_ranker(split.known.records)
    blend = fit_blend(split.known.records, config, progress)
    methods: dict[str, Method] = {
        usual.chosen: lambda context, asked: usual.simply(context.history, asked),
        BLEND: lambda context, asked: blend.of(context.history, asked),
    }
    found = {name: measured_by_concept(method, cases) for name, method in methods.items()}
    return {name: float(np.average(each.ndcg, weights=each.weight)) for name, each in found.items()}
