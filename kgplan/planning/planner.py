"""What should this learner learn next in this course? By ids; chosen, told and explained.

Spec section 4. Sizes: U learners, K concepts, C courses.
"""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from copy import copy
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ids, Ints, positions, stored_in
from kgplan.data.links import Links
from kgplan.data.records import LearnerRecords
from kgplan.diagnosis.gain import CERTAIN, Lines, log_odds
from kgplan.diagnosis.placing import Belief, Tree, believe, carried, ratio_of, said_ratio, tied
from kgplan.diagnosis.uncertainty import WEAK_EVIDENCE, divergence
from kgplan.engagement.next_view import Completion
from kgplan.errors import ConfigError, UnknownCourse, UnknownLearner
from kgplan.graph.snapshot import GraphSnapshot, id_array
from kgplan.planning.choosing import Chooser
from kgplan.planning.derived import Derived, derive
from kgplan.planning.done import done_by
from kgplan.planning.explaining import explained
from kgplan.planning.explanation import StepExplanation
from kgplan.planning.learner import ConceptMastery, CurrentLearner
from kgplan.planning.mastery import LearnerMastery
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Plan
from kgplan.planning.planners import planner_named, planners
from kgplan.planning.planners.ranking import Learner
from kgplan.planning.policy import in_a_row
from kgplan.planning.ranked import (
    SHOWN,
    RankedResources,
    RankTeller,
    nothing_told,
    plainly,
)
from kgplan.planning.reasons import explained_sequence
from kgplan.planning.resources import Places
from kgplan.planning.reviewing import RECALL, Reviewer, Reviews, Sitting
from kgplan.planning.scope import Scope
from kgplan.planning.sequencing import Sequence, Sequencer
from kgplan.planning.telling import Teller
from kgplan.planning.texts import Manner
from kgplan.planning.things import SequenceTeller
from kgplan.resources.ranker import ResourceRanker
from kgplan.similarity import FusedSimilarity

DEFAULTS = PlanOptions()


class Planner:
    """Every planner by name, ready to answer for any learner and course.

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
        links: addresses of videos; none has one where None.
        ranker: ranks the resources of every step; none are ranked where None.
        completion: says whether a next view is completed, for who asks; no plan follows it.
    """

    def __init__(
        self,
        graph: GraphSnapshot,
        records: LearnerRecords,
        diagnosis: LearnerMastery,
        similarity: FusedSimilarity,
        model_version: str,
        provisional: Ordered[str] = (),
        derived: Derived | None = None,
        before: "Planner | None" = None,
        links: Links | None = None,
        ranker: ResourceRanker | None = None,
        completion: Completion | None = None,
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
        self._chooser = Chooser(graph, records, similarity, derived)
        self.links = links or Links()
        self._teller = Teller(self._chooser, model_version, self.provisional, self.links)
        self.ranker = None if ranker is None else ranker.on(records)
        self._ranks = None
        self.completion = completion
        if self.ranker is not None:
            self._ranks = RankTeller(self._chooser, self.ranker, self.links)
        self._sequencer = Sequencer(graph, records, diagnosis, derived, self._chooser.minutes)
        self._things = SequenceTeller(
            *(self._chooser, self._sequencer.scopes, model_version, self.provisional, self.links)
        )
        self._from_diagnosis = positions(graph.concept_ids, diagnosis.concept_ids)
        self._courses, self._learners = graph.courses, records.learners
        self._diagnosed, self._record_course_ids = diagnosis.learners, records.courses.names

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
            UnknownCourse: no such id; the error holds close matches. A learner whom nothing names
                is a new one.
        """
        options = options or DEFAULTS
        asked = stored_in(self.graph.course_concepts, self._course(course_id))
        return self._made(learner_id, asked, options, current, course_id, None)

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
            UnknownConcept: no such id; the error holds close matches.
            ConfigError: the concept is excluded, or the planner named walks no prerequisites.
        """
        options = options or DEFAULTS
        if not planner_named(options.planner).walks:
            walking = " or ".join(repr(name) for name, each in planners().items() if each.walks)
            raise ConfigError(
                f"planner {options.planner!r} ranks the concepts of a course;"
                f" towards a concept, use {walking}"
            )
        if concept_id in options.exclude:
            raise ConfigError(f"{concept_id!r} is excluded, but the path leads towards it")
        if options.length is not None and len({concept_id, *options.pin}) > options.length:
            raise ConfigError(
                f"{len(options.pin)} concepts are pinned on the way to another, but the length is"
                f" {options.length}; pin fewer or plan more"
            )
        target = self._chooser.concepts([concept_id])
        return self._made(learner_id, target, options, current, None, concept_id)

    def _made(
        self,
        learner_id: str,
        asked: Ints,
        options: PlanOptions,
        current: CurrentLearner | None,
        course_id: str | None,
        towards: str | None,
    ) -> Plan:
        """The plan for what is asked for, by the planner named."""
        learner = self._learner(learner_id, current)
        known = self.knows(learner_id, current)
        ranks = self._ranks
        asker = None if ranks is None else ranks.asker(learner)
        likes = None if ranks is None or asker is None else partial(ranks.liking, asker)
        told = course_id, towards, known
        if planner_named(options.planner).expects_gain:
            found = self._sequence(learner, asked, options, course_id)
            plan = self._things.plan(learner_id, found, options, *told)
        else:
            choices = self._chooser.choose(learner, asked, options, course_id)
            plan = self._teller.plan(learner_id, choices, options, *told, likes)
        return plan if ranks is None or asker is None else ranks.onto(plan, asker)

    def _sequence(
        self, learner: Learner, asked: Ints, options: PlanOptions, course_id: str | None
    ) -> Sequence:
        pins = self._chooser.concepts(options.pin)
        pinned = np.zeros(learner.mastery.size, dtype=bool)
        pinned[pins] = True
        asked = np.union1d(asked, pins).astype(np.int64)
        if course_id is None:
            pinned[asked] = True
        preference = self._chooser.preference(learner, asked, options.neighbours)
        excluded = self._chooser.concepts(options.exclude)
        return self._sequencer.choose(
            learner, asked, preference, pinned, excluded, options, course_id
        )

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
        asked: Ints = self._chooser.concepts([plan.towards] if plan.towards else [])
        if plan.course_id is not None:
            asked = stored_in(self.graph.course_concepts, self._course(plan.course_id))
        if planner_named(options.planner).expects_gain:
            found = self._sequence(learner, asked, options, plan.course_id)
            return explained_sequence(self._chooser, found, options)
        choices = self._chooser.choose(learner, asked, options, plan.course_id)
        return explained(self._chooser, choices, options, plan.course_id is None)

    def resources(
        self,
        learner_id: str,
        concept_id: str | None,
        course_id: str | None,
        manner: Manner = DEFAULTS,
        n: int = SHOWN,
        current: CurrentLearner | None = None,
    ) -> RankedResources:
        """What the learner should open on a concept, or next in a course, best first.

        Args:
            learner_id, current: as for `plan`; a learner whom nothing names is a new one.
            concept_id: of the graph; None where a course alone is asked for.
            course_id: whose resources come first, or which is asked for alone.
            manner: of the sentences.
            n: how many at most.

        Raises:
            UnknownConcept, UnknownCourse: no such id; the error holds close matches.
            ConfigError: neither a concept nor a course is given.
        """
        taught, learner = self.derived.resources, self._learner(learner_id, current)
        if course_id is not None:
            self._course(course_id)
        if concept_id is not None:
            concept = int(self._chooser.concepts([concept_id])[0])
            name = self._chooser.names[concept]
            of = taught.on(concept, course_id, learner.courses)
        elif course_id is not None:
            concept, name, of = -1, "", self._in_course(course_id)
        else:
            raise ConfigError("give a concept, a course, or both")
        if self._ranks is None:
            found = plainly(taught, learner, of, n, self.links)
        else:
            found = self._ranks.told(self._ranks.asker(learner), of, manner, n)
        note = ""
        if not found:
            note = nothing_told(taught, manner, concept, name, course_id, of.items.size > 0)
        return RankedResources(
            learner_id,
            concept_id,
            course_id,
            self.graph.version,
            self.model_version,
            None if self.ranker is None else self.ranker.chosen,
            learner.is_new,
            found,
            note,
        )

    def reviews(
        self,
        learner_id: str,
        course_id: str | None,
        sittings: Ordered[Sitting],
        now: float,
        minutes: float,
        recall: float = RECALL,
        manner: Manner = DEFAULTS,
        current: CurrentLearner | None = None,
    ) -> Reviews:
        """What the learner held and is about to forget, and the least to open for it.

        What is not held is not due: plans teach it.

        Args:
            learner_id, current: as for `plan`; a learner whom nothing names is a new one.
            course_id: whose concepts are asked about; all where None.
            sittings: when the learner worked on what, in order of time.
            now: in seconds since 1970.
            minutes: that reviews may take.
            recall: chance of recalling at which a concept is due.
            manner: of the sentences.

        Raises:
            UnknownCourse: no such id; the error holds close matches.
        """
        asked: Ints = np.arange(self.graph.concept_ids.size)
        if course_id is not None:
            asked = stored_in(self.graph.course_concepts, self._course(course_id))
        reviewer = Reviewer(
            self._chooser, self._sequencer, self.records, self.links, self.model_version
        )
        learner = self._learner(learner_id, current)
        return reviewer.of(
            learner_id, learner, asked, course_id, sittings, now, minutes, recall, manner
        )

    def _in_course(self, course_id: str) -> Places:
        """What a course shows that is on a concept, in its order."""
        at = self.records.courses.find(course_id)
        items = self.records.in_order(at) if at >= 0 else np.empty(0, dtype=np.int32)
        items = items[np.diff(self._chooser.covers.indptr)[items] > 0].astype(np.int64)
        here = self.derived.resources.courses_axis.find(course_id)
        return Places(items, np.full(items.size, here), np.zeros(items.size, dtype=np.int64))

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
        if not self.knows(learner_id, current):
            self._learners.place(learner_id, UnknownLearner)
        learner = self._learner(learner_id, current)
        if course_id is None:
            concepts: Ints = np.flatnonzero(learner.reached)
        else:
            concepts = stored_in(self.graph.course_concepts, self._course(course_id))
        return self._masteries(learner, concepts)

    def mastery_of(
        self, learner_id: str, concept_id: str, current: CurrentLearner | None = None
    ) -> ConceptMastery:
        """How likely the learner holds one concept.

        Args:
            learner_id, concept_id, current: as for `plan_towards`.

        Raises:
            UnknownLearner, UnknownConcept: no such id; the error holds close matches.
        """
        if not self.knows(learner_id, current):
            self._learners.place(learner_id, UnknownLearner)
        concept = self._chooser.concepts([concept_id])
        return self._masteries(self._learner(learner_id, current), concept)[0]

    def prior_of(self, concept_id: str) -> float:
        """The mastery of a concept that is assumed of everyone; errors as for `mastery_of`."""
        return float(self.derived.prior[self._chooser.concepts([concept_id])[0]])

    def _masteries(self, learner: Learner, concepts: Ints) -> list[ConceptMastery]:
        mastery = learner.mastery[concepts]
        evidence = divergence(mastery, self.derived.prior[concepts])
        columns = (
            *(concepts, mastery, evidence),
            *(learner.reached[concepts], learner.not_told_apart[concepts]),
        )
        ids, found = self._chooser.ids, []
        for concept, held, bits, of_learner, not_apart in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            names = ids[concept], self._chooser.names[concept], self._chooser.english[concept]
            found.append(ConceptMastery.judged(names, held, bits, of_learner, not_apart))
        return found

    def knows(self, learner_id: str, current: CurrentLearner | None = None) -> bool:
        """Whether anything names the learner: the records, or what is known of them now."""
        return current is not None or learner_id in self._learners

    def n_concepts(self, course_id: str) -> int:
        """How many concepts the course has; 0 where there is no such course."""
        at = self._courses.find(course_id)
        return stored_in(self.graph.course_concepts, at).size if at >= 0 else 0

    def _course(self, course_id: str) -> int:
        return self._courses.place(course_id, UnknownCourse)

    def _learner(self, learner_id: str, current: CurrentLearner | None = None) -> Learner:
        row = -1
        if current is None or current.in_records:
            row = self._learners.find(learner_id)
        mastery, reached, not_apart = self._observed(learner_id, current)
        around, learned, over, hard, says = np.zeros((5, mastery.size), dtype=bool)
        courses: frozenset[str] = frozenset()
        if current is not None and current.wishes.answers:
            mastery, reached = self._carried(mastery, reached, current.wishes.answers)
        refused: Array = np.zeros(self.records.item_ids.size, dtype=bool)
        if row >= 0:
            learned[stored_in(self.derived.learned, row)] = True
            for course in stored_in(self.derived.enrolled, row):
                around[stored_in(self.graph.course_concepts, course)] = True
            mine = stored_in(self.records.enrolled, row).tolist()
            courses = frozenset([self._record_course_ids[k] for k in mine])
        if current is not None:
            for course in self._courses.known(current.courses):
                around[stored_in(self.graph.course_concepts, course)] = True
            courses |= current.courses
            held = self.graph.concepts.known(current.wishes.held)
            # what was said to be held is no evidence: it steers plans, not `Planner.mastery`
            says[held] = True
            over[held] = over[self.graph.concepts.known(current.wishes.left_out)] = True
            hard[self.graph.concepts.known(current.wishes.too_hard)] = True
            learned[self.graph.concepts.known(current.learned)] = learned[held] = True
            refused[self.records.items.known(current.wishes.items_left_out)] = True
        done = done_by(self.records, learner_id, current, row >= 0)
        return Learner(
            mastery, reached, not_apart, around, learned, courses, over, hard, says,
            self._shares(done.shares, courses), done.scores, done.seen_at, refused,
            *in_a_row(self._chooser.covers, done.answered, done.answers),
            current is not None and bool(current.wishes.answers),
        )  # fmt: skip

    def _observed(
        self, learner_id: str, current: CurrentLearner | None
    ) -> tuple[Floats, Array, Array]:
        """(K,) masteries, what evidence reaches, and what it does not tell apart."""
        mastery, known = self.derived.prior.copy(), self.derived.mastery
        reached, not_apart = np.zeros((2, mastery.size), dtype=bool)
        diagnosed = self._diagnosed.find(learner_id)
        if diagnosed >= 0 and current is None:
            stored = slice(known.indptr[diagnosed], known.indptr[diagnosed + 1])
            mastery[known.indices[stored]] = known.data[stored]
            reached[known.indices[stored]] = True
            not_apart[stored_in(self.derived.not_told_apart, diagnosed)] = True
        if current is not None:
            if current.axis is self.diagnosis.concept_ids:
                at = self._from_diagnosis[current.concepts]
            else:
                at = positions(self.graph.concept_ids, current.concept_ids)
            here = at >= 0
            mastery[at[here]] = current.mastery[here]
            reached[at[here]] = True
            not_apart[at[here]] = current.not_told_apart[here]
        return mastery, reached, not_apart

    def belief(
        self, learner_id: str, concepts: Ints, current: CurrentLearner | None = None
    ) -> Belief:
        """What is believed of concepts together: what each was observed by, tied by prerequisites.

        Args:
            learner_id, current: as for `plan`.
            concepts: (n,) positions.
        """
        mastery, _, _ = self._observed(learner_id, current)
        tree = self.tree.among(concepts)
        return believe(tree, ratio_of(mastery[concepts], tree.prior))

    @cached_property
    def unranked(self) -> "Planner":
        """This planner, whose plans rank no resources: the same steps, in less time."""
        plain = copy(self)
        plain._ranks = None
        return plain

    def involved(self, course_id: str | None, towards: str | None) -> tuple[Scope, Lines]:
        """What a goal involves, and how answers to the records' items depend on what is held.

        Raises:
            UnknownCourse, UnknownConcept: no such goal; the error holds close matches.
        """
        if course_id is None:
            asked = self._chooser.concepts([towards or ""])
        else:
            asked = stored_in(self.graph.course_concepts, self._course(course_id)).astype(np.int64)
        return self._sequencer.scope_of(course_id, asked), self._sequencer.line

    @property
    def covers(self) -> sparse.csr_array:
        """(V, K) stored where an item covers a concept of the graph."""
        return self._chooser.covers

    @cached_property
    def tree(self) -> Tree:
        """What ties the graph's concepts; made when the first learner answered on one.

        Of several concepts that stand for each other no single one is needed: these tie nothing.
        """
        edges = self.graph.prerequisites.tocoo()
        alone = self.graph.group == 0
        return tied(
            np.clip(self.derived.prior, CERTAIN, 1 - CERTAIN),
            *(edges.row[alone].astype(np.int64), edges.col[alone].astype(np.int64)),
            self.graph.strength[alone],
        )

    def _carried(
        self, mastery: Floats, reached: Array, answers: Mapping[str, float]
    ) -> tuple[Floats, Array]:
        """Masteries with what prerequisites carry from answers on concepts, and what is reached.

        What would hardly move a mastery is not carried, and nothing to what was answered itself.
        """
        ids = sorted(answers)
        at = positions(self.graph.concept_ids, id_array(ids))
        values = np.array([answers[each] for each in ids])
        ratio = np.ones(mastery.size)
        ratio[at[at >= 0]] = said_ratio(values[at >= 0])
        factor = carried(self.tree, ratio)
        said = ratio != 1
        # the diagnosis knows what was said, but of what it was made without
        factor[said] = np.where(reached[said], 1.0, ratio[said])
        odds = np.exp(log_odds(mastery)) * factor
        after = odds / (1 + odds)
        moved = divergence(after, np.clip(mastery, CERTAIN, 1 - CERTAIN)) >= WEAK_EVIDENCE
        return np.where(moved, after, mastery), reached | moved

    def _shares(self, seen: Floats, courses: frozenset[str]) -> Floats:
        """`Learner.shares` of what was watched of each item, NaN where it was never opened."""
        due = self.records.due(self.records.courses.known(courses))
        return np.where(np.isnan(seen), np.where(due, 0.0, -1.0), seen)
