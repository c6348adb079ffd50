"""The model in use, opened once, for questions in Python."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from operator import itemgetter
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from kgplan.data.search import SearchIndex
from kgplan.errors import ConfigError, MissingExtra, NotFound
from kgplan.graph.address import database_of, server_of
from kgplan.graph.designer import ask, question, questions
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.graph.store import open_graph
from kgplan.model.catalogue import ListedConcept, ListedCourse, ListedLearner, list_learners
from kgplan.model.names import Names
from kgplan.model.neighbours import Neighbour, Neighbours
from kgplan.model.opening import open_planner, open_records, open_snapshot
from kgplan.model.recorded import recorded_learners, recorded_reasons
from kgplan.model.reviews import MINUTES, ReviewRules, reviews_of
from kgplan.pipeline.similarity import STORED_NEIGHBOURS
from kgplan.planning import CurrentLearner, Plan, Planner, PlanOptions, StepExplanation
from kgplan.planning.because import MOST_REASONS
from kgplan.planning.learner import ConceptMastery
from kgplan.planning.resources import Rank, Resource
from kgplan.planning.reviewing import Review
from kgplan.progress import Progress, silent
from kgplan.python.chain import Chain, chain_of
from kgplan.python.path import Path, explained
from kgplan.python.reasons import Reasoned
from kgplan.python.rows import Columns, Rows, columns_of
from kgplan.settings import Settings, settings_with
from kgplan.store.artifacts import ArtifactStore, Aside
from kgplan.store.configs import configs_with
from kgplan.store.stages import StageReport, stages_of

if TYPE_CHECKING:
    import py2neo

    from kgplan.data.records import LearnerRecords
    from kgplan.model.current import CurrentLearners


def _of_rank(name: str) -> Callable[[Resource], Any]:
    return lambda resource: getattr(resource.rank, name) if resource.rank else None


RANKED: Columns = {
    **columns_of(Resource, but=("rank",)),
    **{each: _of_rank(each) for each in Rank.__dataclass_fields__},
}
REVIEWED: Columns = {
    "title": lambda each: each.resource.title,
    "course_name": lambda each: each.resource.course_name,
    "minutes": lambda each: each.resource.minutes,
    "concepts": lambda each: ", ".join(concept.name for concept in each.concepts),
    "recall": lambda each: each.concepts[0].recall,
    "because": lambda each: each.because,
}
RANKED_SHOWN = ("title", "course_name", "minutes", "place", "because")


def open_model(home: "str | FilePath | None" = None, **settings: Any) -> "Model":
    """The graph and the model of a home, ready for questions.

    Args:
        home: folder of the results; where not given, the one of `KGPLAN_HOME`.
        **settings: others than those of the environment, by the names of
            docs/reference/configuration.md in small letters: `graph="neo4j://host"`, `records="postgresql+psycopg://host/database"`.

    Raises:
        ConfigError: there is no such folder, or a setting cannot be used.
    """
    given = settings if home is None else settings | {"home": FilePath(home).absolute()}
    found = settings_with(**given)
    if not found.home.is_dir():
        raise ConfigError(f"there is no folder {found.home}; `kgplan demo` makes a model there")
    return Model(found)


class Model:
    """One version of the graph and of the model, opened once, with learners as they are now.

    Learners, courses and concepts are given by id; courses and concepts also by a name that no
    other has. What the service recorded of a learner since the fit counts in every answer. The
    graph and the model stay what they were when first asked for, until `refit` or `renew`.

    Args:
        settings: where everything is.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def graph(self) -> GraphSnapshot:
        """The graph, as arrays."""
        return open_snapshot(self.settings)

    @cached_property
    def planner(self) -> Planner:
        """Graph, learner records, diagnosis and similarity, as arrays."""
        return open_planner(self.settings, graph=self.graph)

    @cached_property
    def _names(self) -> Names:
        return Names(self.graph, self._records)

    @cached_property
    def _records(self) -> "LearnerRecords":
        if "planner" in vars(self):
            return self.planner.records
        return open_records(ArtifactStore(self.settings.artifacts))[0]

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(ArtifactStore(self.settings.artifacts), self.graph)

    @cached_property
    def _learners(self) -> "CurrentLearners | None":
        """What the service recorded; None where it never ran."""
        return recorded_learners(self.settings)

    def refit(
        self,
        changes: Mapping[str, Any] = MappingProxyType({}),
        *,
        stages: Sequence[str] = (),
        warm: bool = False,
        progress: Progress = silent,
        **of_stages: Mapping[str, Any],
    ) -> Rows[StageReport]:
        """Make vectors, diagnosis and similarity anew, and put them into use together.

        Args:
            changes: keys that differ from the default configurations:
                `{"training.epochs": 40, "diagnose.damping": 0.2}`.
            stages: only these of "embed", "diagnose" and "similarity"; all where not given.
            warm: start the vectors from those in use.
            progress: told how far it is; `print` will do.
            **of_stages: the same by stage: `embed={"training.epochs": 40}`.

        Returns:
            What each stage did. The model is renewed; until then nothing has changed, also where
            it fails or is stopped.

        Raises:
            ConfigError: there is no such stage or key, or a value cannot be used.
            MissingExtra, ArtifactError, GraphUnavailable: as the stages.
        """
        from kgplan.pipeline.reembed import run_reembed  # the tools of the stages take their time

        known = {stage.name: stage for stage in stages_of("model")}
        if unknown := [name for name in stages if name not in known]:
            raise ConfigError(f"there is no stage {unknown[0]!r}; there are {', '.join(known)}")
        chosen = [stage for stage in known.values() if stage.name in stages or not stages]
        configs = configs_with({**changes, **of_stages}, chosen)
        if stages:
            aside = Aside(ArtifactStore(self.settings.artifacts))
            reports = [
                stage(self.settings, configs.get(stage.name), progress, aside, warm=warm)
                for stage in chosen
            ]
            aside.commit(by=f"Model.refit of {', '.join(stage.name for stage in chosen)}")
        else:
            reports = run_reembed(
                self.settings, configs, warm, run_stage=lambda _, stage: stage(progress)
            )
        self.renew()
        shown = [name for name in columns_of(StageReport) if name != "details"]
        return Rows("stages", reports, columns_of(StageReport), shown)

    def renew(self) -> Self:
        """Look again at what is in use now."""
        for name in ("graph", "planner", "_names", "_records", "_neighbours"):
            vars(self).pop(name, None)
        return self

    def close(self) -> None:
        """Let go of what the service recorded."""
        learners = vars(self).pop("_learners", None)
        if learners is not None:
            learners.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        opened = [f"<kgplan model at {self.settings.home}"]
        if "planner" in vars(self):
            opened.append(f"model {self.planner.model_version}")
        if "graph" in vars(self):
            opened += [
                f"graph {self.graph.version}",
                f"{self.graph.concept_ids.size:,} concepts",
                f"{self.graph.course_ids.size:,} courses",
            ]
        return ", ".join(opened) + ">"

    # what there is

    def learners(self, text: str = "") -> Rows[ListedLearner]:
        """Learners of the records, the busiest first.

        Args:
            text: part of an id; all where not given.
        """
        found = SearchIndex(list_learners(self._records))
        return _found("learners", found, text, ListedLearner)

    def courses(self, text: str = "") -> Rows[ListedCourse]:
        """Courses, the richest in concepts first; `text` is part of an id or name."""
        return _found("courses", self._names.courses, text, ListedCourse)

    def concepts(self, text: str = "") -> Rows[ListedConcept]:
        """Concepts, those that most others build on first; `text` is part of an id or name."""
        return _found("concepts", self._names.concepts, text, ListedConcept)

    # what learners should do

    def plan(self, learner: str, course: str, **options: Any) -> Path:
        """What a learner should learn next in a course.

        Args:
            learner: an id.
            course: an id or name.
            **options: any of `kgplan.planning.PlanOptions`: length, planner, pin, exclude, ...

        Raises:
            UnknownLearner, UnknownCourse, UnknownConcept: with close matches.
            AmbiguousName: several have the name; they are listed.
            ConfigError: an option cannot be used.
        """
        chosen, current = self._options(options), self._current(learner)
        course_id = self._names.course(course)
        return self._path(self.planner.plan(learner, course_id, chosen, current), current)

    def towards(self, learner: str, concept: str, **options: Any) -> Path:
        """What a learner should learn on the way to a concept; errors as for `plan`."""
        chosen, current = self._options(options), self._current(learner)
        concept_id = self._names.concept(concept)
        return self._path(self.planner.plan_towards(learner, concept_id, chosen, current), current)

    def explain(self, path: Path) -> Rows[StepExplanation]:
        """Why each step of a path, what was rejected, and what would change the choice.

        Raises:
            ConfigError: the path was made from another graph or model.
        """
        return explained(path, self.planner.explain(path.plan, path.current))

    def mastery(self, learner: str, course: str | None = None) -> Rows[ConceptMastery]:
        """How likely a learner holds each concept that evidence reaches, or each of a course."""
        course_id = None if course is None else self._names.course(course)
        found = self.planner.mastery(learner, course_id, self._current(learner))
        return Rows(f"mastery of {learner}", found, columns_of(ConceptMastery))

    def mastery_of(
        self, learner: str, concept: str, limit: int = MOST_REASONS, **manner: Any
    ) -> Reasoned:
        """What a learner's mastery of a concept rests on: what moved it, each left out in turn.

        Args:
            learner: an id.
            concept: an id or name.
            limit: views and answers that are looked at.
            **manner: `language` and `detail` of the sentence.

        Raises:
            UnknownLearner, UnknownConcept, AmbiguousName, ConfigError: as for `plan`.
        """
        concept_id, said = self._names.concept(concept), PlanOptions(**manner)
        return Reasoned(
            recorded_reasons(self._learners, self.planner, learner, concept_id, said, limit)
        )

    def resources(
        self,
        learner: str,
        concept: str | None = None,
        course: str | None = None,
        limit: int = 5,
        **manner: Any,
    ) -> Rows[Resource]:
        """What a learner should open on a concept, or next in a course, best first.

        Args:
            learner: an id.
            concept: an id or name; None where a course alone is asked for.
            course: an id or name: its resources first, or, without a concept, its resources alone.
            limit: how many at most.
            **manner: `language` and `detail` of the sentences.

        Raises:
            UnknownConcept, UnknownCourse, AmbiguousName: as for `plan`.
            ConfigError: neither a concept nor a course is given, or an option cannot be used.
        """
        found = self.planner.resources(
            learner,
            None if concept is None else self._names.concept(concept),
            None if course is None else self._names.course(course),
            PlanOptions(**manner),
            limit,
            self._current(learner),
        )
        how = f"ranked by {found.served}" if found.served else "in the order of their courses"
        notes = [note for note in (found.note, how) if note]
        return Rows(f"resources for {learner}", found.resources, RANKED, RANKED_SHOWN, notes=notes)

    def reviews(
        self, learner: str, course: str | None = None, minutes: float = MINUTES, **manner: Any
    ) -> Rows[Review]:
        """What a learner held and is about to forget, and the least to open for it.

        Args:
            learner: an id.
            course: an id or name; all concepts where None.
            minutes: that the learner has, of which reviews take a share.
            **manner: `language` and `detail` of the sentences.

        Raises:
            UnknownCourse, AmbiguousName, ConfigError: as for `plan`.
        """
        course_id = None if course is None else self._names.course(course)
        found = reviews_of(
            *(self._learners, self.planner, learner, course_id, minutes),
            *(ReviewRules.of(self.settings), PlanOptions(**manner), time.time()),
        )
        more = f"{found.later} more concepts are due" if found.later else ""
        notes = [note for note in (found.note, more) if note]
        return Rows(f"reviews for {learner}", found.reviews, REVIEWED, notes=notes)

    # what the graph and the model say of concepts

    def similar(self, concept: str, limit: int = 10) -> Rows[Neighbour]:
        """The concepts most similar to one, and what makes them so.

        Raises:
            UnknownConcept, AmbiguousName: as for `plan`.
            ConfigError: the limit is beyond what is stored.
        """
        if not 1 <= limit <= STORED_NEIGHBOURS:
            raise ConfigError(f"limit is {limit}; it goes from 1 to {STORED_NEIGHBOURS}")
        concept_id = self._names.concept(concept)
        found, notes = self._neighbours.of(concept_id, limit)
        return Rows(f"similar to {concept_id}", found, columns_of(Neighbour), notes=notes)

    def chain(self, concept: str, depth: int = 3) -> Chain:
        """What leads to a concept, in up to `depth` steps; draws itself in a notebook."""
        return chain_of(self.graph, self._names.concept(concept), depth)

    def questions(self) -> Rows[Any]:
        """The questions of the designers' library (docs/guide/designers.md)."""
        columns = {
            "name": lambda each: each.name,
            "asks": lambda each: each.asks,
            "parameters": lambda each: ", ".join(each.examples),
        }
        return Rows("questions", list(questions().values()), columns)

    def ask(self, name: str, **values: Any) -> Rows[dict[str, Any]]:
        """Put a question of the designers' library to the graph as it is at this moment.

        Args:
            name: of the question.
            **values: of its parameters; concepts and courses by id or name.

        Raises:
            UnknownQuery, InputError: no such question, or its parameters do not fit.
        """
        asked, settings = question(name), self.settings
        given = {key: self._named(key, value) for key, value in values.items()}
        database = database_of(settings.graph_url)
        with open_graph(settings.graph_url, True, settings.graph_access) as store:
            found = ask(store, database, name, **given)
        return Rows(asked.asks, found, {key: itemgetter(key) for key in (found or [{}])[0]})

    def py2neo_graph(self) -> "py2neo.Graph":
        """The Neo4j server of the settings as a py2neo graph: `run`, `match`, `to_data_frame`.

        py2neo is no longer maintained: this is for notebooks that already use it.

        Raises:
            MissingExtra: py2neo is not installed.
            ConfigError: the graph is not on a Neo4j server.
        """
        try:
            import py2neo
        except ModuleNotFoundError:
            raise MissingExtra("py2neo", "py2neo's graph") from None
        url, access = self.settings.graph_url, self.settings.graph_access
        if database_of(url) != "neo4j":
            raise ConfigError(
                f"KGPLAN_GRAPH is {url!r}, and py2neo needs a Neo4j server;"
                " set it to neo4j://host:7687"
            )
        # py2neo does not know the scheme neo4j:// of a single server's routing table
        parts = urlsplit(url)
        address = f"bolt://{parts.hostname}:{parts.port or 7687}"
        _, name = server_of(url, access)
        return py2neo.Graph(address, name=name, auth=(access.user, access.password))

    def _current(self, learner: str) -> CurrentLearner | None:
        return None if self._learners is None else self._learners.current(self.planner, learner)

    def _options(self, given: dict[str, Any]) -> PlanOptions:
        """What the caller chose, concepts by id; one concept may be given as it is."""
        lists = {key: [given[key]] for key in ("pin", "exclude") if isinstance(given.get(key), str)}
        return self._names.options(PlanOptions(**(given | lists)))

    def _path(self, plan: Plan, current: CurrentLearner | None) -> Path:
        edges = self.graph.prerequisites_among([step.concept_id for step in plan.steps])
        return Path(plan, self.graph.goal_name(plan.course_id, plan.towards), edges, current)

    def _named(self, parameter: str, value: Any) -> Any:
        """A parameter's value, by id where it is a name that this graph has."""
        kinds = {"concept_id": self._names.concept, "course_id": self._names.course}
        for kind, find in kinds.items():
            if parameter.endswith(kind):
                with suppress(NotFound):  # of the graph as it is now it may be
                    return find(str(value))
        return value


def _found(title: str, index: SearchIndex[Any], text: str, kind: type) -> Rows[Any]:
    matches = index.search(text, len(index.entries))
    return Rows(title, [match.entry for match in matches], columns_of(kind))
