"""Which models were in use, which is in use, and which shall be?

A model version is the set of results that plans are computed from together: learner records,
diagnosis and similarity, with the embedding that the similarity was made from, and what further
stages of the model make. Its name is
`kgplan.model.opening.model_version` of the set. Tables and triples belong to the graph and stay
as they are when another model comes into use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from kgplan.data.search import close_matches
from kgplan.errors import (
    ArtifactDamaged,
    ArtifactError,
    ModelUnusable,
    NoEarlierModel,
    UnknownModelVersion,
)
from kgplan.model.opening import (
    MODEL_KINDS,
    name_of,
    open_planner,
    open_similarity,
    open_snapshot,
)
from kgplan.settings import Settings
from kgplan.store.artifacts import HISTORY, Artifact, ArtifactStore, Aside, Switch
from kgplan.store.files import is_time
from kgplan.store.stages import model_kinds


@dataclass(frozen=True)
class ModelVersion:
    """A model that is or was in use.

    Attributes:
        version: its name.
        artifacts: kind -> version of what it is made of.
        since: when it last came into use; ISO 8601, UTC.
        by: the command that put it into use; empty where nobody noted it.
        in_use: whether it is now.
        problem: why it cannot be used any more; empty while it is whole on disk.
        graph_version: of the graph that its vectors were trained on; None where that is not
            readable any more, as for the figures.
        test_mrr: filtered MRR of its vectors on the test triples, both sides.
        log_likelihood: the objective that its diagnosis ended with, in nats.
    """

    version: str
    artifacts: Mapping[str, str]
    since: str
    by: str
    in_use: bool
    problem: str
    graph_version: str | None
    test_mrr: float | None
    log_likelihood: float | None


@dataclass(frozen=True)
class Activation:
    """What came of putting a model into use.

    Attributes:
        model: the one in use now.
        before: version of the one that was in use; None where none was.
        graph_version: of the graph that it plans on.
        concepts: of that graph.
        known_concepts: those of them that the model has vectors of; others get one from their
            neighbours, and plans say so.
    """

    model: ModelVersion
    before: str | None
    graph_version: str
    concepts: int
    known_concepts: int


@dataclass(frozen=True)
class Outdated:
    """A result in use that was made from something else than what is there now.

    Attributes:
        kind: of the result.
        input: what it was made from: the graph, or another kind of result.
        made_from, now: versions of the input.
    """

    kind: str
    input: str
    made_from: str
    now: str


def list_models(store: ArtifactStore) -> list[ModelVersion]:
    """Every remembered model, the one that came into use last first.

    Whether a model is whole is judged by its files' sizes; `find_model` reads them.
    """
    last = {name_of(switch.versions): switch for switch in models_of(store.history())}
    newest = sorted(last.values(), key=lambda switch: switch.at, reverse=True)
    return [describe(store, switch, hashed=False) for switch in newest]


def find_model(store: ArtifactStore, version: str) -> ModelVersion:
    """One remembered model, its files checked by their content.

    Raises:
        UnknownModelVersion: none of this name was ever in use, or it was too long ago.
    """
    return describe(store, switch_of(store, version), hashed=True)


def activate(settings: Settings, version: str, by: str) -> Activation:
    """Put a model that was in use before into use again, all of it in one step.

    Args:
        settings: where the graph and the results are.
        version: of the model.
        by: the command that asks for it, for the history.

    Raises:
        UnknownModelVersion: see `find_model`.
        ModelUnusable: it is not whole, or knows none of the graph's concepts; nothing changed.
        GraphUnavailable: the graph cannot be read, so nobody can say whether the model fits.
    """
    store = ArtifactStore(settings.artifacts)
    return _put_into_use(settings, store, switch_of(store, version), by, back=False)


def roll_back(settings: Settings, by: str) -> Activation:
    """Put the model into use that was in use before this one.

    Each further call goes one model further back, as undo does.

    Args:
        settings, by: as for `activate`.

    Raises:
        NoEarlierModel: none is remembered.
        ModelUnusable, GraphUnavailable: as for `activate`.
    """
    store = ArtifactStore(settings.artifacts)
    earlier = trail(store.history())[:-1]
    if not earlier:
        raise NoEarlierModel
    return _put_into_use(settings, store, earlier[-1], by, back=True)


def outdated(store: ArtifactStore, graph_version: str) -> list[Outdated]:
    """What of the model in use does not follow the graph and the other results any more.

    Args:
        store: of the results.
        graph_version: of the graph as it is now.
    """
    in_use = store.in_use()
    newest = store.made_from("records", "tables", in_use.get("tables", ""))
    now = in_use | {"graph": graph_version} | ({"records": newest} if newest else {})
    found = []
    for kind in model_kinds():
        if kind not in in_use:
            continue
        inputs = store.open(kind, in_use[kind], hashed=False).manifest["inputs"]
        found += [
            Outdated(kind, name, made_from, now[name])
            for name, made_from in inputs.items()
            # the vectors that a warm start began with are older by their nature
            if name in now and name != kind and now[name] != made_from
        ]
    return found


def models_of(history: Sequence[Switch]) -> list[Switch]:
    """The switches after which there was a whole model, and another one than before."""
    whole = [each for each in history if all(kind in each.versions for kind in MODEL_KINDS)]
    return [next(same) for _, same in groupby(whole, lambda each: name_of(each.versions))]


def trail(history: Sequence[Switch]) -> list[Switch]:
    """The models that were in use one after the other, without what was taken back.

    >>> a, b = ({"records": x, "diagnosis": x, "similarity": x} for x in "ab")
    >>> past = [Switch(a, "1"), Switch(b, "2"), Switch(a, "3", back=True)]
    >>> [step.at for step in trail(past)]
    ['1']
    """
    steps: list[Switch] = []
    for switch in models_of(history):
        name = name_of(switch.versions)
        if switch.back:
            places = [at for at, step in enumerate(steps) if name_of(step.versions) == name]
            if places:
                del steps[places[-1] + 1 :]
                continue
        if not steps or name_of(steps[-1].versions) != name:
            steps.append(switch)
    return steps


def switch_of(store: ArtifactStore, version: str) -> Switch:
    """The last switch to a model.

    Raises:
        UnknownModelVersion: there was none.
    """
    found = {name_of(switch.versions): switch for switch in models_of(store.history())}
    if version not in found:
        raise UnknownModelVersion(version, close_matches(version, np.array(list(found), dtype=str)))
    return found[version]


def describe(store: ArtifactStore, switch: Switch, hashed: bool) -> ModelVersion:
    """What can be said of the model that a switch put into use.

    Raises:
        ArtifactDamaged: the history has a switch at no time.
    """
    if not is_time(switch.at):
        raise ArtifactDamaged(
            f"{store.root / HISTORY} has a switch at {switch.at!r}, which is no time; remove it;"
            " nothing but the memory of earlier switches is lost"
        )
    artifacts, problem = _open(store, switch, hashed)
    manifests = {kind: artifact.manifest for kind, artifact in artifacts.items()}
    in_use = store.in_use()
    embedding, diagnosis = manifests.get("embedding"), manifests.get("diagnosis")
    return ModelVersion(
        version=name_of(switch.versions),
        artifacts=_versions(switch, manifests.get("similarity")),
        since=switch.at,
        by=switch.by,
        in_use=name_of(in_use) == name_of(switch.versions),
        problem=problem,
        graph_version=embedding["inputs"].get("graph") if embedding else None,
        test_mrr=_figure(embedding, "test", "both", "mrr"),
        log_likelihood=_figure(diagnosis, "objective", -1),
    )


def _figure(manifest: Mapping[str, Any] | None, *keys: str | int) -> float | None:
    """One of an artifact's figures; None where there is none. Their hash is in no version."""
    found: Any = (manifest or {}).get("metrics")
    try:
        for key in keys:
            found = found[key]
    except (KeyError, IndexError, TypeError):
        return None
    return found if isinstance(found, int | float) else None


def _versions(switch: Switch, similarity: Mapping[str, Any] | None) -> dict[str, str]:
    """Kind -> version; an embedding that came later than the similarity is not the model's."""
    versions = {kind: switch.versions[kind] for kind in model_kinds() if kind in switch.versions}
    if similarity is not None:
        versions["embedding"] = similarity["inputs"]["embedding"]
    return versions


def _open(store: ArtifactStore, switch: Switch, hashed: bool) -> tuple[dict[str, Artifact], str]:
    """What is whole of a model's artifacts, and why the first of the others is not."""
    found: dict[str, Artifact] = {}
    problem = ""
    for kind in model_kinds():  # similarity before embedding: it says which one
        similarity = found.get("similarity")
        version = _versions(switch, similarity.manifest if similarity else None).get(kind)
        if version is None:
            continue
        try:
            found[kind] = store.open(kind, version, hashed)
        except ArtifactDamaged as error:
            problem = problem or str(error)
        except ArtifactError:
            problem = problem or f"its {kind} {version} was removed"
    return found, problem


def _put_into_use(
    settings: Settings, store: ArtifactStore, switch: Switch, by: str, back: bool
) -> Activation:
    version = name_of(switch.versions)
    artifacts, problem = _open(store, switch, hashed=True)
    if problem:
        raise ModelUnusable(version, problem)
    graph, aside = open_snapshot(settings), Aside(store)
    aside.switch(*artifacts.values())
    try:
        similarity = open_similarity(artifacts["similarity"])
        known = np.isin(graph.concept_ids, similarity.concept_ids)
        if known.any():
            open_planner(settings, aside, graph)
    except ArtifactError as error:  # whole, and made by a kgplan that wrote otherwise
        raise ModelUnusable(version, str(error)) from None
    if not known.any():
        raise ModelUnusable(
            version,
            f"it knows none of the {known.size:,} concepts of graph {graph.version};"
            " load the graph that it was made for, or make a new model with `kgplan reembed`",
        )
    before = store.in_use()
    aside.commit(by, back, gone=set(model_kinds()) - set(artifacts))
    return Activation(
        model=describe(store, switch_of(store, version), hashed=False),
        before=name_of(before) if all(kind in before for kind in MODEL_KINDS) else None,
        graph_version=graph.version,
        concepts=int(known.size),
        known_concepts=int(known.sum()),
    )
