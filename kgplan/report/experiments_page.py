"""What do all experiments together say? One page of sentences, each from figures that were saved.

A claim holds, does not hold, or is left open, as its interval says: figures are told apart where
the 95 % interval of their difference leaves out 0, a goal is reached where the whole interval does.
Read are the JSON files of `COMMANDS`; of what was not measured, the page says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Saved = Mapping[str, Any]

COMMANDS = {
    "kg-plppm": "kgplan paper kg-plppm",
    "simulators": "make simulate",
    "followed": "kgplan experiment followed",
    "calibration": "kgplan diagnose calibrate",
}
"""What each file is saved by."""
PAGES = {
    "kg-plppm": "kg-plppm.md",
    "simulators": "simulators.md",
    "followed": "followed.md",
    "calibration": "../research/diagnosis.md#calibration",
}
"""Where its figures are to be read, from the folder of the files."""

ALGORITHM_1, RULE_A = "KG-PLPPM, our planner", "KG-PLPPM, rule A"
SERVED = "our default planner"
OURS = {
    "passes": "Repeated passes",
    "passes-tried": "Repeated passes, tried on other learners",
    "gain": "The planner that is served",
    "dqn": "A policy learned from rewards (DQN)",
    "ppo": "A policy learned from rewards (PPO)",
}
"""Contestants that the page speaks of."""
NAMES = {
    ALGORITHM_1: "Algorithm 1 of KG-PLPPM",
    SERVED: "The planner that is served",
    f"{SERVED}, mastered from .95": "The planner that is served, for a mastery of .95,",
}
"""Rows of the tables, as people say."""
MOST_GOALS = {"auc": 0.915, "brier": -0.075, "ece": -0.015}
"""What the diagnosis is to reach; with a minus, what it is not to pass."""
FIGURES = {"auc": "AUC", "brier": "Brier score", "ece": "calibration error"}
UNTOLD = "are not told apart from"
CLOSE = 0.05  # sequence degrees that are no further apart are called close
FEWEST_PAIRS = 100  # of learners, behind what is called more than a hint


@dataclass(frozen=True)
class Said:
    """A sentence that figures give.

    Attributes:
        holds: whether what it claims does; None where the figures leave it open.
        text: the sentence, in Markdown.
        command: that made the figures.
    """

    holds: bool | None
    text: str
    command: str


def page(saved: Mapping[str, Saved], folder: str = "experiments") -> str:
    """The page in Markdown.

    Args:
        saved: of `COMMANDS`, what was saved; what is not there was not measured.
        folder: where the pages of figures are, seen from this one.

    Raises:
        LookupError, TypeError: a file holds something else.
    """
    said = {name: list(_SENTENCES[name](saved[name])) for name in COMMANDS if name in saved}
    lines = [
        "# Experiments, in plain words",
        "",
        "<!-- made by `kgplan experiment page`; do not edit -->",
        "",
        "What holds, what does not, and what is open, by the figures that the experiments saved."
        " A claim holds where its whole 95 % interval is on that side.",
        "",
    ]
    for title, holds in (
        ("What holds", True), ("What does not hold", False), ("What the figures leave open", None)
    ):  # fmt: skip
        lines += [f"## {title}", ""]
        found = [(name, each) for name in said for each in said[name] if each.holds is holds]
        lines += [f"- {each.text} {_source(name, each, folder)}" for name, each in found]
        lines += [] if found else ["Nothing."]
        lines.append("")
    lines += [
        "## What nobody knows",
        "",
        "- Whether real learners learn more with a plan: nobody of the data was planned for. Only a"
        " trial with learners can tell: [try it on yours](guide/experiments.md).",
        "- Whether real learners grow, answer or leave as any of the simulators says.",
    ]
    lines += [
        f"- What `{command}` would say: it has not been run."
        for name, command in COMMANDS.items()
        if name not in saved
    ]
    return "\n".join([*lines, ""])


def _source(name: str, each: Said, folder: str) -> str:
    return f"([figures]({folder}/{PAGES[name]}); `{each.command}`)".replace(f"{folder}/../", "")


# ---------------------------------------------------------------- intervals


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def above(self) -> bool | None:
        """Whether it is above 0; None where its interval holds 0."""
        return None if self.low <= 0 <= self.high else self.low > 0

    def reaches(self, goal: float) -> bool | None:
        """Whether all of it is at the goal or above; None where the goal is inside it."""
        return True if self.low >= goal else None if self.high >= goal else False

    def told(self, digits: int = 2, sign: bool = False) -> str:
        """Value and ends as text.

        >>> Interval(0.25, 0.2, 0.3).told()
        '0.25 [0.20, 0.30]'
        """
        mark = "+" if sign else ""
        value, low, high = (f"{x:{mark}z.{digits}f}" for x in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def _of_mean(found: Saved) -> Interval:
    """Of a mean and half of its interval; one without an interval leaves everything open."""
    half = found["half"] if found["half"] is not None else float("inf")
    return Interval(found["mean"], found["mean"] - half, found["mean"] + half)


def _named(row: str) -> str:
    """A row within a sentence.

    >>> _named("our default planner"), _named("random")
    ('the planner that is served', 'random')
    """
    name = NAMES.get(row, row).strip(",")
    return name.replace("The ", "the ", 1) if name.startswith("The ") else name


def _as(holds: bool | None, yes: str, no: str, level: str = "") -> str:
    """The words for a claim that holds, that does not, or that is left open."""
    return level if holds is None else yes if holds else no


def _all_of(found: Sequence[bool | None]) -> bool | None:
    """True where all are; False where any is not; else open."""
    return False if False in found else None if None in found else True


def _listed(texts: Iterable[str]) -> str:
    """Texts with commas, the last with "and".

    >>> _listed(["a", "b", "c"])
    'a, b and c'
    """
    some = list(texts)
    return " and ".join(filter(None, (", ".join(some[:-1]), *some[-1:])))


# ---------------------------------------------------------------- the paper


def _of_paper(saved: Saved) -> Iterator[Said]:
    cells: dict[str, dict[str, list[Saved]]] = {}
    for table in saved["tables"]:
        rows = cells.setdefault(table["name"], {})
        for cell in table["cells"]:
            rows.setdefault(cell["row"], []).append({**cell, "goal": table["goal"]})
    command = f"{COMMANDS['kg-plppm']}"
    for told in (_degree, _ceiling, _efficiency, _goal, _rivals, _order):
        for holds, text in told(cells):
            yield Said(holds, text, command)


Cells = Mapping[str, Mapping[str, Sequence[Saved]]]
Claims = Iterator[tuple[bool | None, str]]


def _interval(cell: Saved) -> Interval:
    return Interval(cell["value"], cell["low"], cell["high"])


def _published(cell: Saved) -> bool:
    return bool(cell["low"] <= cell["published"] <= cell["high"])


def _degree(cells: Cells) -> Claims:
    """Is the first table made again, and what does its figure count?"""
    row = cells.get("1", {}).get(RULE_A)
    if row:
        gaps = [abs(cell["value"] - cell["published"]) for cell in row]
        inside = sum(map(_published, row))
        same = inside == len(row)
        yield (
            same,
            f"Table 1 of KG-PLPPM is {_as(same, '', 'not ')}made again: {inside} of {len(row)}"
            f" published sequence degrees lie in our intervals ({row[0]['value']:.3f} to"
            f" {row[-1]['value']:.3f}, published {row[0]['published']:.3f} to"
            f" {row[-1]['published']:.3f}; {sum(gaps) / len(gaps):.3f} apart on average,"
            f" {max(gaps):.3f} at most), where Algorithm 1 is read so that each concept starts a"
            " walk of its own.",
        )
    why = {cell["column"]: cell["value"] for cell in cells.get("1-why", {}).get(RULE_A, ())}
    if {"degree", "by walks", "hits in cycles"} <= set(why):
        more = abs(why["degree"] - why["by walks"]) > CLOSE
        yield (
            more,
            f"Its sequence degree says {_as(more, '', 'little ')}more than how many walks a path"
            f" has: it is {why['degree']:.3f}, the share of neighbours of one walk"
            f" {why['by walks']:.3f}, and {why['hits in cycles']:.0%} of its hits join concepts"
            " of one cycle.",
        )


def _ceiling(cells: Cells) -> Claims:
    """Who has a degree that no valid path can have?"""
    rows = cells.get("1-ceiling", {})
    columns = [cell["column"] for cell in next(iter(rows.values()), ())]
    for place, column in enumerate(columns):
        at_most = f"{column}, at most"
        if at_most not in columns:
            continue
        bound = next(iter(rows.values()))[columns.index(at_most)]
        found = [(name, row[place]) for name, row in rows.items()]
        above = [name for name, cell in found if (cell["low"] or 0) > bound["value"]]
        degrees = [f"{n} {c['value']:.3f}" for n, c in found if c["value"] is not None]
        yield (
            not above,
            f"{_listed(above) or 'No path'} of {column} has a higher sequence degree than a valid"
            f" path can have, {_interval(bound).told(3)} in the mean: {_listed(degrees)}.",
        )


def _efficiency(cells: Cells) -> Claims:
    row = cells.get("2", {}).get(ALGORITHM_1)
    if row:
        inside = sum(map(_published, row))
        same = inside == len(row)
        yield (
            same,
            f"Table 2 of KG-PLPPM is {_as(same, '', 'not ')}made again: {inside} of {len(row)}"
            f" published learning efficiencies lie in our intervals (at {row[0]['column']} we find"
            f" {_interval(row[0]).told(1)}, published {row[0]['published']:.1f}).",
        )


def _goal(cells: Cells) -> Claims:
    """Does a plan bring one and a half times what learners did by themselves?"""
    rows = cells.get("gain", {})
    for name, row in rows.items():
        if name.startswith(SERVED) or name == ALGORITHM_1:
            found, goal = _interval(row[0]), row[0]["goal"]
            met = found.reaches(goal)
            yield (
                met,
                f"The goal of {goal:g} times what learners gain in their own order, in the same"
                f" minutes, is {_as(met, 'reached', 'missed', 'neither reached nor missed')} by"
                f" {_named(name)}: {found.told()} times at {row[0]['column']} of the course.",
            )
    if rows:
        best = max(rows, key=lambda name: rows[name][0]["value"])
        ours = best.startswith(SERVED)
        yield (
            ours,
            f"{_as(ours, 'Nothing brings', 'Something brings')} more in the mean than what is"
            f" served: the highest ratio is {_interval(rows[best][0]).told()}, of {_named(best)}.",
        )


def _rivals(cells: Cells) -> Claims:
    for table, rival in (("gain-random", "a random order"), ("gain-shortest", "short videos")):
        for name, row in cells.get(table, {}).items():
            if not name.startswith(SERVED) and name != ALGORITHM_1:
                continue
            found = [_interval(cell) for cell in row]
            won, lost = (sum(each.above is wanted for each in found) for wanted in (True, False))
            verdict = found[0].above
            yield (
                verdict,
                f"{NAMES.get(name, name)}"
                f" {_as(verdict, 'brings more than', 'brings less than', 'is not told apart from')}"
                f" {rival} in the same minutes, to the same learners: the difference of"
                f" gain ratios is {found[0].told(sign=True)} at {row[0]['column']};"
                f" of {len(row)} cells {won} are won, {len(row) - won - lost} level, {lost} lost.",
            )


def _order(cells: Cells) -> Claims:
    for name, row in cells.get("plans", {}).items():
        if name in (SERVED, ALGORITHM_1):
            of = {cell["column"]: cell for cell in row}
            later, out = of["needed later"], of["outside the course"]
            kept = later["value"] == 0
            words = _as(kept, "no step before what it needs", "some steps before what they need")
            yield (
                kept,
                f"{NAMES.get(name, name)} puts {words}: {later['value']:.1%} of ten steps have a"
                f" prerequisite behind them (cycles left out), {out['value']:.0%} lie outside the"
                f" course, {of['mastery from theta']['value']:.0%} have a mastery from .5 on"
                f" already, {of['stay']['value']:.0%} stay when one video is watched.",
            )


# ---------------------------------------------------------------- simulators


def _of_simulators(saved: Saved) -> Iterator[Said]:
    runs = saved["runs"]
    plain = [run for run in runs if not run["sweep"] and not _gated(run)]
    for contestant in OURS:
        yield from _against_random_goals(contestant, plain)
    yield from _highest(plain)
    for run in runs:
        if run["sweep"]:
            yield from _along(run)
        elif _gated(run):
            for result in _last(run):
                if result["contestant"] == "passes":
                    yield _gate(run, result)
    for run in runs:
        yield from _training(run)
        for told in run["told"]:
            if "log-likelihood" in told:
                yield _fit(told, run)


def _last(run: Saved) -> list[Saved]:
    """What was found with the most steps."""
    most = max(each["steps"] for each in run["results"])
    return [each for each in run["results"] if each["steps"] == most]


def _gated(run: Saved) -> bool:
    return any("local True" in each["setting"] for each in run["results"])


def _simulate(run: Saved) -> str:
    return f"kgplan simulate {run['arguments']}"


def _against_random_goals(contestant: str, runs: Sequence[Saved]) -> Iterator[Said]:
    """Is a contestant above random goals, in every world it taught in?"""
    found = [
        (run["title"], each, _of_mean(each["gap"]))
        for run in runs
        for each in _last(run)
        if each["contestant"] == contestant and each["gap"] is not None
    ]
    if not found:
        return
    parts = []
    for words, wanted in (("further", True), ("level", None), ("less far", False)):
        some = [
            f"*{title}* ({each['effect']['mean']:.2f}, {gap.value:+.2f})"
            for title, each, gap in found
            if gap.above is wanted
        ]
        parts += [f"{words} on {_listed(some)}"] if some else []
    steps = max(each["steps"] for _, each, _ in found)
    everywhere = _all_of([gap.above for *_, gap in found])
    words = _as(everywhere, "everywhere further", "not everywhere as far", "nowhere less far")
    yield Said(
        everywhere,
        f"{OURS[contestant]} (`{contestant}`): simulated learners come {words} than by random"
        f" goals, at {steps} steps: {'; '.join(parts)}.".replace("as far than", "as far as"),
        COMMANDS["simulators"],
    )


def _highest(runs: Sequence[Saved]) -> Iterator[Said]:
    """Who brings learners furthest, of those who see no truth?"""
    best = []
    for run in runs:
        blind = [each for each in _last(run) if not each["sees_truth"]]
        first = max(blind, key=lambda each: each["effect"]["mean"])
        best.append((run["title"], first))
    ours = all(each["contestant"].startswith("passes") for _, each in best)
    if best:
        told = [f"*{t}* `{e['contestant']}` {e['effect']['mean']:.2f}" for t, e in best]
        yield Said(
            ours,
            f"Repeated passes are {_as(ours, '', 'not ')}everywhere what brings simulated learners"
            f" furthest in the mean: {_listed(told)}.",
            COMMANDS["simulators"],
        )


def _along(run: Saved) -> Iterator[Said]:
    """Does the lead stay while a setting gets worse?"""
    setting, values = run["sweep"]["setting"], run["sweep"]["values"]
    most = max(each["steps"] for each in run["results"])
    for contestant in ("passes", "passes-tried"):
        gaps, effects = [], []
        for value in values:
            for each in run["results"]:
                if (
                    each["contestant"] == contestant
                    and each["steps"] == most
                    and each["gap"] is not None
                    and f"{setting} {value}" in each["setting"].split(", ")
                ):
                    gaps.append((value, _of_mean(each["gap"])))
                    effects.append(each["effect"]["mean"])
        if not gaps:
            continue
        verdicts = [gap.above for _, gap in gaps]
        parts = []
        for words, wanted in (("level with them", None), ("below them", False)):
            some = [f"{value:g}" for value, gap in gaps if gap.above is wanted]
            parts += [f"{words} at {_listed(some)}"] if some else []
        areas = [each[contestant] for each in run["areas"].values() if contestant in each]
        below = f", area under it {areas[0]:.3f}" if areas else ""
        stays = _all_of(verdicts)
        words = _as(stays, "stays above", "falls below", "does not fall below")
        yield Said(
            stays,
            f"*{run['title']}*: `{contestant}` {words} random goals with `{setting}` from"
            f" {values[0]:g} to {values[-1]:g} at {most} steps"
            f" ({' '.join(f'{e:.2f}' for e in effects)}{below}){''.join(f'; {p}' for p in parts)}.",
            _simulate(run),
        )


def _gate(run: Saved, result: Saved) -> Said:
    gap = _of_mean(result["gap"])
    words = _as(gap.above, "come further than", "come less far than", UNTOLD)
    return Said(
        gap.above,
        f"*{run['title']}* (EduSim's gate, held apart from the rest): learners of `passes`"
        f" {words} those of random goals: {result['effect']['mean']:.2f}, {gap.told(sign=True)} at"
        f" {result['steps']} steps.",
        _simulate(run),
    )


def _training(run: Saved) -> Iterator[Said]:
    """Is what was learned from rewards worth its training?"""
    last = {each["contestant"]: each for each in _last(run)}
    trained = [last[name] for name in ("dqn", "ppo") if name in last]
    if not trained or "passes" not in last:
        return
    passes = last["passes"]
    best = max(trained, key=lambda each: each["effect"]["mean"])
    ours, theirs = _of_mean(passes["effect"]), _of_mean(best["effect"])
    apart = None if ours.low <= theirs.high and theirs.low <= ours.high else ours.low > theirs.high
    cost = _listed(
        f"`{each['contestant']}` {each['making'] / each['seeds']:.0f} s" for each in trained
    )
    yield Said(
        apart,
        f"*{run['title']}*: learners of `passes`, which are not trained,"
        f" {_as(apart, 'come further than', 'come less far than', UNTOLD)} those of the better"
        f" policy learned from rewards: {ours.value:.2f} and {theirs.value:.2f}"
        f" (`{best['contestant']}`); training took {cost} of one processor for each seed.",
        _simulate(run),
    )


def _fit(told: str, run: Saved) -> Said:
    """A simulator that was fitted to data says how likely others' data are."""
    said, plain = _numbers_behind(told, "log-likelihood of")
    more = said > plain
    return Said(
        more,
        f"*{run['title']}*: the simulator says {_as(more, 'more', 'no more')} of learners who were"
        f" held out than a plain rule does, in nats: {said:.3f} and {plain:.3f}.",
        _simulate(run),
    )


def _numbers_behind(text: str, words: str) -> tuple[float, float]:
    """The next two numbers behind some words.

    >>> _numbers_behind("mean log-likelihood of -0.5 nats, -0.6 by", "likelihood of")
    (-0.5, -0.6)
    """
    found = []
    for word in text.partition(words)[2].split():
        try:
            found.append(float(word.strip(",;")))
        except ValueError:
            continue
    return found[0], found[1]


# ---------------------------------------------------------------- looking back, and mastery


def _of_followed(saved: Saved) -> Iterator[Said]:
    command = saved["made"]["command"].strip("`")
    titles = (
        "Learners who did what a plan would have said",
        "Learners who went on in the course's order, which needs no plan,",
        "Of learners alike in staying in the course, those who did what a plan would have said",
        "Of learners alike in going on in order, those who did what a plan would have said",
    )
    for title, each in zip(titles, saved["comparisons"], strict=True):
        first = each["differences"][0]
        if first["low"] is None:
            text = f"{title}: {each['pairs']} pairs do not say whether they went further."
            yield Said(None, text, command)
            continue
        found = Interval(first["difference"], first["low"], first["high"])
        few = each["pairs"] < FEWEST_PAIRS
        words = _as(found.above, "went further than", "went less far than", UNTOLD)
        doubt = ", too few to build on" if few else ""
        yield Said(
            None if few else found.above,
            f"{title} {words} others like them (no trial): {found.told(1, sign=True)}"
            f" {first['outcome']}, by {each['pairs']} pairs{doubt}.",
            command,
        )
    (no_no, no_yes), (yes_no, yes_yes) = saved["both"]
    apart = no_yes + yes_no
    of = apart + no_no + yes_yes
    other = apart > of / 2
    yield Said(
        other,
        f"To follow a plan is {_as(other, 'something else than', 'mostly the same as')} to go on in"
        f" the course's order: {apart} of {of} learners did one without the other.",
        command,
    )


def _of_calibration(saved: Saved) -> Iterator[Said]:
    command = saved["made"]["command"]
    methods = {each["name"]: each for each in saved["methods"]}
    served = next(each for each in saved["methods"] if each["served"])
    for name, goal in MOST_GOALS.items():
        value, low, high = served[name]
        found = Interval(value, low, high)
        turned = Interval(-value, -high, -low) if goal < 0 else found
        met, words = turned.reaches(goal), "at most" if goal < 0 else "at least"
        yield Said(
            met,
            f"Mastery, by views that were held back: the {FIGURES[name]} wanted, {words}"
            f" {abs(goal):g}, is {_as(met, 'reached', 'missed', 'neither reached nor missed')} with"
            f" {found.told(3)}.",
            command,
        )
    for name, words in (
        ("V-DINA", "V-DINA as it was published"),
        ("attendance alone", "attendance alone, without any concept"),
    ):
        if name not in methods:
            continue
        ours, theirs = Interval(*served["auc"]), Interval(*methods[name]["auc"])
        apart = None if ours.low <= theirs.high else True
        if theirs.low > ours.high:
            apart = False
        yield Said(
            apart,
            f"What is served orders held-back views"
            f" {_as(apart, 'better than', 'worse than', 'as well as, as far as can be told,')}"
            f" {words}: AUC"
            f" {ours.told(3)}, {theirs.told(3)}.",
            command,
        )


_SENTENCES = {
    "kg-plppm": _of_paper,
    "simulators": _of_simulators,
    "followed": _of_followed,
    "calibration": _of_calibration,
}
