"""`kgplan events`: what a file of events says, its loading, and what was refused."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.errors import ArtifactMissing
from kgplan.progress import Progress
from kgplan.settings import Settings, read_settings

if TYPE_CHECKING:
    from kgplan.api.checking import Account, Count, Kind
    from kgplan.api.event_files import Part
    from kgplan.planning.live import LiveModel
    from kgplan.store.events import EventStore

events = typer.Typer(
    help="Events of learners: what a file of them says, loading history, what was refused.",
    no_args_is_help=True,
)
SHOWN = 20  # rows of a table of ids or reasons

File = Annotated[
    Path,
    typer.Argument(
        help="xAPI statements or plain events as JSON lines or an array, Open edX's tracking.log,"
        " or CSV; each also as .gz.",
    ),
]


@events.command("check")
def check(file: File, as_json: AsJson = False) -> None:
    """What each kind of events in a file is understood as; nothing is stored.

    Lists what is read as an answer, a view, a position of the player or an enrolment, what says
    nothing, what is refused and why, each with how many and the first line; and the items and
    courses that the model in use, if any, does not know. `KGPLAN_ITEM_IDS` and `KGPLAN_HOME_PAGES`
    count as they do for the service: try a mapping here until nothing is unknown.

    CSV has a header with learner_id, item_id, time, and score or share. A time without a zone is of
    `KGPLAN_TIME_ZONE`.

    [bold]Examples:[/] kgplan events check statements.jsonl ·
    kgplan events check tracking.log.gz --json ·
    KGPLAN_ITEM_IDS='/clip/(\\d+) => V_\\1' kgplan events check statements.json
    """
    from kgplan.api.checking import account_of  # --help answers without the numerical libraries
    from kgplan.api.event_files import parts_of
    from kgplan.api.statements import StatementRules

    settings = read_settings()
    parts, rules = parts_of(file), StatementRules.of(settings)
    with progress_bar("events check") as told:
        seen = watched(parts, file, told)
        account = account_of(seen, time.time(), rules, model_in_use(settings))
    if as_json:
        print_json(account_as_json(account))
    else:
        show_account(account)


@events.command("load")
def load(
    file: File,
    processes: Annotated[
        int | None,
        typer.Option(help="Processes that read it; as many as cores if not given.", min=1),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Store a file's events in the learner records, as if they had been sent over HTTP.

    The same file again changes nothing, and a load that was stopped goes on where the command is
    given again: events have their own ids, or ids made of their content. What is refused is counted
    and becomes a dead letter (`kgplan events dead`). A running service knows the events at once.

    [bold]Examples:[/] kgplan events load history.jsonl.gz · kgplan events load tracking.log ·
    KGPLAN_TIME_ZONE=Europe/Paris kgplan events load answers.csv
    """
    from kgplan.api import history
    from kgplan.api.event_files import parts_of
    from kgplan.api.statements import StatementRules

    settings = read_settings()
    parts, rules = parts_of(file), StatementRules.of(settings)
    with records(settings) as store, progress_bar("events load") as told:
        loaded = history.load(file, store, rules, parts, processes, told)
    if as_json:
        print_json(asdict(loaded))
        return
    said = {
        "stored": loaded.stored,
        "stored before": loaded.repeated,
        "from before their learner was erased": loaded.erased,
        "passed over, as they say nothing of learning": loaded.passed,
        "refused": loaded.refused,
    }
    became = ", ".join(f"{number:,} {what}" for what, number in said.items() if number)
    say(f"{loaded.number:,} events: {became or 'none'}")
    if loaded.silent:
        say(f"{loaded.silent:,} of those stored say nothing about mastery")
    show_reasons(loaded.reasons)
    for line, why in loaded.first_refused:
        say(f"{file}:{line} {why}")
    if loaded.refused:
        say("those refused are kept: `kgplan events dead` lists them, `replay` tries them again")


@events.command("dead")
def dead(as_json: AsJson = False) -> None:
    """Events that were refused and are kept, by reason.

    They are kept within KGPLAN_DEAD_LETTER_BYTES and for KGPLAN_DEAD_LETTER_DAYS.

    [bold]Examples:[/] kgplan events dead · kgplan events dead --json
    """
    from kgplan.store.events import read_events

    store = read_events(read_settings().records_url)
    found = [] if store is None else store.dead_reasons()
    if store is not None:
        store.close()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    alike: dict[tuple[str, str, str], list[Any]] = {}
    for each in found:
        row = alike.setdefault((each.form, each.field, alike_of(each.reason)), [0, each.first, 0.0])
        row[0] += each.number
        row[1:] = min(row[1], each.first), max(row[2], each.last)
    rows = [
        (*kind, number, moment(first), moment(last))
        for kind, (number, first, last) in sorted(alike.items(), key=lambda each: -each[1][0])
    ]
    headings = ("form", "field", "reason", "number", "first (UTC)", "last (UTC)")
    console.print(table("events that were refused", headings, rows))


@events.command("replay")
def replay(as_json: AsJson = False) -> None:
    """Send the events that were refused through the same door again, and drop those it takes.

    To be run after what they were refused for was mended: ids, a version of kgplan, a clock.

    [bold]Examples:[/] kgplan events replay · kgplan events replay --json
    """
    from kgplan.api import history
    from kgplan.api.statements import StatementRules

    settings = read_settings()
    rules = StatementRules.of(settings)
    with records(settings) as store, progress_bar("events replay") as told:
        done = history.replay(store, rules, told)
    if as_json:
        print_json(asdict(done))
        return
    say(f"{done.taken:,} taken, {done.refused:,} refused again")
    show_reasons(done.reasons)


def watched(parts: "Iterator[Part]", file: Path, told: Progress) -> "Iterator[Part]":
    """The parts of a file, each told of."""
    total = file.stat().st_size if file.is_file() else None
    for part in parts:
        told("bytes", part.read, total)
        yield part


@contextmanager
def records(settings: Settings) -> "Iterator[EventStore]":
    """The learner records, to write to, as the service opens them."""
    from kgplan.store.events import open_events
    from kgplan.store.events.dead import DeadLimits

    limits = DeadLimits.of(settings)
    store = open_events(settings.records_url, settings.history_bytes, dead_limits=limits)
    try:
        yield store
    finally:
        store.close()


def model_in_use(settings: Settings) -> "LiveModel | None":
    """What knows items and courses; None where no model was made yet."""
    from kgplan.model.opening import open_mastery, open_records
    from kgplan.planning.live import LiveModel
    from kgplan.store.artifacts import ArtifactStore

    artifacts = ArtifactStore(settings.artifacts)
    try:
        known, source = open_records(artifacts)
        return LiveModel(known, open_mastery(artifacts.current("diagnosis"), source.version))
    except ArtifactMissing:
        return None


def account_as_json(account: "Account") -> dict[str, Any]:
    """An account as JSON tells it."""

    def kinds(counts: "dict[Kind, Count]") -> list[dict[str, Any]]:
        return [asdict(kind) | asdict(count) for kind, count in counts.items()]

    def ids(counts: "dict[str, Count]") -> list[dict[str, Any]]:
        return [{"id": name} | asdict(count) for name, count in counts.items()]

    known = account.compared
    return {
        "number": account.number,
        "silent": account.silent,
        "understood": kinds(account.said),
        "refused": kinds(account.refused),
        "unknown": {"items": ids(account.unknown_items), "courses": ids(account.unknown_courses)}
        if known
        else None,
    }


def show_account(account: "Account") -> None:
    """An account for people."""
    n_refused = sum(each.number for each in account.refused.values())
    say(f"{account.number:,} events: {account.silent:,} say nothing, {n_refused:,} are refused")
    headings = ("verb or type", "object", "named", "number", "first line")
    for title, counts in (("understood as", account.said), ("refused, because", account.refused)):
        rows = [
            (
                kind.meaning,
                kind.verb.rpartition("/")[2] or kind.verb,
                kind.object_type,
                kind.name,
                each.number,
                each.first_line,
            )
            for kind, each in sorted(counts.items(), key=lambda row: -row[1].number)
        ]
        if rows:
            console.print(table(title, (title, *headings), rows))
    if not account.compared:
        say("no model is in use, so nobody can tell which items and courses are known")
        return
    for what, unknown in (("items", account.unknown_items), ("courses", account.unknown_courses)):
        if unknown:
            most = sorted(unknown.items(), key=lambda row: -row[1].number)[:SHOWN]
            found = [(name, each.number, each.first_line) for name, each in most]
            title = f"{what} that the model does not know: {len(unknown):,}"
            console.print(table(title, ("id", "events", "first line"), found))
    if account.unknown_items or account.unknown_courses:
        say("KGPLAN_ITEM_IDS says what a platform's ids stand for")


def alike_of(reason: str) -> str:
    """A reason without the values that differ from one event to the next.

    >>> alike_of("is 'abc', not a UUID"), alike_of("is 1.5; give a number in [-1, 1]")
    ('is …, not a UUID', 'is …; give a number in [-1, 1]')
    """
    return re.sub(r"'[^']*'|(?<=is )[-+\d.e]+", "…", reason)


def show_reasons(reasons: Mapping[str, int]) -> None:
    """Why events were refused, the most frequent reason first."""
    alike: Counter[str] = Counter()
    for why, number in reasons.items():
        alike[alike_of(why)] += number
    if alike:
        rows = [(why, number) for why, number in alike.most_common(SHOWN)]
        console.print(table("refused", ("because", "number"), rows))


def moment(seconds: float) -> str:
    """A time as a table shows it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")[:19]


def say(text: str) -> None:
    """A sentence, as it is."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)
