"""Which papers' experiments are there, and what does each need to be run?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from kgplan.evaluation.papers import findings, gcn_attention_rl, kg_plppm, preschool
from kgplan.evaluation.papers.experiment import Experiment, read_experiment
from kgplan.evaluation.papers.harness import Filled, Measure
from kgplan.evaluation.papers.sources import Generator, Sources
from kgplan.registry import named


@dataclass(frozen=True)
class Paper:
    """A paper whose experiment can be run.

    Attributes:
        name: as callers give it; the experiment's file has it too.
        measures: that the tables name.
        findings: sentences that follow from the filled tables, given by their names.
        open: makes what the measures read, from the model in use; None where
        generate: makes it from nothing.
    """

    name: str
    measures: Mapping[str, Measure[Any]]
    findings: Callable[[Mapping[str, Filled]], Sequence[str]]
    open: Callable[[Sources], Any] | None = None
    generate: Callable[[Generator], Any] | None = None


PAPERS = {
    each.name: each
    for each in (
        Paper("kg-plppm", kg_plppm.MEASURES, findings.of_kg_plppm, kg_plppm.open_session),
        Paper(
            "gcn-attention-rl",
            gcn_attention_rl.MEASURES,
            findings.of_gcn_attention_rl,
            gcn_attention_rl.open_session,
        ),
        Paper(
            "preschool-multimodal",
            preschool.MEASURES,
            preschool.findings,
            generate=preschool.Session,
        ),
    )
}


def paper_named(name: str) -> Paper:
    """The paper of a name.

    Raises:
        ConfigError: there is none.
    """
    return named("paper", name, PAPERS)


def experiment_of(name: str) -> Experiment:
    """The experiment of a paper by its name, or of a file by its path, which ends in .toml.

    Raises:
        ConfigError: there is no such paper, or the file is none of an experiment.
    """
    if name.endswith(".toml"):
        experiment = read_experiment(Path(name))
        paper_named(experiment.paper)
        return experiment
    with resources.as_file(resources.files(__package__) / f"{paper_named(name).name}.toml") as path:
        return read_experiment(path)
