"""From learner records to slip, guess, prior and every learner's mastery."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgplan.store.running import Task, stage
from kgplan.store.stages import Figures

if TYPE_CHECKING:
    from kgplan.diagnosis import LearnerModelConfig

OBJECTIVE_PLOT = "objective.svg"


def default_config() -> "LearnerModelConfig":
    """V-DINA fitted to what learners met."""
    from kgplan.diagnosis import LearnerModelConfig

    return LearnerModelConfig()


def figures(details: Mapping[str, Any]) -> Figures:
    """How the fit went."""
    rows: list[tuple[str, Any]] = [
        ("model", details["model"]),
        ("response rate", details["response_rate"]),
        ("log-likelihood, first", details["objective"][0]),
        ("log-likelihood, last", details["objective"][-1]),
        ("iterations", details["iterations"]),
        ("converged", details["converged"]),
        ("propagation residual", details["residual"]),
        ("concepts that evidence reaches", details["reached_concepts"]),
        ("learner-concept pairs not told apart", details["not_told_apart"]),
        ("learner-concept pairs with weak evidence", details["weak_evidence"]),
        ("bits of evidence on a pair, mean", details["bits_of_evidence"]),
        ("bits still open on a pair, mean", details["bits_still_open"]),
    ]
    rows = [(name, value) for name, value in rows if value is not None]
    rows += [(f"learners, {how}", count) for how, count in details["learners"].items()]
    return Figures("diagnosis", rows)


@stage(
    name="diagnose",
    about="Fit V-DINA: slip and guess of every item, mastery of every learner.",
    part="model",
    own_command="kgplan diagnose",
    reads=("records",),
    makes=("diagnosis",),
    serves=("diagnosis",),
    config=default_config,
    work=(0.22, 0.72),
    figures=figures,
)
def run_diagnose(task: Task, config: "LearnerModelConfig") -> None:
    """Learner records -> slip, guess, prior and every learner's mastery."""
    import numpy as np

    from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence, entropy
    from kgplan.model.opening import newest_records
    from kgplan.planning.fitting import fit_learners
    from kgplan.report.curve import curve

    records, source = newest_records(task.artifacts)
    fitted = fit_learners(records, config, task.progress)
    known, diagnosis = fitted.mastery, fitted.diagnosis
    mastery, items = known.mastery, known.items
    attendance = None if items is None else items.attendance
    evidence = divergence(mastery.data, diagnosis.prior[mastery.indices])
    new = [source] if task.artifacts.in_use().get("records") != source.version else []
    inputs = {"records": source.version}
    with task.draft("diagnosis", config.to_dict(), inputs, beside=new) as draft:
        draft.put(**known.to_arrays(), objective=diagnosis.objective)
        # the first step gains most by far and would flatten the rest
        plot = curve(
            diagnosis.objective[1:].tolist() or diagnosis.objective.tolist(),
            "objective of V-DINA, in nats",
            "iteration",
            first=1,
        )
        (draft.path / OBJECTIVE_PLOT).write_text(plot, encoding="utf-8")
        draft.metrics = {
            "model": config.model,
            "response_rate": None if attendance is None else attendance.response_rate,
            "log_loss_at_rates": {str(rate): loss for rate, loss in fitted.rates.items()},
            "objective": diagnosis.objective.tolist(),
            "iterations": diagnosis.objective.size - 1,
            "converged": diagnosis.converged,
            "residual": diagnosis.residual,
            "unsettled": diagnosis.unsettled,
            "learners": diagnosis.learners,
            "skipped": diagnosis.skipped,
            "reached_concepts": int(np.unique(mastery.indices).size),
            "not_told_apart": int(known.not_told_apart.nnz),
            "weak_evidence": int((evidence < WEAK_EVIDENCE).sum()),
            "bits_of_evidence": float(evidence.mean()) if evidence.size else 0.0,
            "bits_still_open": float(entropy(mastery.data).mean()) if evidence.size else 0.0,
            "videos_without_observation": int((~diagnosis.observed).sum()),
        }
    task.report.rows_in, task.report.rows_out = fitted.n_observations, int(mastery.nnz)
