"""The gain planner's sequence by loops over sets and lists, as `native.sequence` tells it.

Everything is looked up anew whenever it is asked for: nothing is kept between turns but what the
learner holds, what nothing waits for, and which videos are left.
"""

from dataclasses import dataclass, field, replace
from itertools import groupby
from math import inf

from kgplan.native.sequence import FIRST, MOST_VIDEOS, NAMESAKE, Layout, Standing


@dataclass
class State:
    """What is held, what nothing waits for, which videos are left."""

    mastery: list[float]
    passed: set[int]
    open: set[int]

    def copy(self) -> "State":
        return State(list(self.mastery), set(self.passed), set(self.open))


@dataclass
class Row:
    """A video that is watched for a concept."""

    concept: int
    video: int
    gain: float
    goal: int = -1
    rate: float = 0.0


@dataclass(frozen=True)
class Problem:
    """A goal and a learner, by names of concepts and videos, which are numbers."""

    layout: Layout
    by: Standing
    theta: float
    in_order: bool = False
    needs: dict[int, list[list[int]]] = field(init=False)
    covers: dict[int, dict[int, float]] = field(init=False)
    taught_by: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        a, by = self.layout, self.by
        rows = {
            "needs": {
                c: [
                    a.any_of[a.any_start[r] : a.any_start[r + 1]].tolist()
                    for r in range(a.require_start[c], a.require_start[c + 1])
                ]
                for c in range(by.mastery.size)
            },
            "covers": {
                v: {
                    int(a.covers[e]): float(by.factor[e])
                    for e in range(a.video_start[v], a.video_start[v + 1])
                }
                for v in range(by.minutes.size)
            },
            "taught_by": {
                c: a.taught_by[a.concept_start[c] : a.concept_start[c + 1]].tolist()
                for c in range(by.mastery.size)
            },
        }
        for name, value in rows.items():
            object.__setattr__(self, name, value)

    @property
    def most(self) -> int:
        """Videos for one concept in one bundle."""
        return 1 if self.in_order else MOST_VIDEOS

    def start(self) -> State:
        by = self.by
        of = (set(range(each.size)) for each in (by.passed, by.open))
        passed, left = (
            {k for k in names if each[k]}
            for names, each in zip(of, (by.passed, by.open), strict=True)
        )
        return State(by.mastery.tolist(), passed, left)

    def left_for(self, concept: int, state: State) -> list[int]:
        """Videos that a concept can still be learned with."""
        return [video for video in self.taught_by[concept] if video in state.open]

    def lacking(self, concept: int, state: State, sure: set[int] = frozenset()) -> list[int]:
        """Of each requirement that is not met the first concept that can be learned."""
        found = []
        for any_of in self.needs[concept]:
            possible = [each for each in any_of if self.left_for(each, state)]
            if possible and not (state.passed | sure) & set(any_of):
                found.append(possible[0])
        return found

    def gain(self, video: int, state: State) -> float:
        """Weighted gain over the concepts of a video that the learner is ready for."""
        total = 0.0
        for concept, factor in self.covers[video].items():
            if self.by.closed[concept] or self.lacking(concept, state):
                continue
            now = state.mastery[concept]
            total += self.by.weight[concept] * (raised(now, factor) - now)
        return total

    def watch(self, video: int, concept: int, state: State) -> None:
        ready = [c for c in self.covers[video] if c == concept or not self.lacking(c, state)]
        state.open.remove(video)
        for each in ready:
            state.mastery[each] = raised(state.mastery[each], self.covers[video][each])
            if state.mastery[each] >= self.theta:
                state.passed.add(each)

    def foundation(self, goal: int, state: State) -> list[int]:
        """What must come before a goal, and the goal at the end."""
        order: list[int] = []
        waited_for = {goal}

        def put(concept: int) -> None:
            while before := self.lacking(concept, state, waited_for):
                waited_for.add(before[0])
                put(before[0])
            order.append(concept)

        put(goal)
        return order

    def video_for(self, concept: int, state: State) -> int | None:
        """The least rank's best: by gain a minute, the shortest where none gains."""

        def standing(video: int) -> tuple[float, ...]:
            rank, again = self.rank(video, concept, state), self.by.again[video]
            if self.in_order and self.layout.tier[video] == 0 and not again:
                return *rank, 0, float(self.layout.place[video])
            gain = self.gain(video, state)
            favour, minutes = float(self.by.favour[video]), float(self.by.minutes[video])
            return (*rank, 0, -gain * favour / minutes) if gain > 0 else (*rank, 1, minutes)

        left = self.that_may_come(concept, state)
        return min(left, key=standing, default=None)

    def that_may_come(self, concept: int, state: State) -> list[int]:
        """What is left for a concept; of one that is passed only what is due, and where it was
        done just now only exercises, if what was done taught it."""
        left = self.left_for(concept, state)
        if concept in state.passed:
            left = [video for video in left if self.by.due[video]]
            if self.by.just_done[concept]:
                left = [v for v in left if self.layout.asks[v] and self.by.to_check[concept]]
        return left

    def rank(self, video: int, concept: int, state: State) -> tuple[float, ...]:
        """What asks for more, or goes on to something new, last; new before done before; teaching
        first; the course first."""
        asks, again = bool(self.layout.asks[video]), bool(self.by.again[video])
        if self.goes_on(video, concept) or (asks and self.asks_for_more(video, concept, state)):
            return 1, 0, 0, 0
        return 0, again, asks, 0 if again else int(self.layout.tier[video])

    def goes_on(self, video: int, concept: int) -> bool:
        begin = self.layout.video_start[video]
        at = begin + list(self.covers[video]).index(concept)
        return bool(self.by.not_yet[concept] and self.by.goes_on[at])

    def asks_for_more(self, video: int, concept: int, state: State) -> bool:
        others = set(self.covers[video]) - {concept} - state.passed
        return any(
            not self.layout.asks[each] for other in others for each in self.left_for(other, state)
        )

    def check_for(self, concept: int, state: State) -> int | None:
        """The exercise behind what taught a concept; the shortest of the least rank."""
        left = [
            video
            for video in self.left_for(concept, state)
            if self.layout.asks[video] and not self.rank(video, concept, state)[0]
        ]

        def standing(video: int) -> tuple[float, ...]:
            return *self.rank(video, concept, state), float(self.by.minutes[video])

        return min(left, key=standing, default=None)

    def bundle(self, goal: int, state: State) -> list[Row]:
        """Learn a goal and what must come before it; the state moves on."""
        rows = []
        for concept in self.foundation(goal, state):
            used: list[int] = []
            for count in range(self.most):
                asked = concept == goal and count == 0
                done = concept in state.passed and not asked
                video = None if done else self.video_for(concept, state)
                if video is None or (used and self.rank(video, concept, state)[0]):
                    break
                used.append(video)
                rows.append(Row(concept, video, self.gain(video, state)))
                self.watch(video, concept, state)
            if used and not self.layout.asks[used[-1]]:
                check = self.check_for(concept, state)
                if check is not None:
                    rows.append(Row(concept, check, self.gain(check, state)))
                    self.watch(check, concept, state)
            state.passed.add(concept)
        return rows

    def taken(self, goal: int, state: State) -> list[Row]:
        """The bundle with what teaches of the course in its order, but for what is not held yet;
        the state moves on."""
        found = []
        for concept, same in groupby(self.bundle(goal, state.copy()), key=lambda row: row.concept):
            used = [row.video for row in same]
            if not self.by.not_yet[concept]:
                places = [k for k, video in enumerate(used) if self.is_lesson(video)]
                for k, video in zip(
                    places, sorted((used[k] for k in places), key=self.by.turn.item), strict=True
                ):
                    used[k] = video
            for video in used:
                found.append(Row(concept, video, self.gain(video, state)))
                self.watch(video, concept, state)
            state.passed.add(concept)
        return found

    def is_lesson(self, video: int) -> bool:
        """Whether it teaches, is of the course, and new."""
        layout, by = self.layout, self.by
        return bool(layout.tier[video] == 0 and not layout.asks[video] and not by.again[video])

    def rate(self, goal: int, video: int, gain: float, minutes: float) -> float:
        if self.in_order and self.layout.tier[video] == 0:
            return FIRST / (1 + self.layout.place[video])
        return gain / minutes * self.by.favour[video] * self.by.urgency[goal]

    def rate_of(self, goal: int, rows: list[Row], before: State, after: State) -> float:
        """What the goal's bundle is compared by, which leads from one state to the other."""
        last = [list(same) for _, same in groupby(rows, key=lambda row: row.concept)][-1]
        rate = self.rate(goal, last[0].video, sum(r.gain for r in rows), self.minutes(rows))
        reached = min(1.0, after.mastery[goal] / self.theta)
        moved = after.mastery[goal] - before.mastery[goal]
        rate *= 1 + NAMESAKE * self.by.weight[goal] * moved * reached
        return rate if self.in_order else rate * reached

    def minutes(self, rows: list[Row]) -> float:
        return sum(float(self.by.minutes[row.video]) for row in rows)

    def goals(self, state: State, planned: set[int]) -> list[int]:
        """What is asked for and can come next: what is not passed, and what is due once more."""
        return [
            goal
            for goal in self.layout.asked.tolist()
            if not self.by.closed[goal]
            and self.left_for(goal, state)
            and (goal not in state.passed or self.comes_once_more(goal, state, planned))
        ]

    def comes_once_more(self, goal: int, state: State, planned: set[int]) -> bool:
        """Whether a video on it is due, and neither it nor what builds on it is planned."""
        built_on = any(goal in any_of for each in planned for any_of in self.needs[each])
        over = goal in planned or built_on
        return not over and bool(self.that_may_come(goal, state))

    def next_goal(
        self, state: State, planned: set[int], left: float
    ) -> tuple[int | None, float, list[Row], bool]:
        """The best goal, its rate, its rows; whether some bundle takes too long."""
        best, best_rate, best_rows, best_first, too_long = None, 0.0, [], False, False
        first = dict(zip(self.layout.asked.tolist(), self.by.first.tolist(), strict=True))
        for goal in self.goals(state, planned):
            if best_first and not first[goal]:
                continue
            after = state.copy()
            rows = self.bundle(goal, after)
            if rows[-1].concept != goal and not first[goal]:
                continue  # it lost its last video to what comes before it
            if self.minutes(rows) > left and not first[goal]:
                too_long = True
                continue
            rate = self.rate_of(goal, rows, state, after)
            if best is None or (first[goal] and not best_first) or rate > best_rate:
                best, best_rate, best_rows, best_first = goal, rate, rows, first[goal]
        return best, best_rate, best_rows, too_long

    def sequence(
        self, length: int, budget: float = inf, least: float = 0.0
    ) -> tuple[list[Row], str]:
        """The rows, and why there are no more."""
        state, found, why = self.start(), [], "length"
        first = set(self.layout.asked[self.by.first].tolist())
        left = budget
        while n_concepts(found) < length:
            planned = {row.concept for row in found}
            goal, rate, rows, too_long = self.next_goal(state, planned, left)
            if goal is None:
                why = "minutes" if too_long else "end"
                break
            rows = self.taken(goal, state)
            is_due = any(self.by.due[row.video] for row in rows)
            gain = sum(row.gain for row in rows)
            if gain < least * self.minutes(rows) and not is_due and goal not in first:
                why = "gain"
                break
            left -= self.minutes(rows)
            found += [replace(row, goal=goal, rate=rate) for row in rows]
        steps = [list(same) for _, same in groupby(found, key=lambda row: row.concept)]
        return [row for step in steps[:length] for row in step], why


def raised(mastery: float, factor: float) -> float:
    """A mastery whose odds are multiplied."""
    odds = mastery / (1 - mastery) * factor
    return odds / (1 + odds)


def n_concepts(rows: list[Row]) -> int:
    return len({row.concept for row in rows})
