"""`kgplan adjust`: the rules by which plans adjust themselves, and what they would have done."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, errors, print_json, progress_bar, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kgplan.data.events import Event
    from kgplan.evaluation.adjusting import Followed, Replayed
    from kgplan.evaluation.planted import Planted
    from kgplan.progress import Progress
    from kgplan.settings import Settings

adjust = typer.Typer(
    help="Rules by which plans adjust themselves: print them, try them on a history.",
    no_args_is_help=True,
)
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="File of rules; the usual ones if not given.")
]


@adjust.command("rules")
def rules(file: RulesFile = None) -> None:
    """Print the rules as a file, every number with its unit and bounds.

    Change a copy and give it to `kgplan adjust replay --rules`; what it leaves out is as usual.

    [bold]Examples:[/] kgplan adjust rules · kgplan adjust rules > ours.toml
    """
    from kgplan.adjusting import read_rules, rules_text, usual_rules

    print(rules_text(usual_rules() if file is None else read_rules(file)), end="")


@adjust.command("tick")
def tick(as_json: AsJson = False) -> None:
    """Make the looks at running plans that are due now, and end.

    For cron, every few minutes, where the service is not to do it (KGPLAN_ADJUST). Both at once,
    several of them, or one that was killed, lose no look and make none twice.

    [bold]Examples:[/] kgplan adjust tick · kgplan adjust tick --json
    """
    from dataclasses import asdict

    from kgplan.api.adjuster import look_at_all
    from kgplan.api.service import rules_of
    from kgplan.model.current import CurrentLearners
    from kgplan.model.opening import open_planner
    from kgplan.model.running import RunningPlans
    from kgplan.settings import read_settings
    from kgplan.store.events import open_events

    settings = read_settings()
    rules, planner = rules_of(settings), open_planner(settings)
    store = open_events(settings.records_url, settings.history_bytes)
    try:
        runs = RunningPlans(CurrentLearners(store, settings.kept_learners), rules)
        done = look_at_all(runs, lambda: planner)
    finally:
        store.close()
    if as_json:
        print_json(asdict(done))
        return
    console.print(
        f"{done.looks:,} looks at {done.plans:,} running plans: {done.changes:,} changes",
        highlight=False,
    )


@adjust.command("replay")
def replay(
    events: Annotated[
        Path | None,
        typer.Argument(help="File of events; the history of the records in use if not given."),
    ] = None,
    file: RulesFile = None,
    learners: Annotated[
        int | None,
        typer.Option(
            help="Those with most events, or planted of each kind; else all, or 100.", min=1
        ),
    ] = None,
    weekly: Annotated[
        float, typer.Option(help="Minutes a week that are wanted of everybody.", min=1, max=10_080)
    ] = 60.0,
    planted: Annotated[
        bool,
        typer.Option("--planted", help="Simulated learners with planted trouble in their place."),
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Of the bootstrap, and of planted learners.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """What rules would have done to learners' plans, and whether they tell in time who breaks off.

    Each learner's plan is the course in its own order. Counts changes, how many a rule takes back
    within 24 hours, and alerts; and holds states against breaks of 7 days and views broken off,
    beside chance and one threshold. What learners would have made of it no replay can show.

    [bold]Examples:[/] kgplan adjust replay · kgplan adjust replay --rules ours.toml --json ·
    kgplan adjust replay tracking.log.gz --weekly 120 · kgplan adjust replay --planted
    """
    from kgplan.adjusting import read_rules, usual_rules
    from kgplan.errors import ConfigError
    from kgplan.settings import read_settings

    tried = usual_rules() if file is None else read_rules(file)
    if planted and events is not None:
        raise ConfigError(f"--planted simulates learners, and {str(events)!r} has others; give one")
    with progress_bar("adjust replay") as told:
        if planted:
            from kgplan.evaluation.planted import plant

            found = plant(tried, learners or 100, seed=seed, progress=told)
            if as_json:
                print_json({"rules": tried.version, "planted": [each.to_dict() for each in found]})
                return
        else:
            from kgplan.evaluation.adjusting import replay as replayed

            given = histories_of(read_settings(), events, weekly, learners, told)
            done = replayed(given, tried, seed, told)
            if as_json:
                print_json(done.to_dict())
                return
    if planted:
        show_planted(found)
    else:
        show(done)


def histories_of(
    settings: "Settings", file: Path | None, weekly: float, most: int | None, told: "Progress"
) -> "list[Followed]":
    """The plans that are replayed.

    Raises:
        InputError: there is no event with a time.
    """
    from kgplan.errors import ArtifactMissing, InputError
    from kgplan.pipeline.adjusting import Courses, courses_of, events_of, histories, tables_in_use
    from kgplan.store.artifacts import ArtifactStore

    artifacts = ArtifactStore(settings.artifacts)
    if file is None:
        tables = tables_in_use(artifacts)
        found = histories(events_of(tables), courses_of(tables), weekly, most)
    else:
        try:
            courses = courses_of(artifacts.current("tables"))
        except ArtifactMissing:
            courses = Courses()
        found = histories(in_file(settings, file, told), courses, weekly, most)
    if not found:
        raise InputError(
            "there is no view and no answer with a time to replay; give a file of events"
        )
    return found


def in_file(settings: "Settings", file: Path, told: "Progress") -> "Iterator[Event]":
    """Events of a file that are taken; what is refused is what `kgplan events check` tells of."""
    import time

    from kgplan.api.event_files import found_in, parts_of
    from kgplan.api.forms import sent_as
    from kgplan.api.statements import StatementRules
    from kgplan.errors import MalformedStatement

    rules, refused = StatementRules.of(settings), 0
    total = file.stat().st_size if file.is_file() else None
    for part in parts_of(file):
        told("bytes", part.read, total)
        for each in found_in(part, rules.zone):
            try:
                if each.fault is not None or each.form == "line":
                    raise each.fault or MalformedStatement("line", "is no event")
                sent = sent_as(each.form, each.content, time.time(), rules, rules.owners)
            except MalformedStatement:
                refused += 1
                continue
            if not isinstance(sent, str):
                yield sent.event
    if refused:
        errors.print(
            f"{refused:,} of the events are refused;"
            f" `kgplan events check {escape(str(file))}` says why",
            highlight=False,
            soft_wrap=True,
        )


def show(done: "Replayed") -> None:
    """A replay in tables."""
    console.print(
        f"{done.learners:,} learners, {done.plans:,} plans, {done.events:,} events,"
        f" {done.ticks:,} looks, {done.hours:,.0f} hours in sessions; rules {done.rules}",
        highlight=False,
        soft_wrap=True,
    )
    rows: Sequence[tuple[object, ...]] = done.changes
    headings = ("rule", "change", "", "only suggested, because", "number")
    console.print(table("changes", headings, rows))
    console.print(
        f"{done.made_an_hour:.3f} changes an hour, {done.reversed:,} taken back within 24 hours;"
        f" {done.alerts_a_week:.3f} alerts a plan and week",
        highlight=False,
        soft_wrap=True,
    )
    rows = [
        (
            each.warning,
            f"{each.base:.3f} / {each.warned:.3f}",
            " / ".join("-" if x is None else f"{x:.3f}" for x in (each.precision, each.recall)),
            "" if each.gain is None else "{:+.3f} ({:+.3f} to {:+.3f})".format(*each.gain),
            "" if each.lead is None else f"{each.lead:.1f}",
        )
        for each in done.warned
    ]
    headings = ("warning", "came / warned", "precision / recall", "over chance", "hours before")
    for outcome in dict.fromkeys(each.outcome for each in done.warned):
        own = [row for row, each in zip(rows, done.warned, strict=True) if each.outcome == outcome]
        console.print(table(outcome, headings, own))
    console.print(
        table(
            "flicker",
            ("by the mean unwatched share of 3 views", "begins and ends", "back within 24 h"),
            [(each.rule, each.changes, each.reversed) for each in done.flicker],
        )
    )


def show_planted(found: "Sequence[Planted]") -> None:
    """What was noticed, in a table."""
    rows = [
        (
            each.trouble,
            each.learners,
            f"{each.noticed:.2f}",
            "" if each.delay is None else f"{each.delay:.1f}",
            "" if each.late is None else f"{each.late:.1f}",
            f"{each.false_alarms:.3f}",
            f"{each.quiet:.2f}",
        )
        for each in found
    ]
    headings = (
        *("trouble", "learners", "noticed", "after hours", "nine of ten after"),
        *("false alarms a week", "never named"),
    )
    console.print(table("planted trouble", headings, rows))
