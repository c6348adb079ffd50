"""How is a sequence told? Steps with what to open, each with a sentence that holds of the learner.

Sizes: K concepts, V videos; n concepts of a scope.
"""

from math import sqrt

import numpy as np

from kgplan.arrays import Ints, positions
from kgplan.data.links import Links
from kgplan.data.records import EXERCISE, NOT_YET, VIDEO, WATCHED
from kgplan.diagnosis.uncertainty import divergence
from kgplan.native.sequence import Moves, moves_of
from kgplan.planning.bound import most_gain
from kgplan.planning.choosing import Chooser
from kgplan.planning.doubt import basis_of, doubt_of
from kgplan.planning.options import PlanOptions
from kgplan.planning.plan import Gap, Plan, Step, Terms
from kgplan.planning.policy import STUCK
from kgplan.planning.resources import Move, Resource
from kgplan.planning.scope import Scopes
from kgplan.planning.sequencing import Sequence, seen_last
from kgplan.planning.texts import IN_ORDER, Manner, listed, one_kind, say

SHOWN_GAPS = 20
NOTABLE = 0.01  # a gain of mastery that is worth telling


class SequenceTeller:
    """Tells what a learner should do next.

    Args:
        chooser: knows the concepts' names and where they are taught.
        scopes: know what needs what, and what is taught by which video.
        model_version: named in every plan.
        provisional: ids of concepts that are newer than the model.
        links: addresses of videos.
    """

    def __init__(
        self,
        chooser: Chooser,
        scopes: Scopes,
        model_version: str,
        provisional: frozenset[str],
        links: Links,
    ) -> None:
        self.chooser, self.model_version, self.links = chooser, model_version, links
        self.provisional = provisional
        self.scopes = scopes
        self._kinds = chooser.records.kinds
        self._shown_in = chooser.records.course_items.tocsc()
        self._course_of = positions(
            chooser.derived.resources.course_ids, chooser.records.course_ids
        )

    def plan(
        self,
        learner_id: str,
        found: Sequence,
        options: PlanOptions,
        course_id: str | None = None,
        towards: str | None = None,
        known: bool = True,
    ) -> Plan:
        """The plan that follows from a sequence; for a course, or towards a concept.

        Args:
            learner_id, found, options: whose, what was chosen, and from which options.
            course_id, towards: what it leads to.
            known: whether anything names the learner.
        """
        rows, standing = found.rows, found.standing
        moves = moves_of(rows, found.scope.layout, standing, found.theta)
        steps = self._steps(found, moves, options, course_id)
        gaps = self._gaps(found, [step.concept_id for step in steps])
        has_lengths = self.chooser.mean_minutes is not None
        minutes = float(standing.minutes[rows.video].sum())
        return Plan(
            learner_id,
            course_id,
            self.chooser.graph.version,
            self.model_version,
            steps,
            self._notes(found, steps, gaps, options, course_id, known),
            towards,
            minutes if has_lengths else None,
            options,
            gaps,
            new=found.learner.is_unknown,
            theta=found.theta,
            stopped=found.stopped,
            gain=float(rows.gain.sum()),
            bound=most_gain(found.scope.layout, standing, minutes) if options.bound else None,
        )

    def _steps(
        self, found: Sequence, moves: Moves, options: PlanOptions, course_id: str | None
    ) -> tuple[Step, ...]:
        rows, scope, learner = found.rows, found.scope, found.learner
        if not rows.concept.size:
            return ()
        begins = np.flatnonzero(np.append(True, rows.concept[1:] != rows.concept[:-1]))
        concepts = scope.concepts[rows.concept[begins]]
        mastery = learner.mastery[concepts]
        evidence = divergence(mastery, self.chooser.derived.prior[concepts])
        steps = []
        for place, (begin, end) in enumerate(
            zip(begins.tolist(), np.append(begins[1:], rows.concept.size).tolist(), strict=True)
        ):
            local, concept = int(rows.concept[begin]), int(concepts[place])
            goal = int(scope.concepts[rows.goal[begin]])
            leads_to = self._leads_to(found, local, rows.concept[end:], int(rows.goal[begin]))
            doubt = doubt_of(
                bool(learner.reached[concept]),
                bool(learner.not_told_apart[concept]),
                float(evidence[place]),
            )
            held = float(mastery[place])
            after = moves.after[(moves.row < end) & (moves.concept == local)]
            steps.append(
                Step(
                    concept_id=self.chooser.ids[concept],
                    name=self.chooser.names[concept],
                    name_en=self.chooser.english[concept],
                    role="start" if leads_to < 0 else "prerequisite",
                    start_concept_id=self.chooser.ids[goal],
                    leads_to=None if leads_to < 0 else self.chooser.ids[leads_to],
                    terms=Terms(None, held, rate_told(found, begin), None, None),
                    sd=sqrt(held * (1 - held)),
                    basis=basis_of(bool(learner.reached[concept])),
                    evidence=float(evidence[place]),
                    identified=doubt is None,
                    doubt=doubt,
                    resources=tuple(
                        self._resource(found, at, moves, course_id) for at in range(begin, end)
                    ),
                    because=self._because(
                        found, begin, leads_to, float(after[-1]) if after.size else held, options
                    ),
                )
            )
        return tuple(steps)

    def _leads_to(self, found: Sequence, concept: int, later: Ints, goal: int) -> int:
        """What a concept is planned before; -1 for the goal of its bundle.

        Of the concepts behind it the first that waits for it, else the goal of its bundle.
        """
        scope = found.scope
        if concept == goal:
            return -1
        layout = scope.layout
        waiting = layout.waits[layout.waits_start[concept] : layout.waits_start[concept + 1]]
        behind = later[np.isin(later, waiting)]
        return int(scope.concepts[behind[0] if behind.size else goal])

    def _resource(self, found: Sequence, row: int, moves: Moves, course_id: str | None) -> Resource:
        scope, learner = found.scope, found.learner
        local = int(found.rows.video[row])
        video = int(scope.videos[local])
        places = self._shown_in.indices[slice(*self._shown_in.indptr[video : video + 2].tolist())]
        taught = self.chooser.derived.resources
        nearest = min(
            self._course_of[places].tolist(),
            key=lambda each: (taught.distance(each, course_id, learner.courses), each),
            default=-1,
        )
        made = taught.resource(nearest, video, learner.shares, learner.scores, self.links)
        moved, closed = [], found.standing.closed
        for at in np.flatnonzero(moves.row == row).tolist():
            concept = int(scope.concepts[moves.concept[at]])
            before, after = float(moves.before[at]), float(moves.after[at])
            named = moves.concept[at] == found.rows.concept[row]
            notable = after - before >= NOTABLE and not closed[moves.concept[at]]
            if notable or (named and after > before):
                names_of = self.chooser.names[concept], self.chooser.english[concept]
                moved.append(Move(self.chooser.ids[concept], *names_of, before, after))
        step = self.chooser.ids[int(scope.concepts[found.rows.concept[row]])]
        moved.sort(key=lambda move: (move.concept_id != step, move.mastery - move.expected))
        layout = scope.layout
        covers = layout.covers[slice(*layout.video_start[local : local + 2].tolist())]
        on_held = bool(covers.size and found.mastered[covers].all())
        return made.moving(tuple(moved), bool(found.standing.again[local]), on_held)

    def _because(
        self, found: Sequence, begin: int, leads_to: int, expected: float, options: PlanOptions
    ) -> str:
        """Why a concept is planned, in words that hold of the learner.

        Args:
            found, options: what was chosen, and how to tell it.
            begin: its first row.
            leads_to: what it is planned before; -1 for what is asked for.
            expected: its mastery behind the step.
        """
        local, video = int(found.rows.concept[begin]), int(found.rows.video[begin])
        name = self.chooser.names[int(found.scope.concepts[local])]
        on_road = found.rows.stand[begin] == 0
        if found.standing.just_done[local] and found.not_yet[local] and self._asked_last(found):
            why = say(options, "do.retry", name=name)
        elif leads_to >= 0:
            before = "do.before_again" if self._fails(found, leads_to) else "do.before"
            why = say(options, before, later=self.chooser.names[leads_to], name=name)
        elif found.asks_for(local):
            why = say(options, "do.asked", name=name)
        elif found.practised and on_road:
            why = say(options, "do.practice", name=name)
        elif found.in_order and on_road:
            why = say(options, "do.order" if begin else "do.order_first", name=name)
        elif on_road:
            why = say(options, _on_the_road(found, video), name=name)
        else:
            in_place = found.standing.favour.min() < found.standing.favour.max()
            why = say(options, "do.goal" if in_place else "do.gain", name=name)
        known = self._done(found, local, video, options)
        held = float(found.standing.mastery[local])
        return say(options, "do", why=why, known=known, mastery=held, expected=expected)

    def _fails(self, found: Sequence, concept: int) -> bool:
        """Whether answers on a concept of the graph were not right again and again."""
        local = np.searchsorted(found.scope.concepts, concept)
        return bool(found.not_yet[local] and found.learner.lapses[concept] >= STUCK)

    def _asked_last(self, found: Sequence) -> bool:
        """Whether an exercise is what the learner did last."""
        last = seen_last(found.learner)
        return last >= 0 and bool(self._kinds[last] == EXERCISE)

    def _done(self, found: Sequence, concept: int, first: int, options: PlanOptions) -> str:
        """What the learner did on a concept, whose step begins with the video given."""
        place, learner = int(found.scope.concepts[concept]), found.learner
        items = self.chooser.on(place)
        kinds, shares, scores = self._kinds[items], learner.shares[items], learner.scores[items]
        best, right = float(np.nanmax(scores, initial=0.0)), scores >= WATCHED
        if found.not_yet[concept]:
            n_answered = int((~np.isnan(scores)).sum())
            which = "some" if right.any() else "one" if n_answered == 1 else "none"
            same = learner.scores[found.scope.videos[first]] < NOT_YET
            comes = "did.not_yet_again" if same or found.standing.again[first] else "did.not_yet"
            return say(options, comes, answers=say(options, f"answers.{which}", score=best))
        if found.mastered[concept] and not learner.is_unknown:
            return say(options, "did.held")
        through = np.where(kinds == EXERCISE, right, shares >= WATCHED)
        done = [
            say(options, f"done.{kind}" if n > 1 else f"done.{kind}.one", n=n)
            for kind in IN_ORDER
            if (n := int((through & (kinds == kind)).sum()))
        ]
        if done:
            return say(options, "did.shown", done=listed(options, done, "and"))
        if not np.isnan(scores).all():
            return say(options, "did.right" if right.any() else "did.partly", score=best)
        if (shares > 0).any():
            began = VIDEO if (shares[kinds == VIDEO] > 0).any() else "text"
            return say(options, f"did.opened.{began}")
        return say(options, f"did.nothing.{one_kind(kinds.tolist())}")

    def _gaps(self, found: Sequence, planned: list[str]) -> tuple[Gap, ...]:
        """What the steps build on and nothing teaches; without a step, what the goal asks for."""
        chooser, taught = self.chooser, self.chooser.taught
        learner, requires = found.learner, self.scopes.needs
        fields = chooser.graph.concept_fields
        needed: dict[int, list[str]] = {}
        for concept_id in planned:
            concept = chooser.graph.concepts.find(concept_id)
            begin, end = requires.indptr[concept : concept + 2].tolist()
            for before in requires.indices[begin:end].tolist():
                near = fields[before] == fields[concept]
                if near and not taught[before] and not learner.held[before]:
                    needed.setdefault(before, []).append(concept_id)
        scope = found.scope
        if not planned:
            asked = scope.concepts[scope.layout.asked]
            untaught = np.diff(scope.layout.concept_start)[scope.layout.asked] == 0
            needed |= {int(each): [] for each in asked[untaught][:SHOWN_GAPS]}
        return tuple(
            Gap(chooser.ids[each], chooser.names[each], chooser.english[each], tuple(by))
            for each, by in sorted(needed.items())
        )

    def _notes(
        self,
        found: Sequence,
        steps: tuple[Step, ...],
        gaps: tuple[Gap, ...],
        options: PlanOptions,
        course_id: str | None,
        known: bool,
    ) -> tuple[str, ...]:
        scope = found.scope
        asked = scope.concepts[scope.layout.asked]
        notes = []
        if not known:
            notes.append(say(options, "note.unknown_learner"))
        elif found.learner.is_unknown:
            notes.append(self.chooser.nothing_yet(options))
        if found.in_order and steps:
            notes.append(say(options, "note.in_order"))
        if course_id is not None and not asked.size:
            notes.append(say(options, "note.empty_course", course_id=course_id))
        mastered = found.mastered[scope.layout.asked] & (not found.learner.is_unknown)
        n_left_out = int((mastered & ~found.standing.first).sum())
        theta = f"{found.theta:g}"
        if asked.size and mastered.all():
            notes.append(say(options, "note.all_mastered", theta=theta))
        elif n_left_out:
            notes.append(say(options, "note.left_out", concepts=n_left_out, theta=theta))
        opened = [each for step in steps for each in step.resources]
        on_held = [each.title or str(each.item_id) for each in opened if each.optional]
        if on_held:
            notes.append(say(options, "note.may_skip", titles=_listed(on_held, options)))
        n_over = int(found.learner.passed_over[asked].sum())
        if n_over and course_id is not None:
            notes.append(say(options, "note.passed_over", concepts=n_over))
        untaught = int((np.diff(scope.layout.concept_start)[scope.layout.asked] == 0).sum())
        if untaught and not steps and asked.size:
            notes.append(say(options, "note.untaught", concepts=untaught, of=asked.size))
        again = [each.kind or "" for each in opened if each.again]
        if again:
            notes.append(say(options, f"note.again.{one_kind(again)}"))
        new = [step.name for step in steps if step.concept_id in self.provisional]
        if new:
            notes.append(say(options, "note.provisional", names=", ".join(new)))
        if gaps and steps:
            told = f"note.gaps.{self.chooser.kind}"
            notes.append(say(options, told, names=_listed([gap.name for gap in gaps], options)))
        if not steps and found.stopped == "end":
            if asked.size:
                notes.append(say(options, "note.nothing_left"))
        else:
            is_usual = found.stopped == "length" and options.length is None
            ended = "usual" if is_usual else found.stopped
            notes.append(say(options, f"stopped.{ended}", steps=len(steps)))
        return tuple(notes)


def _on_the_road(found: Sequence, video: int) -> str:
    """Which sentence tells why a lesson of the road comes."""
    place, last = found.scope.layout.place[video], found.last_place
    if place <= last:
        return "do.left" if place < last else "do.stopped"
    if found.standing.road[0] != video:
        return "do.order"
    return "do.order_first" if last < 0 else "do.next"


def rate_told(found: Sequence, row: int) -> float | None:
    """What a row was chosen by, as a gain a minute; None where that was the course's order."""
    stand = float(found.rows.stand[row])
    return float(found.rows.rate[row]) / stand if stand else None


def _listed(names: list[str], manner: Manner) -> str:
    """The first of some names."""
    listed = say(manner, "list.comma").join(names[:3])
    return listed if len(names) <= 3 else say(manner, "list.more", names=listed)
