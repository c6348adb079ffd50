"""The gain planner's sequence by loops over sets and lists, as `native.sequence` tells it.

Everything is looked up anew whenever it is asked for: nothing is kept between turns but what the
learner holds, what nothing waits for, and which videos are left.
"""

from dataclasses import dataclass, field, replace
from itertools import groupby
from math import inf

from kgplan.native.sequence import MOST_VIDEOS, NAMESAKE, Layout, Standing


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
    def likely(self) -> set[int]:
        """What nothing on the road waits for."""
        return {k for k in range(self.by.likely.size) if self.by.likely[k]}

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

    def ready(self, concept: int, state: State) -> bool:
        """Whether nothing is missing that is needed before, or it is likely held."""
        return not self.lacking(concept, state, self.likely)

    def gain(self, video: int, state: State) -> float:
        """Weighted gain over the concepts of a video that the learner is ready for."""
        total = 0.0
        for concept, factor in self.covers[video].items():
            if self.by.closed[concept] or not self.ready(concept, state):
                continue
            now = state.mastery[concept]
            total += self.by.weight[concept] * (raised(now, factor) - now)
        return total

    def watch(self, video: int, concept: int, state: State) -> None:
        ready = [c for c in self.covers[video] if c == concept or self.ready(c, state)]
        state.open.remove(video)
        for each in ready:
            state.mastery[each] = raised(state.mastery[each], self.covers[video][each])
            if state.mastery[each] >= self.theta:
                state.passed.add(each)

    def foundation(self, goal: int, state: State, enough: set[int] = frozenset()) -> list[int]:
        """What must come before a goal, and the goal at the end; nothing waits for `enough`."""
        order: list[int] = []
        waited_for = {goal} | enough

        def put(concept: int) -> None:
            while before := self.lacking(concept, state, waited_for):
                waited_for.add(before[0])
                put(before[0])
            order.append(concept)

        put(goal)
        return order

    def video_for(self, concept: int, state: State, kept: int | None) -> int | None:
        """The least rank's best: by gain a minute, the shortest where none gains."""

        def standing(video: int) -> tuple[float, ...]:
            rank = self.rank(video, concept, state)
            gain = self.gain(video, state)
            favour, minutes = float(self.by.favour[video]), float(self.by.minutes[video])
            return (*rank, 0, -gain * favour / minutes) if gain > 0 else (*rank, 1, minutes)

        left = [video for video in self.left_for(concept, state) if video != kept]
        return min(left, key=standing, default=None)

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

    def check_for(self, concept: int, state: State, kept: int | None) -> int | None:
        """The exercise behind what taught a concept; the shortest of the least rank."""
        left = [
            video
            for video in self.left_for(concept, state)
            if self.layout.asks[video] and video != kept and not self.rank(video, concept, state)[0]
        ]

        def standing(video: int) -> tuple[float, ...]:
            return *self.rank(video, concept, state), float(self.by.minutes[video])

        return min(left, key=standing, default=None)

    def learn(
        self, concept: int, state: State, asked: bool = False, kept: int | None = None
    ) -> list[Row]:
        """Bring a concept to the threshold or as far as it can be, without the video that is kept
        for another; the state moves on."""
        rows: list[Row] = []
        for count in range(MOST_VIDEOS):
            done = concept in state.passed and not (asked and count == 0)
            video = None if done else self.video_for(concept, state, kept)
            if video is None or (rows and self.rank(video, concept, state)[0]):
                break
            rows.append(self.put(concept, video, state))
        return rows + self.checked(concept, rows, state, kept)

    def checked(
        self, concept: int, rows: list[Row], state: State, kept: int | None = None
    ) -> list[Row]:
        """The check behind what taught a concept, which is passed then."""
        found = []
        if rows and not self.layout.asks[rows[-1].video]:
            check = self.check_for(concept, state, kept)
            found = [] if check is None else [self.put(concept, check, state)]
        state.passed.add(concept)
        return found

    def put(self, concept: int, video: int, state: State) -> Row:
        row = Row(concept, video, self.gain(video, state))
        self.watch(video, concept, state)
        return row

    def bundle(self, goal: int, state: State) -> list[Row]:
        """Learn a goal and what must come before it; the state moves on."""
        order = self.foundation(goal, state)
        return [row for each in order for row in self.learn(each, state, each == goal)]

    # the road

    def is_step_for(self, video: int, concept: int, state: State, planned: set[int]) -> bool:
        """Whether a lesson may be a step for a concept of it."""
        by, asks = self.by, bool(self.layout.asks[video])
        if by.weight[concept] <= 0 or by.closed[concept] or concept in planned:
            return False
        built_on = any(concept in any_of for each in planned for any_of in self.needs[each])
        if (concept in state.passed and built_on) or self.goes_on(video, concept):
            return False
        if by.just_done[concept] and not (asks and by.to_check[concept]):
            return False
        if by.just_done[concept] and concept in state.passed:
            return not self.asks_for_more(video, concept, state)
        teach = [v for v in self.left_for(concept, state) if not self.layout.asks[v]]
        return not asks or not (teach or self.asks_for_more(video, concept, state))

    def step_for(self, video: int, state: State, planned: set[int]) -> int | None:
        """The concept that a lesson is a step for."""
        may = [c for c in self.covers[video] if self.is_step_for(video, c, state, planned)]

        def standing(concept: int) -> tuple[bool, float]:
            now = state.mastery[concept]
            moved = raised(now, self.covers[video][concept]) - now
            return self.ready(concept, state), self.by.weight[concept] * moved

        return max(may, key=standing, default=None)

    def lesson(
        self, road: list[int], state: State, planned: set[int]
    ) -> tuple[int | None, list[Row], list[int]]:
        """The next lesson's concept, its rows, and the road behind it; the state moves on."""
        left = [video for video in road if video in state.open]
        goals = [self.step_for(video, state, planned) for video in left]
        at = next((k for k, goal in enumerate(goals) if goal is not None), None)
        if at is None:
            return None, [], []
        goal, video = goals[at], left[at]
        before = self.foundation(goal, state, self.likely)[:-1]
        rows = [row for each in before for row in self.learn(each, state, kept=video)]
        for early in left[:at]:
            if early in state.open and self.by.rides[early]:
                rows.append(self.put(goal, early, state))
        own = [self.put(goal, video, state)]
        rest = [each for each in left[at + 1 :] if each in state.open]
        while rest and len(own) < MOST_VIDEOS and state.mastery[goal] < self.theta:
            also_new = self.step_for(rest[0], state, planned | {goal}) is not None
            same_kind = self.layout.asks[rest[0]] == self.layout.asks[video]
            if also_new or not same_kind or goal not in self.covers[rest[0]]:
                break
            own.append(self.put(goal, rest.pop(0), state))
        return goal, rows + own + self.checked(goal, own, state), rest

    def turned(self, found: list[Row], state: State) -> list[Row]:
        """The rows with what teaches of the course in its order, but for what is not held yet;
        the state moves on."""
        turned = []
        for concept, same in groupby(found, key=lambda row: row.concept):
            used = [row.video for row in same]
            if not self.by.not_yet[concept]:
                places = [k for k, video in enumerate(used) if self.is_lesson(video)]
                for k, video in zip(
                    places, sorted((used[k] for k in places), key=self.by.turn.item), strict=True
                ):
                    used[k] = video
            turned += [self.put(concept, video, state) for video in used]
            state.passed.add(concept)
        return turned

    def taken(self, goal: int, state: State) -> list[Row]:
        """A bundle in turn; the state moves on."""
        return self.turned(self.bundle(goal, state.copy()), state)

    def is_lesson(self, video: int) -> bool:
        """Whether it teaches, is of the course, and new."""
        layout, by = self.layout, self.by
        return bool(layout.tier[video] == 0 and not layout.asks[video] and not by.again[video])

    def rate(self, goal: int, video: int, gain: float, minutes: float) -> float:
        return gain / minutes * self.by.favour[video] * self.by.urgency[goal]

    def rate_of(self, goal: int, rows: list[Row], before: State, after: State) -> float:
        """What the goal's bundle is compared by, which leads from one state to the other."""
        last = [list(same) for _, same in groupby(rows, key=lambda row: row.concept)][-1]
        rate = self.rate(goal, last[0].video, sum(r.gain for r in rows), self.minutes(rows))
        reached = min(1.0, after.mastery[goal] / self.theta)
        moved = after.mastery[goal] - before.mastery[goal]
        rate *= 1 + NAMESAKE * self.by.weight[goal] * moved * reached
        return rate * reached

    def minutes(self, rows: list[Row]) -> float:
        return sum(float(self.by.minutes[row.video]) for row in rows)

    def goals(self, state: State) -> list[int]:
        """What is asked for and can come next by what it gains."""
        return [
            goal
            for goal in self.layout.asked.tolist()
            if not self.by.closed[goal] and self.left_for(goal, state) and goal not in state.passed
        ]

    def next_goal(self, state: State, left: float) -> tuple[int | None, float, list[Row], bool]:
        """The best goal, its rate, its rows; whether some bundle takes too long."""
        best, best_rate, best_rows, best_first, too_long = None, 0.0, [], False, False
        first = dict(zip(self.layout.asked.tolist(), self.by.first.tolist(), strict=True))
        for goal in self.goals(state):
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
        first |= {goal for goal in self.layout.asked.tolist() if self.by.urgency[goal] > 1}
        left, road, fits = budget, self.by.road.tolist(), True
        while n_concepts(found) < length:
            planned = {row.concept for row in found}
            goal, rate, _, too_long = self.next_goal(state, left)
            anyway = goal in first
            if road and not anyway:
                anyway, after = True, state.copy()
                goal, rows, road = self.lesson(road, after, planned)
                fits = goal is None or self.minutes(rows) <= left
                if goal is None or not fits:
                    road = []
                    continue
                rate, rows = 0.0, self.turned(rows, state)
            elif goal is None:
                why = "end" if fits and not too_long else "minutes"
                break
            else:
                rows = self.taken(goal, state)
            gain = sum(row.gain for row in rows)
            if gain < least * self.minutes(rows) and not anyway:
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
