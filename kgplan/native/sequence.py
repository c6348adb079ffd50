"""Which videos next, by expected gain of mastery a minute? The gain planner's compiled loop.

Where a course is practised, concepts come in the turns that were chosen for them, whatever they
gain. Elsewhere the lessons of the road come first: what the course has next, in its order. A
lesson is a step for one of its goals; one that has none left goes with the step of the next.
Then each turn looks at every concept that the goal asks for. Its bundle is what must come before it
and is not held, foundation first, each with the videos that bring it to the threshold. The bundle
with the largest gain a minute, times how well the goal's first video stands in the course, is taken
whole. A video is credited for all its concepts that the learner is ready for. What comes first
never depends on how much is asked for, so shorter plans begin longer ones.
What is watched or read teaches, and what is answered asks: of a concept what teaches comes first,
and one exercise behind it, if there is one that asks for nothing else that could still be taught.
Only where nothing teaches it any more is a concept learned with exercises alone.
What goes on to something new is no other way to a concept that was just not answered right.
Chosen are videos by what they gain; those of the course on one concept then come in its order.
Sizes: n concepts of the scope, m videos, N entries (a video and a concept of it), R requirements;
a video stands for an item of any kind.
What compiled code alone calls is not kept by itself: it lies in what is kept of its callers.
"""

from typing import NamedTuple

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.native.compiled import njit

MOST_VIDEOS = 3  # for one concept in one bundle, an exercise behind them apart
LAST_RESORT = 6  # the last rank
NAMESAKE = 1e-3
SLACK = 1.0 + NAMESAKE  # how far a rate may be above what `hope_for` says


END, LENGTH, MINUTES, GAIN = range(4)
"""Why a sequence ends: nothing is left; its length; its time; what is left gains too little."""


class Layout(NamedTuple):
    """What a goal involves, whoever asks.

    Attributes:
        asked: (G,) concepts that the goal asks for.
        require_start: (n + 1,) where the requirements of each concept begin.
        any_start: (R + 1,) where the concepts begin of which a requirement needs any one.
        any_of: those concepts, the nearest first.
        waits_start: (n + 1,) where the concepts begin that need each concept, or may.
        waits: those concepts.
        video_start: (m + 1,) where the entries of each video begin.
        covers: (N,) concepts.
        concept_start: (n + 1,) where the videos of each concept begin.
        taught_by: (N,) videos, those of lower tiers first.
        tier: (m,) 0 for videos of the course, 1 for others; a lower one comes first.
        place: (m,) in the course.
        asks: (m,) True for exercises.
    """

    asked: Ints
    require_start: Ints
    any_start: Ints
    any_of: Ints
    waits_start: Ints
    waits: Ints
    video_start: Ints
    covers: Ints
    concept_start: Ints
    taught_by: Ints
    tier: Ints
    place: Floats
    asks: Array


class Standing(NamedTuple):
    """The learner on the same axes; `sequence` changes none of them.

    Attributes:
        mastery: (n,) between 0 and 1.
        factor: (N,) what each video multiplies its odds by.
        weight: (n,) what a gain of each concept counts.
        closed: (n,) True for what is neither planned nor counted: mastered, held, left out.
        passed: (n,) True for what nothing has to wait for any more.
        open: (m,) True for videos that may be planned.
        again: (m,) True for those of them that were watched before.
        minutes: (m,) what is left to watch, above 0.
        favour: (m,) factor for how well the video stands in the course.
        road: videos of the course that come next, in its order, even where what they teach is
            passed; once for each concept, and not behind what builds on it.
        rides: (m,) True for videos of the road that come even where they are a step for nothing.
        likely: (n,) True for what is held likely enough that nothing on the road waits for it.
        just_done: (n,) True for concepts that are no step of the road,
        to_check: (n,) but for exercises on these of them.
        first: (G,) True for what comes before all other goals.
        urgency: (n,) factor for how soon each concept should come.
        not_yet: (n,) True for what answers say is not held yet,
        goes_on: (N,) and of entries on these True where the video goes on to something new.
        turn: (m,) when the course comes to each video from where the learner is; inf for others.
        practice: concepts in the order in which they are practised, each with what it needs before
            it; empty where gain and the road decide.
        practised_for: the goal that each of them is for.
    """

    mastery: Floats
    factor: Floats
    weight: Floats
    closed: Array
    passed: Array
    open: Array
    again: Array
    minutes: Floats
    favour: Floats
    road: Ints
    rides: Array
    likely: Array
    just_done: Array
    to_check: Array
    first: Array
    urgency: Floats
    not_yet: Array
    goes_on: Array
    turn: Floats
    practice: Ints
    practised_for: Ints


class State(NamedTuple):
    """What a sequence has reached so far.

    Attributes:
        mastery, passed, open: as of the learner.
        n_open: (n,) videos that each concept could still be learned with.
        ready: (n,) True where nothing is missing that is needed before and could be learned; what
            is likely held is not missing.
        likely: as of the learner.
    """

    mastery: Floats
    passed: Array
    open: Array
    n_open: Ints
    ready: Array
    likely: Array


class Scratch(NamedTuple):
    """Room to work in.

    Attributes:
        trial: a state to look ahead in.
        worth: (m,) `values_of` each open video.
        hope: (m,) the most that each may be worth in any later state.
        unknown: (m,) below 0.
        seen, stack, order: (n,) for `foundation`.
    """

    trial: State
    worth: Floats
    hope: Floats
    unknown: Floats
    seen: Array
    stack: Ints
    order: Ints


class Rows(NamedTuple):
    """A row a video; rows of one concept stand together.

    Attributes:
        concept, video: what is learned, with what.
        gain: weighted gain of mastery that the video is credited with.
        goal: the concept whose bundle it is of.
        rate: that the bundle was chosen by, `rate_of`; 0 on the road.
        stand: in the rate, the favour of the first video for the goal and the goal's urgency; 0 on
            the road.
    """

    concept: Ints
    video: Ints
    gain: Floats
    goal: Ints
    rate: Floats
    stand: Floats


@njit()
def raised(mastery: float, factor: float) -> float:
    """A mastery whose odds are multiplied.

    >>> raised(0.5, 3.0)
    0.75
    """
    return mastery * factor / (1.0 + mastery * (factor - 1.0))


@njit()
def steepest(mastery: float, factor: float) -> float:
    """The most that a mastery can be raised by, now or once it is larger.

    >>> steepest(0.1, 9.0), steepest(0.5, 9.0)
    (0.5, 0.4)
    """
    root = np.sqrt(factor)
    if mastery * (1.0 + root) < 1.0:  # the raise is largest at 1 / (1 + root)
        return (root - 1.0) / (root + 1.0)
    return raised(mastery, factor) - mastery


@njit()
def is_ready(concept: int, layout: Layout, state: State) -> bool:
    """Whether every requirement is met, or can be met by nothing."""
    for requirement in range(layout.require_start[concept], layout.require_start[concept + 1]):
        met, possible = False, False
        for at in range(layout.any_start[requirement], layout.any_start[requirement + 1]):
            other = layout.any_of[at]
            met = met or state.passed[other] or state.likely[other]
            possible = possible or state.n_open[other] > 0
        if possible and not met:
            return False
    return True


@njit()
def release(concept: int, layout: Layout, state: State) -> None:
    """Look again at what waits for a concept that was passed, or has no open video any more."""
    for at in range(layout.waits_start[concept], layout.waits_start[concept + 1]):
        waiting = layout.waits[at]
        if not state.ready[waiting]:
            state.ready[waiting] = is_ready(waiting, layout, state)


@njit()
def values_of(video: int, layout: Layout, by: Standing, state: State) -> tuple[float, float]:
    """Weighted gain of mastery over the concepts of a video, and the most that it may come to.

    The second is of all its concepts, each where its mastery can be raised most from here on.
    """
    total, hope = 0.0, 0.0
    for entry in range(layout.video_start[video], layout.video_start[video + 1]):
        concept = layout.covers[entry]
        if not by.closed[concept]:
            now = state.mastery[concept]
            gain = by.weight[concept] * (raised(now, by.factor[entry]) - now)
            hope += by.weight[concept] * steepest(now, by.factor[entry])
            if state.ready[concept]:
                total += gain
    return total, hope


@njit()
def missing_before(concept: int, layout: Layout, state: State, seen: Array, enough: Array) -> int:
    """A concept that is needed first and can be learned; -1 where there is none.

    Args:
        enough: (n,) True for what nothing waits for, beside what is passed.
        seen: (n,) True for what is waited for already: alternatives may lead in a circle.
    """
    for requirement in range(layout.require_start[concept], layout.require_start[concept + 1]):
        chosen = -1
        for at in range(layout.any_start[requirement], layout.any_start[requirement + 1]):
            other = layout.any_of[at]
            if state.passed[other] or seen[other] or enough[other]:
                chosen = -1
                break
            if chosen < 0 and state.n_open[other] > 0:
                chosen = other
        if chosen >= 0:
            return chosen
    return -1


@njit()
def foundation(goal: int, layout: Layout, state: State, scratch: Scratch, enough: Array) -> int:
    """Put what must come before a goal, and the goal, into `order`; how many these are.

    Args:
        enough: as for `missing_before`.
    """
    seen, stack, order = scratch.seen, scratch.stack, scratch.order
    count, top = 0, 0
    stack[0] = goal
    seen[goal] = True
    while top >= 0:
        missing = missing_before(stack[top], layout, state, seen, enough)
        if missing >= 0:
            top += 1
            stack[top] = missing
            seen[missing] = True
        else:
            order[count] = stack[top]
            count += 1
            top -= 1
    for at in range(count):
        seen[order[at]] = False
    return count


@njit()
def asks_for_more(video: int, concept: int, layout: Layout, state: State) -> bool:
    """Whether an exercise asks for another concept too, which can be taught and is not passed."""
    for entry in range(layout.video_start[video], layout.video_start[video + 1]):
        other = layout.covers[entry]
        if other == concept or state.passed[other]:
            continue
        for at in range(layout.concept_start[other], layout.concept_start[other + 1]):
            if state.open[layout.taught_by[at]] and not layout.asks[layout.taught_by[at]]:
                return True
    return False


@njit()
def goes_on(video: int, concept: int, layout: Layout, by: Standing) -> bool:
    """Whether a video is no other way to a concept that is not held yet."""
    if by.not_yet[concept]:
        for entry in range(layout.video_start[video], layout.video_start[video + 1]):
            if layout.covers[entry] == concept:
                return by.goes_on[entry]
    return False


@njit()
def rank_of(video: int, concept: int, layout: Layout, by: Standing, state: State) -> int:
    """Where an open video stands among those on a concept, whatever it gains; least first.

    What teaches stands before what asks, of each the course's own first. Behind them stands what
    was done before, and last what asks for more or goes on: a way only where there is no other.
    """
    asks = layout.asks[video]
    more = asks and asks_for_more(video, concept, layout, state)
    if more or goes_on(video, concept, layout, by):
        return LAST_RESORT
    if by.again[video]:
        return 4 + asks
    return layout.tier[video] + 2 * asks


@njit()
def best_check(concept: int, layout: Layout, by: Standing, state: State, kept: int) -> int:
    """The exercise behind what taught a concept: of the least rank, then the shortest; or -1.

    Args:
        kept: a video that is kept for something else; -1 for none.
    """
    best, best_rank = -1, 0
    for at in range(layout.concept_start[concept], layout.concept_start[concept + 1]):
        video = layout.taught_by[at]
        if not layout.asks[video] or not state.open[video] or video == kept:
            continue
        rank = rank_of(video, concept, layout, by, state)
        if rank == LAST_RESORT:
            continue
        sooner = rank == best_rank and by.minutes[video] < by.minutes[best]
        if best < 0 or rank < best_rank or sooner:
            best, best_rank = video, rank
    return best


@njit()
def best_video(
    concept: int, layout: Layout, by: Standing, state: State, worth: Floats, kept: int
) -> int:
    """The video to learn a concept with: of the least rank, then by gain a minute; -1 for none.

    Args:
        worth: (m,) `values_of` each video, or below 0 where that is not known.
        kept: as for `best_check`.
    """
    best, best_rank, best_figure = -1, 0, 0.0
    for at in range(layout.concept_start[concept], layout.concept_start[concept + 1]):
        video = layout.taught_by[at]
        if not state.open[video] or video == kept:
            continue
        rank = rank_of(video, concept, layout, by, state)
        if best >= 0 and rank > best_rank:
            continue
        gain = worth[video]
        if gain < 0.0:
            gain, _ = values_of(video, layout, by, state)
        # of what counts for nothing itself, as a foundation, the shortest
        figure = gain * by.favour[video] if gain > 0.0 else -1.0
        figure = figure / by.minutes[video] if gain > 0.0 else figure * by.minutes[video]
        if best < 0 or rank < best_rank or (rank == best_rank and figure > best_figure):
            best, best_rank, best_figure = video, rank, figure
    return best


@njit()
def watch(
    video: int, concept: int, layout: Layout, by: Standing, state: State, theta: float
) -> None:
    """Move the state on behind a video that is watched for a concept."""
    begin, end = layout.video_start[video], layout.video_start[video + 1]
    state.open[video] = False
    for entry in range(begin, end):
        other = layout.covers[entry]
        state.n_open[other] -= 1
        if other == concept or state.ready[other]:
            state.mastery[other] = raised(state.mastery[other], by.factor[entry])
            if state.mastery[other] >= theta:
                state.passed[other] = True
    for entry in range(begin, end):
        other = layout.covers[entry]
        if state.passed[other] or state.n_open[other] == 0:
            release(other, layout, state)


@njit()
def leave(concept: int, layout: Layout, state: State) -> None:
    """Pass a concept, brought as far as it can be."""
    state.passed[concept] = True
    release(concept, layout, state)


@njit()
def follow(rows: Rows, at: int, layout: Layout, by: Standing, state: State, theta: float) -> None:
    """Move the state on behind a row of a sequence, and behind its concept with the last of it."""
    watch(rows.video[at], rows.concept[at], layout, by, state, theta)
    if at + 1 == rows.video.size or rows.concept[at + 1] != rows.concept[at]:
        leave(rows.concept[at], layout, state)


@njit()
def learn(
    concept: int, asked: bool, kept: int, layout: Layout, by: Standing, state: State, worth: Floats,
    scratch: Scratch, theta: float, rows: Rows, at: int,
) -> tuple[int, float, float]:  # fmt: skip
    """Move the state on behind a concept, brought to the threshold or as far as it can be.

    Args:
        asked: whether it comes even where it is passed.
        kept: as for `best_check`.
        worth, rows, at: as for `bundle`.

    Returns:
        As `bundle`.
    """
    minutes, gain, count, taught = 0.0, 0.0, 0, False
    while at < rows.concept.size:
        video = -1
        if (asked or not state.passed[concept]) and count < MOST_VIDEOS:
            video = best_video(concept, layout, by, state, worth, kept)
        if video >= 0 and count > 0:
            if rank_of(video, concept, layout, by, state) == LAST_RESORT:
                break
        elif taught:
            video = best_check(concept, layout, by, state, kept)
        if video < 0:
            break
        taught = not layout.asks[video]
        earned = put(video, concept, layout, by, state, theta, rows, at)
        worth = scratch.unknown
        minutes, gain = minutes + by.minutes[video], gain + earned
        at, count, asked = at + 1, count + 1, False
    leave(concept, layout, state)
    return at, minutes, gain


@njit()
def put(
    video: int, concept: int, layout: Layout, by: Standing, state: State, theta: float,
    rows: Rows, at: int,
) -> float:  # fmt: skip
    """Watch a video for a concept and write its row; what it gains."""
    earned, _ = values_of(video, layout, by, state)
    watch(video, concept, layout, by, state, theta)
    rows.concept[at], rows.video[at], rows.gain[at] = concept, video, earned
    return earned


@njit()
def bundle(
    goal: int, layout: Layout, by: Standing, state: State, scratch: Scratch, worth: Floats,
    theta: float, rows: Rows, at: int,
) -> tuple[int, float, float]:  # fmt: skip
    """Move the state on behind a goal and what must come before it.

    Args:
        worth: as for `best_video`, in the state as it is given.
        rows: takes a row a video, from place `at`.

    Returns:
        The place behind the last row, the minutes, and the gain.
    """
    minutes, gain, begin = 0.0, 0.0, at
    for place in range(foundation(goal, layout, state, scratch, state.passed)):
        concept = scratch.order[place]
        now = worth if at == begin else scratch.unknown
        at, took, earned = learn(
            concept, concept == goal, -1, layout, by, state, now, scratch, theta, rows, at
        )
        minutes, gain = minutes + took, gain + earned
    return at, minutes, gain


@njit()
def is_step_for(
    video: int, concept: int, layout: Layout, by: Standing, state: State, named: Array
) -> bool:
    """Whether a lesson of the road may be a step for one of its concepts.

    Args:
        named: (n,) True for concepts that are planned.
    """
    if by.weight[concept] <= 0.0 or by.closed[concept] or named[concept]:
        return False
    if by.just_done[concept] and not (by.to_check[concept] and layout.asks[video]):
        return False
    if goes_on(video, concept, layout, by):
        return False
    if state.passed[concept]:
        for at in range(layout.waits_start[concept], layout.waits_start[concept + 1]):
            if named[layout.waits[at]]:
                return False
    if layout.asks[video]:
        if asks_for_more(video, concept, layout, state):
            return False
        for at in range(layout.concept_start[concept], layout.concept_start[concept + 1]):
            other = layout.taught_by[at]
            if state.open[other] and not layout.asks[other]:
                return by.just_done[concept] and state.passed[concept]
    return True


@njit()
def step_for(video: int, layout: Layout, by: Standing, state: State, named: Array) -> int:
    """The concept that a lesson of the road is a step for; -1 for none.

    Of those that the learner is ready for, the one that counts and moves most.
    """
    best, best_ready, best_figure = -1, False, 0.0
    for entry in range(layout.video_start[video], layout.video_start[video + 1]):
        concept = layout.covers[entry]
        if not is_step_for(video, concept, layout, by, state, named):
            continue
        ready, now = state.ready[concept], state.mastery[concept]
        figure = by.weight[concept] * (raised(now, by.factor[entry]) - now)
        better = figure > best_figure if ready == best_ready else ready
        if best < 0 or better:
            best, best_ready, best_figure = concept, ready, figure
    return best


@njit()
def lesson(
    place: int, layout: Layout, by: Standing, state: State, scratch: Scratch, theta: float,
    named: Array, rows: Rows, at: int,
) -> tuple[int, int, int, float]:  # fmt: skip
    """Move the state on behind the next lesson of the road that is a step for a concept.

    With it come, as the same step, what the road has before it that is a step for nothing, what
    follows at once on the same concept until that is brought to the threshold, and a check.

    Args:
        place: on the road.
        named: as for `is_step_for`.
        rows, at: as for `bundle`.

    Returns:
        The concept, -1 for none; the next place on the road and in the rows; the minutes.
    """
    begin, goal, minutes = place, -1, 0.0
    while place < by.road.size and goal < 0:
        if state.open[by.road[place]]:
            goal = step_for(by.road[place], layout, by, state, named)
        place += 1
    if goal < 0:
        return goal, place, at, minutes
    video = by.road[place - 1]
    for before in range(foundation(goal, layout, state, scratch, state.likely) - 1):
        at, took, _ = learn(
            scratch.order[before], False, video, layout, by, state, scratch.unknown, scratch, theta,
            rows, at,
        )  # fmt: skip
        minutes += took
    for earlier in by.road[begin : place - 1]:
        if state.open[earlier] and by.rides[earlier] and at < rows.concept.size:
            put(earlier, goal, layout, by, state, theta, rows, at)
            at, minutes = at + 1, minutes + by.minutes[earlier]
    count = 0
    while at < rows.concept.size:
        put(video, goal, layout, by, state, theta, rows, at)
        at, minutes, count, named[goal] = at + 1, minutes + by.minutes[video], count + 1, True
        following = place
        while following < by.road.size and not state.open[by.road[following]]:
            following += 1
        if following == by.road.size or count == MOST_VIDEOS or state.mastery[goal] >= theta:
            break
        more = by.road[following]
        alone = step_for(more, layout, by, state, named) < 0
        if not (alone and on_it(more, goal, layout) and layout.asks[more] == layout.asks[video]):
            break
        video, place = more, following + 1
    check = best_check(goal, layout, by, state, -1) if not layout.asks[video] else -1
    if check >= 0 and at < rows.concept.size:
        put(check, goal, layout, by, state, theta, rows, at)
        at, minutes = at + 1, minutes + by.minutes[check]
    leave(goal, layout, state)
    return goal, place, at, minutes


@njit()
def on_it(video: int, concept: int, layout: Layout) -> bool:
    """Whether a video covers a concept."""
    for entry in range(layout.video_start[video], layout.video_start[video + 1]):
        if layout.covers[entry] == concept:
            return True
    return False


@njit()
def in_turn(
    begin: int, end: int, layout: Layout, by: Standing, state: State, theta: float, rows: Rows
) -> float:
    """Put what a bundle has of the course on one concept in its order; move the state on.

    What was done before stays where it is, and so does all on what is not held yet: there what is
    most on it comes first.

    Args:
        begin, end: rows of the bundle.
        state: before them.
        rows: the gains of these are made anew, as each depends on what comes before it.

    Returns:
        The gain of all.
    """
    gain, first = 0.0, begin
    for at in range(begin, end):
        concept, video, place = rows.concept[at], rows.video[at], at
        if at > begin and concept != rows.concept[at - 1]:
            first = at
        stays = layout.tier[video] > 0 or layout.asks[video] or by.again[video]
        if not (stays or by.not_yet[concept]):  # those before it are such as well
            while place > first and by.turn[video] < by.turn[rows.video[place - 1]]:
                rows.video[place] = rows.video[place - 1]
                place -= 1
        rows.video[place] = video
    for at in range(begin, end):
        rows.gain[at], _ = values_of(rows.video[at], layout, by, state)
        gain += rows.gain[at]
        watch(rows.video[at], rows.concept[at], layout, by, state, theta)
        if at + 1 == end or rows.concept[at + 1] != rows.concept[at]:
            leave(rows.concept[at], layout, state)
    return gain


@njit()
def rate_of(goal: int, video: int, gain: float, minutes: float, by: Standing) -> float:
    """What bundles are compared by.

    Args:
        video: the first for the goal itself.
    """
    return gain / minutes * by.favour[video] * by.urgency[goal]


@njit()
def empty_rows(size: int) -> Rows:
    """Room for so many rows."""
    return Rows(
        np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size),
        np.empty(size, np.int64), np.empty(size), np.empty(size),
    )  # fmt: skip


@njit()
def hope_for(
    goal: int, layout: Layout, by: Standing, state: State, hope: Floats, top: float
) -> float:
    """What a goal's rate is not above, but for `NAMESAKE`: its best favour times gain a minute.

    Args:
        top: the best gain a minute of all videos, as any may be of what must come before.
    """
    favour, density = 0.0, top if not state.ready[goal] else 0.0
    for at in range(layout.concept_start[goal], layout.concept_start[goal + 1]):
        video = layout.taught_by[at]
        if state.open[video]:
            favour = max(favour, by.favour[video])
            density = max(density, hope[video] / by.minutes[video])
    return favour * by.urgency[goal] * density


@njit()
def can_come(goal: int, by: Standing, state: State) -> bool:
    """Whether a goal may be planned by what it gains."""
    return not by.closed[goal] and not state.passed[goal] and state.n_open[goal] > 0


@njit()
def best_goal(
    layout: Layout, by: Standing, state: State, scratch: Scratch, tried: Rows, theta: float,
    left: float,
) -> tuple[int, float, bool]:  # fmt: skip
    """The goal whose bundle comes next, -1 for none; its rate; and whether any takes too long."""
    best, best_rate, best_first, too_long = -1, 0.0, False, False
    trial = scratch.trial
    hopes, top = np.full(layout.asked.size, -1.0), 0.0
    for video in np.flatnonzero(state.open):
        top = max(top, scratch.hope[video] / by.minutes[video])
    for at in range(layout.asked.size):
        goal = layout.asked[at]
        if can_come(goal, by, state):
            hopes[at] = SLACK * hope_for(goal, layout, by, state, scratch.hope, top)
    for at in np.argsort(-hopes):
        goal, first = layout.asked[at], by.first[at]
        if hopes[at] < 0.0 or (best_first and not first):
            continue
        if best >= 0 and hopes[at] < best_rate and not first:
            continue
        trial.mastery[:], trial.passed[:], trial.open[:] = state.mastery, state.passed, state.open
        trial.n_open[:], trial.ready[:] = state.n_open, state.ready
        end, minutes, gain = bundle(
            goal, layout, by, trial, scratch, scratch.worth, theta, tried, 0
        )
        if end == 0 or (tried.concept[end - 1] != goal and not first):
            continue  # what comes before it took the last video that it could be learned with
        if minutes > left and not first:
            too_long = True
            continue
        own = end - 1  # the first video for the goal itself
        while own > 0 and tried.concept[own - 1] == tried.concept[end - 1]:
            own -= 1
        rate = rate_of(goal, tried.video[own], gain, minutes, by)
        # of goals that one video serves it is named after the one that it moves most
        reached = trial.mastery[goal] / theta if trial.mastery[goal] < theta else 1.0
        moved = trial.mastery[goal] - state.mastery[goal]
        # what does not bring its goal to the threshold counts in proportion
        rate *= (1.0 + NAMESAKE * by.weight[goal] * moved * reached) * reached
        if best < 0 or (first and not best_first) or rate > best_rate:
            best, best_rate, best_first = goal, rate, first
    return best, best_rate, too_long


@njit()
def at_start(layout: Layout, by: Standing) -> State:
    """The state of a learner before any step."""
    n = by.mastery.size
    n_open = np.zeros(n, np.int64)
    for concept in range(n):
        for at in range(layout.concept_start[concept], layout.concept_start[concept + 1]):
            n_open[concept] += by.open[layout.taught_by[at]]
    ready = np.zeros(n, np.bool_)
    state = State(by.mastery.copy(), by.passed.copy(), by.open.copy(), n_open, ready, by.likely)
    for concept in range(n):
        ready[concept] = is_ready(concept, layout, state)
    return state


@njit()
def room(layout: Layout, by: Standing) -> Scratch:
    """Room to work in for one learner."""
    n, m = by.mastery.size, by.minutes.size
    return Scratch(
        at_start(layout, by), np.empty(m), np.empty(m), np.full(m, -1.0), np.zeros(n, np.bool_),
        np.empty(n, np.int64), np.empty(n, np.int64),
    )  # fmt: skip


@njit()
def look(layout: Layout, by: Standing, state: State, scratch: Scratch) -> None:
    """Fill in what each open video is worth now."""
    for video in range(by.minutes.size):
        if state.open[video]:
            value = values_of(video, layout, by, state)
            scratch.worth[video], scratch.hope[video] = value


@njit()
def set_to(state: State, other: State) -> None:
    """Make a state the same as another."""
    state.mastery[:], state.passed[:], state.open[:] = other.mastery, other.passed, other.open
    state.n_open[:], state.ready[:] = other.n_open, other.ready


@njit(cache=True, nogil=True)
def sequence(
    layout: Layout, by: Standing, theta: float, length: int, budget: float, least: float
) -> tuple[Rows, int]:
    """Choose videos until the length, the time, or what is worth it ends.

    Args:
        layout, by: the goal and the learner.
        theta: mastery that a concept is brought to.
        length: concepts at most.
        budget: minutes at most; what comes first may take more.
        least: gain a minute under which nothing more is taken, the road and what comes first apart.

    Returns:
        The rows, and why there are no more.
    """
    n, m = by.mastery.size, by.minutes.size
    state, scratch = at_start(layout, by), room(layout, by)
    tried, rows = empty_rows(n * (MOST_VIDEOS + 1)), empty_rows(m)
    named = np.zeros(n, np.bool_)
    done, n_concepts, left, why, place, turn, fits = 0, 0, budget, LENGTH, 0, 0, True
    while n_concepts < length:
        begin, goal, rate, stand, too_long = done, -1, 0.0, 0.0, False
        is_looked, comes_anyway, ahead = False, True, scratch.trial
        while turn < by.practice.size and (
            named[by.practice[turn]] or state.n_open[by.practice[turn]] == 0
        ):
            turn += 1
        in_turn_next = turn < by.practice.size
        if not (by.road[place:].size or in_turn_next) or comes_before_the_road(layout, by, state):
            look(layout, by, state, scratch)
            goal, rate, too_long = best_goal(layout, by, state, scratch, tried, theta, left)
            is_looked = True
            comes_anyway = goal >= 0 and (is_first(goal, layout, by) or by.urgency[goal] > 1.0)
        if in_turn_next and not (is_looked and comes_anyway):
            set_to(ahead, state)
            done, minutes, _ = learn(
                by.practice[turn], True, -1, layout, by, ahead, scratch.unknown, scratch, theta,
                rows, done,
            )  # fmt: skip
            if minutes > left:
                done, why = begin, MINUTES
                break
            goal, rate, comes_anyway = by.practised_for[turn], 0.0, True
        elif place < by.road.size and not (is_looked and comes_anyway):
            set_to(ahead, state)
            marks = named.copy()
            found, place, end, minutes = lesson(
                place, layout, by, ahead, scratch, theta, marks, rows, done
            )
            if found < 0 or minutes > left:
                fits = found < 0
                place = by.road.size  # what is behind it does not come before it
                continue
            goal, rate, done, comes_anyway = found, 0.0, end, True
        elif goal >= 0:
            set_to(ahead, state)
            done, minutes, _ = bundle(
                goal, layout, by, ahead, scratch, scratch.worth, theta, rows, done
            )
            own = begin
            while own < done - 1 and rows.concept[own] != goal:
                own += 1
            stand = by.favour[rows.video[own]] * by.urgency[goal]
        else:
            why = MINUTES if too_long or not fits else END
            break
        gain = in_turn(begin, done, layout, by, state, theta, rows)
        if gain < least * minutes and not comes_anyway:
            done, why = begin, GAIN
            break
        left -= minutes
        for at in range(begin, done):
            rows.goal[at], rows.rate[at], rows.stand[at] = goal, rate, stand
            named[rows.concept[at]] = True
            if at == begin or rows.concept[at] != rows.concept[at - 1]:
                n_concepts += 1
                if n_concepts > length:
                    done = at
                    break
    found = Rows(rows.concept[:done], rows.video[:done], rows.gain[:done], rows.goal[:done],
                 rows.rate[:done], rows.stand[:done])  # fmt: skip
    return found, why


@njit()
def comes_before_the_road(layout: Layout, by: Standing, state: State) -> bool:
    """Whether a goal may come that was asked for by name, or was just not answered right."""
    for at in range(layout.asked.size):
        goal = layout.asked[at]
        if (by.first[at] or by.urgency[goal] > 1.0) and can_come(goal, by, state):
            return True
    return False


@njit()
def is_first(goal: int, layout: Layout, by: Standing) -> bool:
    """Whether a goal comes before all others."""
    for at in range(layout.asked.size):
        if layout.asked[at] == goal:
            return by.first[at]
    return False


class Moves(NamedTuple):
    """What each row of a sequence moves, one entry for each concept of it.

    Attributes:
        row, concept: of the entry.
        before, after: mastery.
    """

    row: Ints
    concept: Ints
    before: Floats
    after: Floats


@njit(cache=True, nogil=True)
def moves_of(rows: Rows, layout: Layout, by: Standing, theta: float) -> Moves:
    """Go through a sequence again and note what it moves."""
    state = at_start(layout, by)
    size = 0
    for at in range(rows.video.size):
        size += layout.video_start[rows.video[at] + 1] - layout.video_start[rows.video[at]]
    found = Moves(np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size),
                  np.empty(size))  # fmt: skip
    count = 0
    for at in range(rows.video.size):
        video = rows.video[at]
        begin = count
        for entry in range(layout.video_start[video], layout.video_start[video + 1]):
            concept = layout.covers[entry]
            found.row[count], found.concept[count] = at, concept
            found.before[count] = state.mastery[concept]
            count += 1
        follow(rows, at, layout, by, state, theta)
        for place in range(begin, count):
            found.after[place] = state.mastery[found.concept[place]]
    return found


@njit(cache=True, nogil=True)
def rates_after(rows: Rows, count: int, layout: Layout, by: Standing, theta: float) -> Floats:
    """(G,) the rate of each goal's bundle behind so many rows; below 0 where there is none."""
    state, scratch = at_start(layout, by), room(layout, by)
    for at in range(count):
        follow(rows, at, layout, by, state, theta)
    tried = empty_rows(by.mastery.size * (MOST_VIDEOS + 1))
    rates = np.full(layout.asked.size, -1.0)
    left = np.inf
    look(layout, by, state, scratch)
    for at in range(layout.asked.size):
        alone = Layout(
            layout.asked[at : at + 1], layout.require_start, layout.any_start, layout.any_of,
            layout.waits_start, layout.waits, layout.video_start, layout.covers,
            layout.concept_start, layout.taught_by, layout.tier, layout.place, layout.asks,
        )  # fmt: skip
        its = Standing(
            by.mastery, by.factor, by.weight, by.closed, by.passed, by.open, by.again, by.minutes,
            by.favour, by.road, by.rides, by.likely, by.just_done, by.to_check,
            by.first[at : at + 1], by.urgency, by.not_yet, by.goes_on, by.turn, by.practice,
            by.practised_for,
        )  # fmt: skip
        goal, rate, _ = best_goal(alone, its, state, scratch, tried, theta, left)
        if goal >= 0:
            rates[at] = rate
    return rates
