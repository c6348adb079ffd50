"""`kgplan experiment`: who gets which planner, and which does better."""

import re
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table, write_json
from kgplan.errors import ConfigError, InputError
from kgplan.settings import Settings, read_settings
from kgplan.store.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgplan.evaluation.trial import Contrast, Reading
    from kgplan.planning.experiment import Experiment

experiment = typer.Typer(
    help="Trials: which learner gets which planner, and which planner does better.",
    no_args_is_help=True,
)
File = Annotated[
    Path | None,
    typer.Option("--experiment", help="File of the experiment; KGPLAN_EXPERIMENT if not given."),
]


@experiment.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="TOML file to write.")],
    planners: Annotated[
        list[str] | None,
        typer.Argument(help="A planner for each arm; the first is compared with."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the experiment; the file's name if not given.")
    ] = None,
) -> None:
    """Write the file of an experiment, with a draw of its own, to be read and changed before it.

    [bold]Examples:[/] kgplan experiment new trial.toml · kgplan experiment new spring.toml
    popularity kg-plppm gain
    """
    from kgplan.model.experiments import new_experiment, read_experiment

    if file.exists():
        raise ConfigError(
            f"{str(file)!r} is there already, and another salt would draw again; name another file"
        )
    called = name or re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(new_experiment(called, planners or ["popularity", "gain"]), encoding="utf-8")
    try:
        read_experiment(file)
    except ConfigError:
        file.unlink()
        raise
    console.print(
        f"{escape(str(file))}; read it, change what is to decide, then set KGPLAN_EXPERIMENT to it",
        highlight=False,
        soft_wrap=True,
    )


@experiment.command("assign")
def assign(
    learners: Annotated[
        list[str] | None,
        typer.Argument(help="Learners; all of the records in use, counted, if not given."),
    ] = None,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Which arm each learner has, or how many learners each arm has.

    The service gives the same: an arm follows from the experiment's salt and the learner's id, and
    nothing has to be stored.

    [bold]Examples:[/] kgplan experiment assign · kgplan experiment assign U_177003 U_479010 --json
    """
    settings = read_settings()
    running = opened(settings, file)
    if learners:
        drawn = {learner: running.arm_of(learner) for learner in learners}
        if as_json:
            print_json([
                {"learner_id": learner, "arm": arm.name, "planner": arm.planner}
                for learner, arm in drawn.items()
            ])  # fmt: skip
            return
        rows = [(learner, arm.name, arm.planner) for learner, arm in drawn.items()]
        console.print(table(running.name, ("learner", "arm", "planner"), rows))
        return
    from kgplan.model.opening import open_records  # --help answers without numerical libraries
    from kgplan.store.artifacts import ArtifactStore

    records, _ = open_records(ArtifactStore(settings.artifacts))
    counted = Counter(running.arm_of(learner).name for learner in records.learner_ids.tolist())
    n, shares = records.learner_ids.size, running.shares
    found = [
        {
            "arm": arm.name,
            "planner": arm.planner,
            "share": shares[arm.name],
            "learners": counted[arm.name],
            "expected": shares[arm.name] * n,
        }
        for arm in running.arms
    ]
    if as_json:
        print_json({"experiment": running.name, "learners": n, "arms": found})
        return
    headings = ("arm", "planner", "share", "learners", "expected")
    cells = [[f"{v:.2f}" if isinstance(v, float) else v for v in each.values()] for each in found]
    console.print(table(running.name, headings, cells))


@experiment.command("read")
def read(file: File = None, as_json: AsJson = False) -> None:
    """Compare the arms by what the service recorded of learners, as often as one likes.

    Intervals hold at all times together, so that looking early and stopping on what is seen is
    allowed. A learner counts in the arm that was drawn, whoever planned, once the experiment's days
    are over since the first plan. No learner is named.

    [bold]Examples:[/] kgplan experiment read · kgplan experiment read --experiment spring.toml
    --json
    """
    from kgplan.evaluation.trial import participant, read_trial
    from kgplan.model.opening import open_records
    from kgplan.model.recorded import recorded_learners
    from kgplan.store.artifacts import ArtifactStore

    settings = read_settings()
    running = opened(settings, file)
    records, _ = open_records(ArtifactStore(settings.artifacts))
    recorded, everyone, erased = recorded_learners(settings), [], 0
    if recorded is not None:
        with closing(recorded.store) as store:
            everyone = [
                participant(plans, events, running, records)
                for plans, events in store.took_part(running.name)
            ]
            if everyone:
                erased = store.n_erased(min(each.since for each in everyone))
    found = read_trial(everyone, running, time.time(), erased)
    if as_json:
        print_json(found.to_dict())
    else:
        show(found)


@experiment.command("followed")
def followed(
    before: Annotated[
        int, typer.Option(help="Views behind which time lines are cut.", min=2, max=1_000)
    ] = 5,
    coming: Annotated[
        int, typer.Option("--next", help="Views that say what was followed.", min=1, max=100)
    ] = 3,
    seed: Annotated[int, typer.Option(help="Of halves and of the bootstrap.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write, and the same as .json beside it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Whether learners who happened to do what a plan would have said went further; no trial.

    Looks back at learners of the records in use, whom nobody planned for: what the default planner
    would have said at a cut of their time lines, from views before it and by a model fitted to
    other learners, against what they opened next, and how far they came. Compared are pairs that
    are alike before the cut. It fits two models, which takes a minute or so.

    [bold]Examples:[/] kgplan experiment followed · kgplan experiment followed --before 10 --json
    """
    import numpy as np

    from kgplan.evaluation.followed import look_back, page, said_at
    from kgplan.model.opening import open_records, open_similarity, open_snapshot, source_in_use
    from kgplan.store.artifacts import ArtifactStore

    settings = read_settings()
    artifacts = ArtifactStore(settings.artifacts)
    records, source = open_records(artifacts)
    graph, similarity = open_snapshot(settings), open_similarity(artifacts.current("similarity"))
    with progress_bar("followed") as told:
        halves = np.random.default_rng(seed)
        report = look_back(
            records,
            lambda cut: said_at(cut, records, graph, similarity, halves, told),
            before,
            coming,
            seed,
        )
    if as_json:
        print_json(report.to_dict())
        return
    made = {
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "data": f"{source_in_use(artifacts).title or 'records'} {source.version}",
        "command": f"`kgplan experiment followed --before {before} --next {coming} --seed {seed}"
        " --out FILE`",
    }
    text = page(report, made)
    if out is None:
        print(text, end="")
        return
    write_json(out.with_suffix(".json"), {"made": made, **report.to_dict()})
    write_whole(out, text)
    console.print(escape(str(out)), highlight=False, soft_wrap=True)


@experiment.command("page")
def page_of_all(
    folder: Annotated[
        Path, typer.Argument(help="Folder with what the experiments saved as JSON.")
    ] = Path("docs/experiments"),
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write, beside the folder.")
    ] = None,
) -> None:
    """What all experiments together say, in plain words: what holds, what does not, what is open.

    Each sentence follows from figures that `kgplan paper`, `kgplan simulate`, `kgplan experiment
    followed` and `kgplan diagnose calibrate` saved, and names their command.

    [bold]Examples:[/] kgplan experiment page · kgplan experiment page results --out results.md
    """
    import json

    from kgplan.report.experiments_page import COMMANDS, page

    saved = {}
    for name, command in COMMANDS.items():
        place = folder / f"{name}.json"
        if not place.exists():
            continue
        try:
            saved[name] = json.loads(place.read_text(encoding="utf-8"))
            page({name: saved[name]})
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(
                f"{place} is not what `{command}` saves ({error!r}); make it anew by that command"
            ) from None
    text = page(saved, folder.name)
    if out is None:
        print(text, end="")
        return
    write_whole(out, text)
    console.print(escape(str(out)), highlight=False, soft_wrap=True)


def opened(settings: Settings, file: Path | None) -> "Experiment":
    """The experiment that is asked about.

    Raises:
        ConfigError: no file is named, or it is wrong.
    """
    from kgplan.model.experiments import read_experiment, running_experiment

    running = running_experiment(settings) if file is None else read_experiment(file)
    if running is None:
        raise ConfigError(
            "no experiment is named; give --experiment FILE or set KGPLAN_EXPERIMENT, and write a"
            " file with `kgplan experiment new FILE`"
        )
    return running


def show(found: "Reading") -> None:
    """The reading, in tables and sentences."""
    rows: Sequence[tuple[object, ...]] = [
        (arm.name, arm.planner, f"{arm.share:.0%}", arm.learners, arm.counted, arm.switched)
        for arm in found.arms
    ]
    headings = ("arm", "planner", "drawn for", "learners", "counted", "asked for another")
    console.print(table(f"{found.experiment}, read {found.read}", headings, rows))
    rows = [_row(each) for each in found.contrasts]
    headings = ("outcome", "arm", "learners", "means", "adds", "")
    console.print(table(f"against {found.arms[0].name}", headings, rows))
    titles = {f"{each.outcome}: {each.title}" for each in found.contrasts}
    for note in (*sorted(titles), *found.notes):
        console.print(escape(note), highlight=False, soft_wrap=True)


def _row(each: "Contrast") -> tuple[object, ...]:
    learners = f"{each.learners[0]:,} / {each.learners[1]:,}"
    if each.means is None:
        return each.outcome, each.arm, learners, "", "", each.told
    return (
        each.outcome,
        each.arm,
        learners,
        f"{each.means[0]:.3g} / {each.means[1]:.3g}",
        f"{each.difference:+.3f} ({each.low:+.3f} to {each.high:+.3f})",
        each.told,
    )
