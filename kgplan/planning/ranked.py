"""How are the resources of a concept, or of a course, ranked for a learner, and how is it told?

Which items a step opens stays the planner's choice, as far as it has one: what is expected of them
follows in their order. Each tells where it stands, and the best of the others are named beside it.
Sizes: K concepts, V items.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kgplan.arrays import Floats
from kgplan.data.links import Links
from kgplan.data.records import EXERCISE, WATCHED
from kgplan.planning.choosing import Chooser, far_done
from kgplan.planning.done import in_time
from kgplan.planning.plan import Plan, Step
from kgplan.planning.planners.ranking import Learner
from kgplan.planning.resources import EarlierView, Places, Rank, Resource, Resources
from kgplan.planning.texts import Manner, say
from kgplan.resources.foundations import Foundations
from kgplan.resources.ranker import FINISHED, Candidates, Ranked, ResourceRanker, Standing
from kgplan.resources.simple import course_of

SHOWN = 5  # resources of a step, those that it opens among them
MOST = 0.5  # share of the steps behind an item from which most learners took it, and
MANY = 0.1  # from which many did
FEW = 3  # learners under whom no word speaks of many
BOTH = 0.25  # share of a score from which a second method is told, too
SOON = 5  # unopened items ahead up to which one comes soon
BEGUN = 0.02  # share watched from which an item counts as begun


@dataclass(frozen=True)
class Asker:
    """A learner whom resources are ranked for.

    Attributes:
        learner: what is known of them.
        standing: what the methods say to them.
        at: the course that the learner is in, and the latest view of it; None for none.
    """

    learner: Learner
    standing: Standing
    at: tuple[int, int] | None


@dataclass(frozen=True)
class RankedResources:
    """What to open on a concept, or in a course, best first.

    Attributes:
        learner_id: for whom.
        concept_id, course_id: on which concept, of which course first; of a course alone where the
            concept is None.
        graph_version, model_version: what it was computed from.
        served: which method or blend ranks; None where nothing does, and the course's order holds.
        new: whether nothing is known of the learner.
        resources: the best first; what is finished, or said to be not for the learner, has none.
        note: a sentence where there are none; else empty.
    """

    learner_id: str
    concept_id: str | None
    course_id: str | None
    graph_version: str
    model_version: str
    served: str | None
    new: bool
    resources: tuple[Resource, ...]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON values."""
        return asdict(self)


class RankTeller:
    """Ranks resources, and tells why; one for all learners.

    Args:
        chooser: knows concepts and items by position.
        ranker: on the records' items.
        links: addresses of items.
    """

    def __init__(self, chooser: Chooser, ranker: ResourceRanker, links: Links) -> None:
        self.chooser, self.ranker, self.links = chooser, ranker, links
        self.places = chooser.derived.resources
        self.asks = bool(chooser.records.exercises.any())
        self.foundations = Foundations.of(chooser.covers, chooser.graph.prerequisites)

    def asker(self, learner: Learner) -> Asker:
        """A learner, ready for any number of rankings."""
        opened = (learner.shares > 0) | (learner.seen_at > -np.inf) | ~np.isnan(learner.scores)
        history = in_time(opened, learner.seen_at)
        shares = learner.shares
        if self.asks:
            right = self.chooser.records.exercises & (learner.scores >= WATCHED)
            shares = np.where(right, 1.0, shares)
        standing = self.ranker.standing(history, shares, learner.mastery)
        return Asker(learner, standing, course_of(self.ranker.counts, standing.history))

    def liking(self, asker: Asker, concept: int) -> Floats:
        """(V,) the scores of what there is on a concept; 0 elsewhere."""
        items = self.chooser.on(concept)
        found = np.zeros(self.chooser.records.item_ids.size)
        found[items] = self.ranker.score(asker.standing, items, self.foundations)
        return found

    def onto(self, plan: Plan, asker: Asker) -> Plan:
        """A plan whose resources tell where they stand, with the best of the others beside them."""
        find, items = self.chooser.graph.concepts.find, self.chooser.records.items
        own = asker.learner.courses
        opens = [
            [r.item_id for r in step.resources if r.item_id is not None] for step in plan.steps
        ]
        groups = [
            (self.places.on(find(step.concept_id), plan.course_id, own), items.known(each).tolist())
            for step, each in zip(plan.steps, opens, strict=True)
        ]
        found = self._told(asker, groups, plan.options, SHOWN)
        return replace(plan, steps=tuple(map(_with_ranks, plan.steps, opens, found)))

    def on_concept(
        self, asker: Asker, concept: int, course_id: str | None, manner: Manner, n: int
    ) -> tuple[Resource, ...]:
        """The best resources on a concept, best first.

        Args:
            asker: for whom.
            concept: its position.
            course_id: whose resources come first; None for none.
            manner: of the sentences.
            n: how many at most.
        """
        found = self.places.on(concept, course_id, asker.learner.courses)
        return self.told(asker, found, manner, n)

    def told(self, asker: Asker, of: Places, manner: Manner, n: int) -> tuple[Resource, ...]:
        """The best of several, best first; what is finished or refused is not among them.

        Args:
            asker, manner, n: as for `on_concept`.
            of: as `planning.resources.Resources.on` gives them.
        """
        return self._told(asker, [(of, [])], manner, n)[0]

    def _told(
        self, asker: Asker, groups: Sequence[tuple[Places, list[int]]], manner: Manner, n: int
    ) -> list[tuple[Resource, ...]]:
        """As `told` for each of some groups, with those that are told in any case."""
        learner, viewers = asker.learner, self.ranker.counts.viewers
        asked, shown_in = [], []
        for of, also in groups:
            wanted = ~learner.refused[of.items]
            asked.append(Candidates(of.items[wanted], of.tiers[wanted], also))
            shown_in.append(dict(zip(of.items.tolist(), of.courses.tolist(), strict=True)))
        ranked = self.ranker.rank(asker.standing, asked, self.foundations, n)
        told = []
        for best, each, courses in zip(ranked, asked, shown_in, strict=True):
            left = int((asker.standing.shares[each.items] < FINISHED).sum())
            most = int(viewers[each.items].max(initial=0))
            told.append(
                tuple(
                    self.places.resource(
                        courses[one.item],
                        one.item,
                        learner.shares,
                        learner.scores,
                        self.links,
                        self._rank(asker, one, left, most, manner),
                    )
                    for one in best
                )
            )
        return told

    def _rank(self, asker: Asker, ranked: Ranked, of: int, most: int, manner: Manner) -> Rank:
        ids, titles = self.chooser.records.item_ids, self.places.titles
        return Rank(
            ranked.place,
            of,
            ranked.score,
            ranked.shares,
            tuple(
                EarlierView(str(ids[view.item]), str(titles[view.item]), view.share)
                for view in ranked.views
            ),
            ranked.progress,
            ranked.pre,
            self._because(asker, ranked, most, manner),
        )

    def _because(self, asker: Asker, ranked: Ranked, most: int, manner: Manner) -> str:
        """What says most, in a sentence; `most` is what the candidate of most learners has."""
        leading, shares = ranked.leading, ranked.shares
        if leading is None:
            return say(manner, "rank.none")
        both = min(shares.get("markov", 0.0), shares.get("next_in_course", 0.0)) >= BOTH
        if both and ranked.steps[0] > 0 and self._ahead(asker, ranked.item) > 0:
            why = say(manner, "rank.both", course=self._course(asker, ranked, manner),
                      followed=self._followed(ranked, manner))  # fmt: skip
        elif leading == "markov":
            last = self._titled(int(asker.standing.history[-1]), manner)
            why = say(manner, "rank.markov", last=last, followed=self._followed(ranked, manner))
        elif leading == "next_in_course":
            why = say(manner, "rank.in_course", course=self._course(asker, ranked, manner))
        elif leading == "item_cf":
            why = say(manner, "rank.item_cf", together=self._together(asker, ranked, manner))
        elif leading == "popular":
            new = "_new" if not asker.standing.history.size else ""
            which = f"rank.popular{new}" if ranked.opened == most else "rank.opened"
            why = say(manner, "rank.opened.one" if ranked.opened == 1 else which, n=ranked.opened)
        else:
            why = say(manner, f"rank.{leading}")
        if ranked.progress >= BEGUN and leading != "progress":
            begun = "answered" if self.places.kinds[ranked.item] == EXERCISE else "begun"
            why = say(manner, f"rank.{begun}", why=why, percent=f"{ranked.progress:.0%}")
        return why

    def _followed(self, ranked: Ranked, manner: Manner) -> str:
        """How many of the learners went on to it, in words."""
        steps, of = ranked.steps
        return say(manner, f"rank.followed.{_how_many(steps, of)}", steps=steps, of=of)

    def _together(self, asker: Asker, ranked: Ranked, manner: Manner) -> str:
        """How many of those who opened what it rests on most opened it, in words."""
        counts = self.ranker.counts
        view = ranked.views[0].item if ranked.views else int(asker.standing.history[-1])
        row = slice(*counts.together.indptr[view : view + 2].tolist())
        both = int(counts.together.data[row][counts.together.indices[row] == ranked.item].sum())
        of = int(counts.viewers[view])
        how, title = _how_many(both, of), self._titled(view, manner)
        return say(manner, f"rank.together.{how}", title=title, both=both, of=of)

    def _course(self, asker: Asker, ranked: Ranked, manner: Manner) -> str:
        """Where it stands in the course that the learner is in, in words."""
        assert asker.at is not None
        ids = self.chooser.records.course_ids
        at = self.places.courses_axis.find(str(ids[asker.at[0]]))
        ahead = self._ahead(asker, ranked.item)
        where = "next" if ahead == 1 else "soon" if ahead <= SOON else "later"
        where = where if ahead else "left_out"
        last = self._titled(asker.at[1], manner)
        return say(manner, f"rank.course.{where}", course=self.places.course_names[at], last=last)

    def _ahead(self, asker: Asker, item: int) -> int:
        """Unopened items of the learner's course up to this one, it included; 0 where it is not
        ahead of the latest view there.
        """
        if asker.at is None:
            return 0
        course, last = asker.at
        shown = self.ranker.counts.course_items
        part = slice(*shown.indptr[course : course + 2].tolist())
        items, places = shown.indices[part], shown.data[part]
        mine, its = places[items == last], places[items == item]
        if not its.size or its[0] <= mine[0]:
            return 0
        between = items[(places > mine[0]) & (places <= its[0])]
        return int((~np.isin(between, asker.standing.history)).sum())

    def _titled(self, item: int, manner: Manner) -> str:
        """What an item is called; where it has no title, what it is."""
        title = str(self.places.titles[item])
        kind = str(self.places.kinds[item])
        return say(manner, "rank.title", title=title) if title else say(manner, f"rank.one.{kind}")


def plainly(
    taught: Resources, learner: Learner, of: Places, n: int, links: Links
) -> tuple[Resource, ...]:
    """The first of several that are neither finished nor refused, in the order of their courses.

    Args:
        taught: where concepts are taught.
        learner: for whom.
        of: as `Resources.on` gives them.
        n: how many at most.
        links: addresses of items.
    """
    left = ~learner.refused[of.items] & (far_done(learner)[of.items] < FINISHED)
    return tuple(
        taught.resource(course, item, learner.shares, learner.scores, links)
        for course, item in zip(of.courses[left][:n].tolist(), of.items[left][:n].tolist(),
                                strict=True)
    )  # fmt: skip


def nothing_told(
    taught: Resources, manner: Manner, concept: int, name: str, course_id: str | None, there: bool
) -> str:
    """Why there is nothing to open, with a course that has the concept, if any does.

    Args:
        taught, manner: where concepts are taught, and how to speak.
        concept, name: it; -1 where a course alone was asked for.
        course_id: asked for.
        there: whether there was anything, before what is done and refused was left out.
    """
    if there:
        return say(manner, "note.nothing_left_on")
    if concept < 0:
        at = taught.courses_axis.find(course_id or "")
        return say(manner, "note.nothing_in", course=taught.course_names[at])
    having = taught.courses[slice(*taught.starts[concept : concept + 2].tolist())]
    if not having.size:
        return say(manner, "note.nothing_on", name=name)
    course = taught.course_names[having[0]]
    return say(manner, "note.nothing_on.course", name=name, course=course)


def _with_ranks(step: Step, opens: list[str], found: tuple[Resource, ...]) -> Step:
    """A step whose resources tell where they stand, beside the best of those that it opens not."""
    told = {each.item_id: each.rank for each in found}
    others = [each for each in found if each.item_id not in opens]
    return replace(
        step,
        resources=tuple(each.ranked(told.get(each.item_id)) for each in step.resources),
        runners_up=tuple(others[: max(SHOWN - len(opens), 0)]),
    )


def _how_many(some: int, of: int) -> str:
    """A part of all learners in a word.

    >>> _how_many(6, 10), _how_many(3, 10), _how_many(3, 100), _how_many(1, 1)
    ('most', 'many', 'some', 'one')
    """
    if some < FEW:
        return "one" if some == 1 else "some"
    share = some / of
    return "most" if share >= MOST else "many" if share >= MANY else "some"
