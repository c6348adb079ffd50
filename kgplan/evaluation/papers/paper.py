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
class OfModel:
    """Measures read the model in use; `open` makes what they read."""

    open: Callable[[Sources], Any]


@dataclass(frozen=True)
class OfNothing:
    """Measures read what `generate` makes, without any model."""

    generate: Callable[[Generator], Any]


@dataclass(frozen=True)
class Paper:
    """A paper whose experiment can be run.

    Attributes:
        name: as callers give it; the experiment's file has it too.
        measures: that the tables name.
        data: where they find what they measure.
        findings: sentences that follow from the filled tables, given by their names.
    """

    name: str
    measures: Mapping[str, Measure[Any]]
    data: OfModel | OfNothing
    findings: Callable[[Mapping[str, Filled]], Sequence[str]]


PAPERS = {
    each.name: each
    for each in (
        Paper(
            "kg-plppm",
            kg_plppm.MEASURES,
            OfModel(kg_plppm.open_session),
            findings.of_kg_plppm,
        ),
        Paper(
            "gcn-attention-rl",
            gcn_attention_rl.MEASURES,
            OfModel(gcn_attention_rl.open_session),
            findings.of_gcn_attention_rl,
        ),
        Paper(
            "preschool-multimodal",
            preschool.MEASURES,
            OfNothing(preschool.Session),
            preschool.findings,
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
