"""`kgplan simulate`: who brings simulated learners furthest?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, errors, print_json, progress_bar, table, write_json
from kgplan.errors import ConfigError


def simulate(
    simulator: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of --list; may be repeated. Else kss, or kss-graph with --graph."
        ),
    ] = None,
    contestants: Annotated[
        str | None,
        typer.Option(help="Names, by commas; all but those that train where not given."),
    ] = None,
    course: Annotated[
        str | None, typer.Option(help="Id of the course that kss-course, vdina and mooc take.")
    ] = None,
    graph: Annotated[
        str | None,
        typer.Option(
            help="Files of a platform for kss-graph, or junyi-like or metacademy-like: made up."
        ),
    ] = None,
    graph_seed: Annotated[int, typer.Option(help="Draws a made-up graph.", min=0)] = 0,
    responses: Annotated[
        Path | None, typer.Option(help="Answers for kes, as for `kgplan diagnose fit`.")
    ] = None,
    q_matrix: Annotated[Path | None, typer.Option(help="What these items ask for.")] = None,
    learners: Annotated[int, typer.Option(help="Learners of each seed.", min=1)] = 200,
    seeds: Annotated[int, typer.Option(help="How many, from 0.", min=1)] = 5,
    steps: Annotated[str, typer.Option(help="Lengths of episodes, by commas.")] = "5,10,20",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change one setting of the simulators; repeatable."
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(metavar="KEY=V,V,...", help="Compare at each of these values of a setting."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Say which simulators and contestants there are.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write, as --json prints it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let planners and simple rules teach simulated learners, and say who brings them furthest.

    E_P is how much of what there was to gain was gained, 0 to 1. Every contestant meets the same
    learners; none but those marked so is told what they know. Intervals: 95 %, over seeds.

    [bold]Examples:[/] kgplan simulate · kgplan simulate --contestants random-goal,passes,ppo ·
    kgplan simulate --sweep wrong=0,0.1,0.2,0.4 --steps 20 · kgplan simulate --set strength=0 ·
    kgplan simulate --simulator kss-course --simulator mooc --course COURSE_ID ·
    kgplan simulate --graph junyi-like --graph-seed 1 ·
    kgplan simulate --simulator kes --responses R.csv --q-matrix Q.csv
    """
    from kgplan.evaluation.simulators.comparison import compare
    from kgplan.evaluation.simulators.contestants import chosen
    from kgplan.pipeline.simulate import Material, areas, markdown, worlds
    from kgplan.settings import read_settings
    from kgplan.store.configs import read_changes

    if listed:
        tell()
        return
    along = None if sweep is None else values_of(sweep)
    names = simulator or ["kss" if graph is None else "kss-graph"]
    with progress_bar("simulate") as progress:
        settings = read_settings()
        material = Material(settings, course, responses, q_matrix, graph, graph_seed, progress)
        given = worlds(material, names, read_changes(None, changes or []), along)
        asked = chosen(contestants.split(",") if contestants else None)
        if contestants is None:
            asked = [each for each in asked if not each.needs]
        found = list(compare(given, asked, whole_numbers(steps), learners, seeds, progress))
    below: dict[str, dict[str, float]] = {}
    if along is not None:
        swept = [each for each in found if along[0] in each.setting]
        for name in dict.fromkeys(each.simulator for each in swept):
            below[name] = areas([each for each in swept if each.simulator == name], along)
    saved = {
        "results": [each.to_dict() for each in found],
        "told": material.told,
        "sweep": None if along is None else {"setting": along[0], "values": along[1]},
        "areas": below,
    }
    if out is not None:
        write_json(out, saved)
    if as_json:
        print_json(saved)
        return
    for each in material.told:
        errors.print(f"[yellow]note:[/] {escape(each)}", highlight=False, soft_wrap=True)
    if as_markdown:
        print(markdown(found))
    else:
        print_tables(found)
    for name, area in below.items():
        rows = sorted(area.items(), key=lambda row: -row[1])
        print_areas(f"{name}: area under E_P along {along[0] if along else ''}", rows, as_markdown)


def print_areas(title: str, rows: Sequence[tuple[str, float]], as_markdown: bool) -> None:
    """The contestants in order of their areas."""
    if as_markdown:
        print(f"{title}: {', '.join(f'{name} {value:.3f}' for name, value in rows)}")
    else:
        console.print(table(title, ("contestant", "area"), rows))


def print_tables(found: Sequence[Any]) -> None:
    """A table for each simulator in each setting and number of steps."""
    from itertools import groupby

    from kgplan.pipeline.simulate import shown

    headings = ("contestant", "E_P", "over random-goal", "learners", "to make, s", "to teach, s")
    by = groupby(found, lambda each: (each.simulator, each.setting, each.steps))
    for (name, setting, steps), group in by:
        rows = [
            (
                each.contestant + (" (sees the truth)" if each.sees_truth else ""),
                shown(each.effect),
                "" if each.gap is None else shown(each.gap, sign=True),
                each.learners,
                each.making,
                each.seconds,
            )
            for each in group
        ]
        title = ", ".join(filter(None, (name, setting, f"{steps} steps")))
        console.print(table(title, headings, rows))


def tell() -> None:
    """List simulators with their settings, and contestants."""
    from kgplan.evaluation.simulators.contestants import contestants, lacking
    from kgplan.pipeline.simulate import simulators

    rows = [
        (each.name, each.about, ", ".join(f"{k}={v}" for k, v in vars(each.config).items()))
        for each in simulators().values()
    ]
    console.print(table("simulators: learners who", ("name", "about", "settings"), rows))
    named = [
        (each.name, each.about, "" if not lacking(each) else "needs kgplan[simulate]")
        for each in contestants().values()
    ]
    console.print(table("contestants", ("name", "about", ""), named))


def values_of(sweep: str) -> tuple[str, list[float]]:
    """A setting and the values that it is to have.

    >>> values_of("wrong=0,0.1")
    ('wrong', [0.0, 0.1])
    """
    key, _, values = sweep.partition("=")
    try:
        return key, [float(value) for value in values.split(",")]
    except ValueError:
        raise ConfigError(
            f"--sweep is {sweep!r}; give a setting and numbers, such as wrong=0,0.1,0.2"
        ) from None


def whole_numbers(text: str) -> list[int]:
    """Numbers by commas.

    >>> whole_numbers("5,10")
    [5, 10]
    """
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise ConfigError(f"--steps is {text!r}; give whole numbers, such as 5,10,20") from None
