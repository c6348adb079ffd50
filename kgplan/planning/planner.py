"""What should this learner learn next in this course? Algorithm 1 of KG-PLPPM on arrays.

Spec section 4. Sizes: U learners, K concepts, C courses; A concepts of the course asked for,
N concepts of the learner's courses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.errors import ConfigError, UnknownConcept, UnknownCourse, UnknownLearner
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.planning.derived import Derived, derive, similarity_block
from kgplan.planning.explanation import (
    Candidate,
    Decision,
    Explainer,
    Rule,
    StepExplanation,
    Verdict,
)
from kgplan.planning.learner import ConceptMastery, CurrentLearner
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.plan import (
    MASTERED,
    Doubt,
    Plan,
    PlannerName,
    PlanOptions,
    Step,
    Teaching,
    Terms,
)
from kgplan.planning.texts import because_prerequisite, because_start, knowledge, say
from kgplan.planning.walk import SLACK, preferences, walk
from kgplan.records import LearnerRecords
from kgplan.search import close_matches
from kgplan.similarity import FusedSimilarity


@dataclass(frozen=True)
class _Learner:
    """What the planner needs of one learner, on the graph's concepts."""

    mastery: Floats  # (K,)
    reached: Array  # (K,) bool, evidence reaches the mastery
    not_told_apart: Array  # (K,) bool
    around: Array  # (K,) bool, N_u
    learned: Array  # (K,) bool, C_uj
    courses: frozenset[str]
    passed_over: Array  # (K,) bool, not to be planned
    too_hard: Array  # (K,) bool


@dataclass(frozen=True)
class Times:
    """How long each concept takes: (K,) minutes, and which video that is, -1 where none is known.

    Both are empty where time does not count.
    """

    minutes: Floats
    video: Ints


@dataclass(frozen=True)
class Choices:
    """What was chosen for a learner, in positions, and the numbers that chose it.

    Attributes:
        asked: (A,) sorted, what the course or the caller asks for.
        preference: (A,) S_P; None where the planner named does not use it.
        value: (A,) what starts are ranked by.
        pinned: (K,) True for what is planned in any case.
        times: how long concepts take.
        concepts, starts, leads, similarities, chosen: as `walk` gives them.
    """

    learner: _Learner
    asked: Ints
    preference: Floats | None
    value: Floats
    pinned: Array
    times: Times
    concepts: Ints
    starts: Ints
    leads: Ints
    similarities: Floats
    chosen: Ints


RULES: dict[PlannerName, Rule] = {
    "kg-plppm": "value",
    "trans-cf": "preference",
    "popularity": "popularity",
}
DEFAULTS = PlanOptions()
NO_TIMES = Times(np.empty(0), np.empty(0, dtype=np.int64))
NOWHERE = Teaching("", None)


class Planner:
    """Algorithm 1, ready to answer for any learner and course.

    Args:
        graph: what the graph says.
        records: what the learners did.
        diagnosis: what they know.
        similarity: eq. (8).
        model_version: named in every plan.
        provisional: ids of concepts that are newer than the model, whose similarity is estimated
            or not known; plans with one say so.
        derived: what `derive` gives for these four, where it is there already.
        before: a planner whose lists of similar concepts are taken over where the similarity and
            the graph's concepts are the same.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        similarity: FusedSimilarity,
        model_version: str,
        provisional: Sequence[str] = (),
        derived: Derived | None = None,
        before: "Planner | None" = None,
    ) -> None:
        self.graph = graph
        self.records = records
        self.diagnosis = diagnosis
        self.similarity = similarity
        self.model_version = model_version
        self.provisional = frozenset(provisional)
        if derived is None:
            known = None
            if before is not None and before.has_similarity(graph.concept_ids, similarity):
                known = before.derived.nearby
            derived = derive(graph, records, diagnosis, similarity, known=known)
        self.derived: Derived = derived
        self._to_similarity = positions(similarity.concept_ids, graph.concept_ids)
        self._from_diagnosis = positions(graph.concept_ids, diagnosis.concept_ids)
        self._course_at = {name: k for k, name in enumerate(graph.course_ids.tolist())}
        self._learner_at = {name: k for k, name in enumerate(records.learner_ids.tolist())}
        self._diagnosed_at = {name: k for k, name in enumerate(diagnosis.learner_ids.tolist())}
        self._concept_at = {name: k for k, name in enumerate(graph.concept_ids.tolist())}
        self._mean_minutes = mean_minutes(records)
        self._usual_times = self._usual()
        self._ids, self._names = graph.concept_ids.tolist(), graph.concept_names.tolist()
        self._english = graph.concept_names_en.tolist()
        self._record_course_ids = records.course_ids.tolist()

    def has_similarity(self, concept_ids: Ids, similarity: FusedSimilarity) -> bool:
        """Whether this planner was made for the same concepts with the same similarity."""
        return np.array_equal(self.graph.concept_ids, concept_ids) and self.similarity.equals(
            similarity
        )

    def plan(
        self,
        learner_id: str,
        course_id: str,
        options: PlanOptions | None = None,
        current: CurrentLearner | None = None,
    ) -> Plan:
        """Plan what the learner should learn next in the course.

        Args:
            learner_id, course_id: ids of the records and of the graph.
            options: length and the rest; defaults where None.
            current: what is known of the learner now; records and diagnosis alone where None.

        Raises:
            UnknownLearner, UnknownCourse: no such id; the error holds close matches.
        """
        options = options or DEFAULTS
        asked = _row(self.graph.course_concepts, self._course(course_id))
        learner = self._learner(learner_id, current)
        choices = self._choose(learner, asked, options, course_id)
        return self._plan(learner_id, choices, options, course_id=course_id)

    def plan_towards(
        self,
        learner_id: str,
        concept_id: str,
        options: PlanOptions | None = None,
        current: CurrentLearner | None = None,
    ) -> Plan:
        """Plan what the learner should learn on the way to a concept, which comes last.

        The concept is the only start. Where its walk ends early, it goes on from the concepts that
        were walked, the target first, as long as `length` and `max_prerequisites` allow.

        Args:
            learner_id: id of the records.
            concept_id: id of the graph.
            options, current: as for `plan`.

        Raises:
            UnknownLearner, UnknownConcept: no such id; the error holds close matches.
            ConfigError: the concept is excluded, or the planner named walks no prerequisites.
        """
        options = options or DEFAULTS
        if options.planner != "kg-plppm":
            raise ConfigError(
                f"planner {options.planner!r} ranks the concepts of a course;"
                " towards a concept, use 'kg-plppm'"
            )
        if concept_id in options.exclude:
            raise ConfigError(f"{concept_id!r} is excluded, but the path leads towards it")
        if len({concept_id, *options.pin}) > options.length:
            raise ConfigError(
                f"{len(options.pin)} concepts are pinned on the way to another, but the length is"
                f" {options.length}; pin fewer or plan more"
            )
        target = self._concepts([concept_id])
        learner = self._learner(learner_id, current)
        choices = self._choose(learner, target, options, None)
        return self._plan(learner_id, choices, options, towards=concept_id)

    def explain(
        self, plan: Plan, current: CurrentLearner | None = None
    ) -> tuple[StepExplanation, ...]:
        """Why each step of a plan, what was rejected, and what would change the choice.

        Args:
            plan: made by this planner.
            current: what was known of the learner when it was made.

        Returns:
            An explanation for each step, in the order of the steps.

        Raises:
            ConfigError: the plan was made from another graph or model.
        """
        if (plan.graph_version, plan.model_version) != (self.graph.version, self.model_version):
            raise ConfigError(
                f"the plan was made from graph {plan.graph_version} and model {plan.model_version},"
                f" not from {self.graph.version} and {self.model_version}; plan again"
            )
        options, learner = plan.options, self._learner(plan.learner_id, current)
        asked: Ints = self._concepts([plan.towards] if plan.towards else [])
        if plan.course_id is not None:
            asked = _row(self.graph.course_concepts, self._course(plan.course_id))
        choices = self._choose(learner, asked, options, plan.course_id)
        explainer = Explainer(self._ids, self._names, self._english, options)
        decisions = self._decisions(choices, options, plan.course_id is None)
        by_concept = {
            decision.concept: explainer.explain(decision, end) for decision, end in decisions
        }
        return tuple(by_concept[concept] for concept in choices.concepts.tolist())

    def _decisions(
        self, choices: Choices, options: PlanOptions, towards: bool
    ) -> Iterator[tuple[Decision, Decision | None]]:
        """Every choice in the order of choosing, and what was left where a walk ended there."""
        learner, asked, times = choices.learner, choices.asked.tolist(), choices.times
        requires = self.graph.prerequisites
        over = self._passed_over(learner, choices.pinned, options)
        excluded = set(self._concepts(options.exclude).tolist())
        pins = set(np.flatnonzero(choices.pinned).tolist())
        left = np.inf if options.minutes is None else options.minutes
        planned: list[int] = []
        watched: set[int] = set()

        def takes(concept: int) -> float:
            seen = times.minutes.size == 0 or int(times.video[concept]) in watched
            return 0.0 if seen else float(times.minutes[concept])

        def candidate(concept: int, terms: Terms) -> Candidate:
            waiting = pins - set(planned)
            kept = sum(float(times.minutes[k]) for k in waiting) if times.minutes.size else 0.0
            verdict: Verdict | None = None
            mastery, skip = terms.mastery, options.skip_mastered
            if over[concept]:
                if concept in excluded or (
                    learner.passed_over[concept] and not learner.learned[concept]
                ):
                    verdict = "excluded"
                elif skip is not None and mastery >= skip:
                    verdict = "mastered"
                else:
                    verdict = "learned"
            elif concept not in pins and len(planned) + len(waiting) >= options.length:
                verdict = "no_room" if waiting else "ended"
            elif concept not in pins and takes(concept) > left - kept + SLACK:
                verdict = "too_long"
            figure = terms.score if terms.value is None else terms.value
            assert figure is not None
            return Candidate(concept, terms, figure, verdict, takes(concept), left - kept)

        def starts() -> list[Candidate]:
            return [
                candidate(concept, self._start_terms(choices, k))
                for k, concept in enumerate(asked)
                if concept not in planned
            ]

        def before(concept: int) -> list[Candidate]:
            return [
                candidate(
                    int(p),
                    prerequisite_terms(
                        float(learner.mastery[p]), float(self.derived.edge_similarity[k])
                    ),
                )
                for k, p in enumerate(
                    requires.indices[requires.indptr[concept] : requires.indptr[concept + 1]],
                    start=requires.indptr[concept],
                )
                if int(p) not in planned
            ]

        order = np.argsort(choices.chosen)
        found = zip(choices.concepts[order].tolist(), choices.leads[order].tolist(), strict=True)
        chosen = list(found)
        for k, (concept, leads_to) in enumerate(chosen):
            if leads_to >= 0:
                decision = Decision(concept, "score", before(leads_to))
            elif concept in pins:
                target = towards and self._ids[concept] not in options.pin
                decision = Decision(concept, "target" if target else "pinned", starts())
            else:
                decision = Decision(concept, RULES[options.planner], starts())
            planned.append(concept)
            left -= takes(concept)
            if times.video.size and times.video[concept] >= 0:
                watched.add(int(times.video[concept]))
            last = k + 1 == len(chosen) or chosen[k + 1][1] < 0
            ended = last and options.planner == "kg-plppm"
            yield decision, Decision(None, "score", before(concept)) if ended else None

    def _choose(
        self, learner: _Learner, asked: Ints, options: PlanOptions, course_id: str | None
    ) -> Choices:
        """Steps 1 to 5 of Algorithm 1, or another planner's ranking.

        Args:
            learner: whose.
            asked: (A,) sorted positions, what is asked for; (1,) for a path towards a concept.
            options: of the plan.
            course_id: asked for; None for a path towards the one concept asked for.
        """
        towards = course_id is None
        pins = self._concepts(options.pin)
        pinned = np.zeros(learner.mastery.size, dtype=bool)
        pinned[pins] = True
        target = asked if towards else asked[:0]  # as good as pinned, but last of these
        pinned[target] = True
        asked = np.union1d(asked, pins) if pins.size else asked
        preference, value = self._values(learner, asked, options)
        # a stable sort of positions that follow the ids: ties break by concept id
        order = np.argsort(-value, kind="stable")
        if pins.size:
            rank = np.where(pinned[asked], np.isin(asked, target).astype(int), 2)
            order = order[np.argsort(rank[order], kind="stable")]
        times = self._times(learner, course_id, options)
        walks = options.planner == "kg-plppm"
        requires = self.graph.prerequisites
        found = walk(
            asked[order],
            requires.indptr,
            requires.indices,
            self.derived.edge_similarity,
            learner.mastery,
            options.length,
            options.max_prerequisites if walks else 0,
            self._passed_over(learner, pinned, options),
            pinned,
            learner.too_hard,
            towards,
            times.minutes,
            times.video,
            np.inf if options.minutes is None else options.minutes,
        )
        return Choices(learner, asked, preference, value, pinned, times, *found)

    def _values(
        self, learner: _Learner, asked: Ints, options: PlanOptions
    ) -> tuple[Floats | None, Floats]:
        """S_P of what is asked for where it counts, and what starts are ranked by: (A,), (A,)."""
        if options.planner == "popularity":
            return None, self.derived.popularity[asked]
        preference = self._preference(learner, asked, options.neighbours)
        if options.planner == "trans-cf":
            return preference, preference
        return preference, preference - learner.mastery[asked]

    def _passed_over(self, learner: _Learner, pinned: Array, options: PlanOptions) -> Array:
        """(K,) True for what must not be planned; what is pinned may."""
        over = learner.passed_over
        if options.planner != "kg-plppm":
            over = over | learner.learned
        if options.skip_mastered is not None:
            over = over | (learner.mastery >= options.skip_mastered)
        if options.exclude:
            over = over.copy()
            over[self._concepts(options.exclude)] = True
        return over & ~pinned if pinned.any() else over

    def _times(self, learner: _Learner, course_id: str | None, options: PlanOptions) -> Times:
        """How long each concept takes, by the first video that a step would name."""
        if options.minutes is None:
            return NO_TIMES
        if self._mean_minutes is None:
            raise ConfigError(
                "minutes are set, but the records hold no lengths of videos;"
                " run `kgplan etl run` on an archive that has them, or leave minutes out"
            )
        usual = self._usual_times
        minutes, video = usual.minutes.copy(), usual.video.copy()
        nearer = learner.courses if course_id is None else {course_id, *learner.courses}
        taught = self.derived.teachings
        concepts = list({k for course in nearer for k in taught.concepts_in(course)})
        first = [taught.first_video(k, course_id, learner.courses) for k in concepts]
        video[concepts] = first
        minutes[concepts] = self._minutes_of_videos(video[concepts])
        return Times(minutes, video)

    def _minutes_of_videos(self, videos: Ints) -> Floats:
        """Minutes of each video; the mean where it is not known, and for -1, no video."""
        assert self._mean_minutes is not None
        lengths = np.append(self.derived.teachings.minutes, np.nan)[videos]
        return np.where(np.isnan(lengths), self._mean_minutes, lengths)

    def _usual(self) -> Times:
        """How long concepts take a learner whose courses have none of them."""
        if self._mean_minutes is None:
            return NO_TIMES
        videos = self.derived.teachings.first_videos()
        return Times(self._minutes_of_videos(videos), videos)

    def _plan(
        self,
        learner_id: str,
        choices: Choices,
        options: PlanOptions,
        course_id: str | None = None,
        towards: str | None = None,
    ) -> Plan:
        """Say what was chosen."""
        learner = choices.learner
        found = choices.concepts
        evidence = divergence(learner.mastery[found], self.derived.prior[found])
        columns = (found, choices.starts, choices.leads, choices.similarities, evidence)
        steps = []
        for concept, start, leads_to, similarity, bits in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            if leads_to < 0:
                terms = self._start_terms(choices, int(np.searchsorted(choices.asked, concept)))
            else:
                terms = prerequisite_terms(float(learner.mastery[concept]), similarity)
            steps.append(
                self._step(course_id, choices, options, terms, bits, concept, start, leads_to)
            )
        minutes, assumed = self._minutes_of(steps)
        return Plan(
            learner_id,
            course_id,
            self.graph.version,
            self.model_version,
            tuple(steps),
            self._notes(course_id, choices, steps, options, minutes, assumed),
            towards,
            minutes,
            options,
        )

    def _start_terms(self, choices: Choices, place: int) -> Terms:
        """The terms of what stands at a place of `asked`, as a start."""
        preference = choices.preference
        return Terms(
            None if preference is None else float(preference[place]),
            float(choices.learner.mastery[choices.asked[place]]),
            float(choices.value[place]),
            None,
            None,
        )

    def _minutes_of(self, steps: Sequence[Step]) -> tuple[float | None, int]:
        """Minutes of the videos named first, each once, and how many steps' were assumed."""
        mean = self._mean_minutes
        if mean is None:
            return None, 0
        whole, assumed, watched = 0.0, 0, set()
        for step in steps:
            place = step.teaches[0] if step.teaches else NOWHERE
            assumed += place.minutes is None
            if place.video_id is None or place.video_id not in watched:
                whole += mean if place.minutes is None else place.minutes
                watched.add(place.video_id)
        return whole, assumed

    def mastery(
        self,
        learner_id: str,
        course_id: str | None = None,
        current: CurrentLearner | None = None,
    ) -> list[ConceptMastery]:
        """How likely the learner holds each concept that evidence reaches, or each of a course.

        Args:
            learner_id, course_id, current: as for `plan`.

        Returns:
            In order of concept id.

        Raises:
            UnknownLearner, UnknownCourse: no such id; the error holds close matches.
        """
        learner = self._learner(learner_id, current)
        if course_id is None:
            concepts: Ints = np.flatnonzero(learner.reached)
        else:
            concepts = _row(self.graph.course_concepts, self._course(course_id))
        mastery = learner.mastery[concepts]
        evidence = divergence(mastery, self.derived.prior[concepts])
        sd = np.sqrt(mastery * (1 - mastery))
        columns = (
            *(concepts, mastery, sd, evidence),
            *(learner.reached[concepts], learner.not_told_apart[concepts]),
        )
        found = []
        for concept, held, spread, bits, of_learner, not_apart in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            doubt = _doubt(of_learner, not_apart, bits)
            names = self._ids[concept], self._names[concept], self._english[concept]
            found.append(ConceptMastery(*names, held, spread, bits, doubt is None, doubt))
        return found

    def _preference(self, learner: _Learner, asked: Ints, neighbours: int) -> Floats:
        """S_P of eq. (12).

        Args:
            learner: whose.
            asked: (A,) positions of the concepts asked for.
            neighbours: n, how many similar concepts count.

        Returns:
            (A,) in [0, 1]; 0 where the learner's courses have no other concept.
        """
        among, learned = learner.around, learner.learned
        near = self.derived.nearby
        found, short = preferences(near.ids, near.values, asked, asked, among, learned, neighbours)
        rest = asked[short]
        if rest.size and not near.whole:  # of these the list ended before n were found
            around = np.flatnonzero(among)
            alike = similarity_block(self.similarity, self._to_similarity, rest, around)
            order = np.argsort(-alike, axis=1, kind="stable")
            found[short], _ = preferences(
                around[order].astype(np.int32),
                np.take_along_axis(alike, order, axis=1),
                np.arange(rest.size),
                rest,
                among,
                learned,
                neighbours,
            )
        return found

    def _step(
        self,
        course_id: str | None,
        choices: Choices,
        options: PlanOptions,
        terms: Terms,
        evidence: float,
        concept: int,
        start: int,
        leads_to: int,
    ) -> Step:
        learner, language = choices.learner, options.language
        not_apart = bool(learner.not_told_apart[concept])
        doubt = _doubt(bool(learner.reached[concept]), not_apart, evidence)
        name, mastery = self._names[concept], terms.mastery
        if leads_to >= 0:
            assert terms.similarity is not None
            later = self._names[leads_to]
            because = because_prerequisite(name, later, terms.similarity, mastery, doubt, language)
        elif choices.pinned[concept] or terms.preference is None:
            sentence = "start.popular"
            if choices.pinned[concept]:
                target = course_id is None and self._ids[concept] not in options.pin
                sentence = "start.target" if target else "start.pinned"
            known = knowledge(mastery, doubt, language)
            because = say(language, sentence, name=name, value=terms.value, knowledge=known)
        else:
            because = because_start(terms.preference, mastery, doubt, language)
        return Step(
            concept_id=self._ids[concept],
            name=name,
            name_en=self._english[concept],
            role="start" if leads_to < 0 else "prerequisite",
            start_concept_id=self._ids[start],
            leads_to=None if leads_to < 0 else self._ids[leads_to],
            terms=terms,
            sd=sqrt(terms.mastery * (1 - terms.mastery)),
            evidence=evidence,
            identified=doubt is None,
            doubt=doubt,
            teaches=self.derived.teachings.of(concept, course_id, learner.courses),
            because=because,
        )

    def _notes(
        self,
        course_id: str | None,
        choices: Choices,
        steps: Sequence[Step],
        options: PlanOptions,
        minutes: float | None,
        assumed: int,
    ) -> tuple[str, ...]:
        language, asked, learner = options.language, choices.asked, choices.learner
        notes = []
        if asked.size == 0:
            notes.append(say(language, "note.empty_course", course_id=course_id))
        elif course_id is not None and learner.mastery[asked].min() >= MASTERED:
            notes.append(say(language, "note.mastered"))
        if not learner.around.any():
            which = "note.new_learner" + ("" if course_id is not None else "_towards")
            notes.append(say(language, which))
        n_over = int(learner.passed_over[asked].sum())
        if n_over and course_id is not None:
            notes.append(say(language, "note.passed_over", concepts=n_over))
        if asked.size and len(steps) < options.length:
            which = "note.short" if course_id is not None else "note.short_towards"
            if options.exclude or options.skip_mastered is not None or options.minutes is not None:
                which = "note.limited"
            name = self._names[int(choices.concepts[-1])] if steps else ""
            notes.append(say(language, which, name=name, steps=len(steps), length=options.length))
        if options.minutes is not None and minutes is not None:
            if minutes > options.minutes + SLACK:
                asked_for = options.minutes
                notes.append(say(language, "note.over_time", minutes=minutes, asked=asked_for))
            if assumed:
                mean = self._mean_minutes
                notes.append(say(language, "note.assumed_length", steps=assumed, minutes=mean))
        new = [step.name for step in steps if step.concept_id in self.provisional]
        if new:
            notes.append(say(language, "note.provisional", names=", ".join(new)))
        return tuple(notes)

    def n_concepts(self, course_id: str) -> int:
        """How many concepts the course has; 0 where there is no such course."""
        at = self._course_at.get(course_id)
        return 0 if at is None else _row(self.graph.course_concepts, at).size

    def _course(self, course_id: str) -> int:
        if course_id not in self._course_at:
            raise UnknownCourse(course_id, close_matches(course_id, self.graph.course_ids))
        return self._course_at[course_id]

    def _concepts(self, concept_ids: Sequence[str]) -> Ints:
        """Sorted positions of concepts that must be there."""
        for concept_id in concept_ids:
            if concept_id not in self._concept_at:
                near = close_matches(concept_id, self.graph.concept_ids)
                raise UnknownConcept(concept_id, near)
        return np.sort(np.array([self._concept_at[c] for c in concept_ids], dtype=np.int64))

    def _learner(self, learner_id: str, current: CurrentLearner | None = None) -> _Learner:
        row = self._learner_at.get(learner_id)
        if current is not None and not current.in_records:
            row = None
        if row is None and current is None:
            ids = self.records.learner_ids
            raise UnknownLearner(learner_id, close_matches(learner_id, ids))
        mastery, known = self.derived.prior.copy(), self.derived.mastery
        reached, not_apart, around, learned, over, hard = np.zeros((6, mastery.size), dtype=bool)
        courses: frozenset[str] = frozenset()
        diagnosed = self._diagnosed_at.get(learner_id)
        if diagnosed is not None and current is None:
            stored = slice(known.indptr[diagnosed], known.indptr[diagnosed + 1])
            mastery[known.indices[stored]] = known.data[stored]
            reached[known.indices[stored]] = True
            not_apart[_row(self.derived.not_told_apart, diagnosed)] = True
        if row is not None:
            learned[_row(self.derived.learned, row)] = True
            for course in _row(self.derived.enrolled, row):
                around[_row(self.graph.course_concepts, course)] = True
            mine = _row(self.records.enrolled, row).tolist()
            courses = frozenset([self._record_course_ids[k] for k in mine])
        if current is not None:
            if current.axis is self.diagnosis.concept_ids:
                at = self._from_diagnosis[current.concepts]
            else:
                at = positions(self.graph.concept_ids, current.concept_ids)
            here = at >= 0
            mastery[at[here]] = current.mastery[here]
            reached[at[here]] = True
            not_apart[at[here]] = current.not_told_apart[here]
            for course_id in current.courses & self._course_at.keys():
                around[_row(self.graph.course_concepts, self._course_at[course_id])] = True
            courses |= current.courses
            held = self._places(current.wishes.held)
            # what was said to be held is no evidence: it steers plans, not `Planner.mastery`
            over[held] = over[self._places(current.wishes.left_out)] = True
            hard[self._places(current.wishes.too_hard)] = True
            learned[self._places(current.learned)] = learned[held] = True
        return _Learner(mastery, reached, not_apart, around, learned, courses, over, hard)

    def _places(self, concept_ids: frozenset[str]) -> Ints:
        """Positions of those concepts that the graph has."""
        found = [self._concept_at[each] for each in concept_ids if each in self._concept_at]
        return np.array(found, dtype=np.int64)


def prerequisite_terms(mastery: float, similarity: float) -> Terms:
    """The terms of a prerequisite."""
    return Terms(None, mastery, None, similarity, similarity + (1 - mastery))


def mean_minutes(records: LearnerRecords) -> float | None:
    """Mean length of the videos whose length is known; None where none is."""
    seconds = records.video_seconds
    known = np.empty(0) if seconds is None else seconds[~np.isnan(seconds)]
    return float(known.mean()) / 60 if known.size else None


def _row(matrix: sparse.csr_array, row: int) -> Ints:
    """Columns stored in a row."""
    return matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]


def _doubt(reached: bool, not_told_apart: bool, evidence: float) -> Doubt | None:
    """Why a mastery is not the learner's own; what more views of the same kind mend comes last."""
    if not reached:
        return "no_evidence"
    if not_told_apart:
        return "not_told_apart"
    return "weak_evidence" if evidence < WEAK_EVIDENCE else None
