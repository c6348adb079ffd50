"""What a plan says of videos, texts and exercises is held against what the learner did with them.

Sites and learners are drawn; of every sentence, in both languages, it is worked out from the events
alone whether it holds, and a plan may say no other.
"""

import re
from collections import Counter
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sites import answered, site, watched

from kgplan.planning import PlanOptions

KINDS = ("video", "text", "exercise")
COUNTED = {
    "video": ("watched one video", "watched several videos"),
    "text": ("read one text", "read several texts"),
    "exercise": ("answered one exercise right", "answered several exercises right"),
}
COUNTED_ZH = {
    "video": ("看过一个讲解它的视频", "看过多个讲解它的视频"),
    "text": ("读过一份讲解它的阅读材料", "读过多份讲解它的阅读材料"),
    "exercise": ("做对一道考查它的练习", "做对多道考查它的练习"),
}
NOTHING = {
    "video": ("You have not opened a video on it yet.", "你还没有打开过讲解它的视频。"),
    "text": ("You have not opened a text on it yet.", "你还没有打开过讲解它的阅读材料。"),
    "exercise": ("You have not answered an exercise on it yet.", "你还没有做过考查它的练习。"),
    "mixed": ("You have not opened anything on it yet.", "你还没有打开过与它有关的内容。"),
}
AGAIN = {
    "video": ("What you watched already comes again", "看过的视频会再次出现"),
    "text": ("What you read already comes again", "读过的材料会再次出现"),
    "exercise": ("What you answered already comes again", "做过的练习会再次出现"),
    "mixed": ("What you did already comes again", "学过的内容会再次出现"),
}


@cache
def drawn_site(seed):
    """A course of up to nine items on up to four concepts, of kinds at random, or all of one."""
    rng = np.random.default_rng(seed)
    concepts = "abcd"[: int(rng.integers(2, 5))]
    of = KINDS if rng.random() < 0.6 else [str(rng.choice(KINDS))]
    n = int(rng.integers(3, 10))
    covers = [
        "".join(rng.choice(list(concepts), int(rng.choice([1, 1, 2])), replace=False))
        for _ in range(n)
    ]
    kinds = {f"A{k}": str(rng.choice(of)) for k in range(1, n + 1)}
    needs = "ab" if rng.random() < 0.5 else ""
    return site({"A": " ".join(covers)}, needs, kinds=kinds), kinds, covers


def happenings(kinds, rng):
    """What a learner did, in order: shares of videos and texts, scores of exercises."""
    events, shares, scores = [], {}, {}
    for time in range(int(rng.integers(0, 7))):
        item = str(rng.choice(list(kinds)))
        if kinds[item] == "exercise":
            score = float(rng.choice([0.0, 0.3, 0.6, 1.0]))
            scores[item] = max(score, scores.get(item, 0.0))
            events.append(answered(item, score, time=float(time)))
        else:
            share = float(rng.choice([0.4, 1.0]))
            shares[item] = max(share, shares.get(item, 0.0))
            events.append(watched(item, share, time=float(time)))
    return events, shares, scores


def one_kind(kinds):
    return next(iter(kinds)) if len(kinds) == 1 else "mixed"


def joined(parts, comma, last):
    return parts[0] if len(parts) == 1 else comma.join(parts[:-1]) + last + parts[-1]


def is_practised(kinds):
    """Whether all is answered: there what was right comes again until it was so in a row."""
    return set(kinds.values()) == {"exercise"}


def told_of(on, kinds, shares, scores, step, held, failed):
    """Each sentence on what was done, English and Chinese, that holds.

    `failed` of what was practised: whether any answer on it was wrong, were others right since.
    """
    mine = [scores[item] for item in on if item in scores]
    through = Counter(
        kinds[item] for item in on if max(shares.get(item, 0), scores.get(item, 0)) >= 0.8
    )
    first = step.resources[0]
    before = first.item_id in scores or shares.get(first.item_id, 0) >= 0.8
    wrong = []
    if mine and max(mine) < 0.8:
        if len(mine) == 1:
            wrong.append(("Your answer on it was not right yet", "你在它上面的作答还不正确"))
        else:
            wrong.append(("Your answers on it were not right yet", "你在它上面的作答都还不正确"))
    if (failed or any(score < 0.5 for score in mine)) and max(mine) >= 0.8:
        wrong.append(("Not all of your answers on it were right", "你在它上面的作答并不全对"))
    found = []
    for en, zh in wrong:
        if failed or min(mine) < 0.5:
            found.append(
                (f"{en}, so it comes again.", f"{zh}，因此再学一次。")
                if before
                else (
                    f"{en}, so another way to it comes first.",
                    f"{zh}，因此先换一种方式学习。",
                )
            )
    if held:
        found.append(("What you did shows that you hold it already.", "你的学习表明你已掌握它。"))
        return found
    if through:
        parts = [[k, through[k] > 1] for k in KINDS if through[k]]
        en = joined([COUNTED[k][many] for k, many in parts], ", ", " and ")
        zh = joined([COUNTED_ZH[k][many] for k, many in parts], "、", "和")
        found.append(
            (
                f"You {en} on it, and that does not show yet that you hold it.",
                f"你{zh}，但还不能说明你已掌握。",
            )
        )
    elif mine and max(mine) >= 0.5:
        found.append(
            (
                "You answered partly right on it, and that does not show yet that you hold it.",
                "你在它上面的作答部分正确，但还不能说明你已掌握。",
            )
        )
    elif any(item in shares for item in on):
        began = {kinds[item] for item in on if item in shares}
        if "video" in began:
            found.append(("You began a video on it.", "你开始看过一个讲解它的视频。"))
        else:
            found.append(("You began a text on it.", "你开始读过一份讲解它的阅读材料。"))
    elif not mine:
        found.append(NOTHING[one_kind({kinds[item] for item in on})])
    return found


def said_of(seed, turn, theta):
    """What a drawn learner is told on a drawn site, all of it held against what they did."""
    made, kinds, covers = drawn_site(seed)
    events, shares, scores = happenings(kinds, np.random.default_rng(turn))
    current = made.current(*events)
    said_of_it = set()
    plans = [
        made.planner.plan(
            "someone", "A", PlanOptions(length=9, theta=theta, language=language), current
        )
        for language in ("en", "zh")
    ]
    for english, chinese in zip(*(plan.steps for plan in plans), strict=True):
        concept = english.concept_id
        on = [f"A{k}" for k, each in enumerate(covers, start=1) if concept in each]
        held = english.terms.mastery >= theta and english.identified and bool(shares or scores)
        practised = is_practised(kinds)
        failed = practised and any(
            event.score is not None and event.score < 0.5 and event.item_id in on
            for event in events
        )
        told = told_of(on, kinds, shares, scores, english, held and not practised, failed)
        assert any(english.because.endswith(f". {en}") for en, _ in told), (english, told)
        assert any(chinese.because.endswith(f"。{zh}") for _, zh in told), (chinese, told)
        said_of_it |= {en for en, _ in told if english.because.endswith(en)}
        if english.because.startswith(f"{concept} is what you answered last."):
            last = max(events, key=lambda event: event.time)
            assert last.score is not None
            assert last.item_id in on
            assert chinese.because.startswith(f"你最近作答的正是{concept}。")
        for each in english.resources:
            assert each.kind == kinds[each.item_id]
            assert each.score == scores.get(each.item_id)
            through = shares.get(each.item_id, 0.0) >= 0.8
            assert each.again == (through or each.item_id in scores)
            left = 2.0 if each.again else 2.0 * (1 - shares.get(each.item_id, 0.0))
            assert abs(each.minutes - left) < 1e-9
    all_ = [each for step in plans[0].steps for each in step.resources]
    assert abs(plans[0].minutes - sum(max(each.minutes, 0.2) for each in all_)) < 1e-9
    again = {each.kind for each in all_ if each.again}
    for plan, place in zip(plans, (0, 1), strict=True):
        said = [each for each in AGAIN.values() if any(each[place] in note for note in plan.notes)]
        assert said == ([AGAIN[one_kind(again)]] if again else [])
    nothing = " or ".join(
        verb
        for kind, verb in (("video", "watched"), ("text", "read"), ("exercise", "answered"))
        if kind in {*kinds.values(), "exercise"}
    )
    nothing = re.sub(r"^(\w+) or (\w+) or", r"\1, \2 or", nothing)
    assert (f"Nothing that you {nothing} is known yet." in plans[0].notes) == (not events)
    return said_of_it


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 0.9]))
def test_what_a_step_says_holds_of_the_learner_and_of_the_kind(seed, turn, theta):
    said_of(seed, turn, theta)


def test_nearly_every_sentence_is_said_to_somebody():
    said = set[str]().union(*(said_of(turn % 31, turn, 0.9) for turn in range(150)))
    assert len(said) >= 15, sorted(said)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_exercises_come_behind_what_teaches_and_what_was_passed_is_gone(seed, turn):
    made, kinds, _ = drawn_site(seed)
    events, _, scores = happenings(kinds, np.random.default_rng(turn))
    plan = made.plan(*events)
    for step in plan.steps:
        asks = [each.kind == "exercise" for each in step.resources if not each.again]
        assert asks == sorted(asks)
        for each in step.resources:
            assert scores.get(each.item_id, 0.0) < 0.8 or is_practised(kinds)
    named = [each.item_id for step in plan.steps for each in step.resources]
    assert len(set(named)) == len(named)
    wrong = [event for event in events if event.score is not None and event.score < 0.5]
    if events and wrong and events[-1] is wrong[-1] and scores[wrong[-1].item_id] < 0.5:
        fresh = [each for each in plan.steps[:1] for each in each.resources if not each.again]
        on = {each.concept_id for each in plan.steps}
        assert named, (on, fresh)
        if named[0] == wrong[-1].item_id:  # nothing else was left on it
            assert not fresh
